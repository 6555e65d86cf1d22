"""Who did what, so that it cannot be changed afterwards without being found.

Events stand in streams, each a chain: an event's hash covers the hash before it. Hourly anchors
keep every stream's end outside the database too, and each row of a tracked table's history has
its digest in the chain. `manage.py verify_audit` names the first entry that does not fit.
"""
