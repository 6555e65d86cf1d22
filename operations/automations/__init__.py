"""Automations: what runs on a schedule, once for each planned time.

Schedules are in django-celery-beat's tables; `occurrences` computes what they make due. The first
message for a due time writes a row (the run ledger), one worker claims it under a lease, and only
the attempt that holds the lease may write. A recovery task requeues what a dead worker left and
what no message announced. Apps register the code of their automations in `registry`.
"""
