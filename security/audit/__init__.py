"""A tamper-evident record of who did what.

Events are in streams, each a hash chain: an event's hash covers the hash before it. Hourly anchors
store every stream's end outside the database too, and each row of a tracked table's history has
its digest in the chain. `manage.py verify_audit` names the first entry that does not fit.
"""
