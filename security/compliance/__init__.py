"""The compliance evidence pack: one zip that shows an auditor how keys are managed.

It has the inventory, the policy, every version, the exceptions, and the proof: the keys' streams of
the audit chain with what `manage.py verify_audit` found. No file holds a secret.
"""
