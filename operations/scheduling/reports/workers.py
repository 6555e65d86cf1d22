"""Which workers can take a task now."""

from datetime import datetime, timedelta

from django.db.models import Q

from operations.scheduling.models import Worker

SILENT_AFTER = timedelta(seconds=90)  # three heartbeats


def present(now: datetime) -> Q:
    """Active workers seen within SILENT_AFTER, or never (those that do not call by name)."""
    is_recent = Q(last_seen_at__range=(now - SILENT_AFTER, now + SILENT_AFTER))
    return Q(is_active=True) & (Q(last_seen_at=None) | is_recent)


def available(now: datetime, busy: set[int]) -> list[tuple[int, str, str]]:
    """(id, name, pool) of each worker that is alive, and of the busy ones even if silent.

    Those that never called under their own name count in a pool in which no other is alive.
    """
    rows = Worker.objects.filter(present(now) | Q(pk__in=busy)).order_by("name")
    found = list(rows.values_list("pk", "name", "pool__name", "last_seen_at"))
    served = {pool for _, _, pool, seen in found if seen and now - seen <= SILENT_AFTER}
    return [
        (key, name, pool)
        for key, name, pool, seen in found
        if seen or key in busy or pool not in served
    ]
