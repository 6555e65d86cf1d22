"""Security's part of restoring a back-up: check the KEKs, release leases, report lost events.

The rest of restoring is aethercrown.backup.
"""
