"""Work that runs by itself, once for each planned time.

A schedule stands in django-celery-beat's tables; slots says what it makes due. The first
message for a slot writes a row into the ledger, one worker claims it with a lease, and only
the attempt that holds the lease may write. A sweep takes up what a dead worker left and what
no message announced. What runs is found by name in the registry; apps register themselves.
"""
