"""People, secrets and the audit.

access: people, roles, sign-in, the second factor and the audit of sign-ins.
apikeys: keys of API clients, their scopes, networks, usage and pepper.
encryption: key-encryption keys, envelope encryption and the platform's own secrets.
audit: the hash chain of events, its anchors, and digests of the history.
rotation: managed secrets and their rotation.
compliance: the evidence pack for an auditor.
restore: what a restored platform's secrets and audit need.
"""
