"""Which workers can take a task now."""

from datetime import datetime

from django.db.models import DateTimeField, F, Q, Value

from operations.scheduling.models import SILENT_AFTER, Worker


def present(now: datetime) -> Q:
    """Active workers that are not silent, or never called (those that do not by name)."""
    usual = Q(last_seen_at__range=(now - SILENT_AFTER, now + SILENT_AFTER))
    at = Value(now, DateTimeField())
    rare = Q(last_seen_at__range=(at - F("silent_after"), at + F("silent_after")))
    is_recent = Q(silent_after=None) & usual | Q(silent_after__isnull=False) & rare
    return Q(is_active=True) & (Q(last_seen_at=None) | is_recent)


def available(now: datetime, busy: set[int]) -> list[tuple[int, str, str]]:
    """(id, name, pool) of each worker that is alive, and of the busy ones even if silent.

    Those that never called under their own name count in a pool in which no other is alive.
    """
    rows = Worker.objects.filter(present(now) | Q(pk__in=busy)).order_by("name")
    found = list(rows.select_related("pool"))
    served = {each.pool_id for each in found if each.last_seen_at and not each.is_silent(now)}
    return [
        (each.pk, each.name, each.pool.name)
        for each in found
        if each.last_seen_at or each.pk in busy or each.pool_id not in served
    ]
