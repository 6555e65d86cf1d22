"""Who could take a task now."""

from datetime import datetime, timedelta

from django.db.models import Q

from operations.scheduling.models import Worker

HEARTBEAT = 30  # seconds between two, at most
SILENT = timedelta(seconds=3 * HEARTBEAT)


def present(now: datetime) -> Q:
    """On, and heard of within three heartbeats; who never asked by name is not waited for."""
    return Q(is_active=True) & (Q(last_seen_at=None) | Q(last_seen_at__gte=now - SILENT))


def hands(now: datetime, among: set[int]) -> list[tuple[int, str, str]]:
    """(id, name, pool) of each worker present, and of those in `among` whatever they say."""
    rows = Worker.objects.filter(present(now) | Q(pk__in=among)).order_by("name")
    return list(rows.values_list("pk", "name", "pool__name"))
