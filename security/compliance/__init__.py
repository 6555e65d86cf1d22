"""The evidence pack: one zip that shows an auditor how keys are managed.

It holds the inventory, the policy, every version there was, the exceptions, and the proof: the
links of the keys' streams in the audit chain, with what `manage.py verify_audit` found. No file
holds a secret. pack writes the zip, findings says what an exception is; both are pure.
"""
