"""The public status page: its signed address, and what it says of each published component.

Off without STATUS_PAGE. The address is a signature of that text, so another text ends the old one.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.core.signing import Signer
from django.utils.crypto import constant_time_compare

from operations.health.models import Component, Incident
from operations.health.reports import history
from operations.health.state_machine import DOWN, JUDGED, UP

SALT = "operations.health.status_page"
DAY, SPAN = timedelta(days=1), timedelta(days=90)
MAX_OUTAGES = 50
WORKS, SLOW, FAILS = "works", "slow", "does not work"
MAINTAINED, NOT_KNOWN = "in maintenance", "not known"
ORDER = (FAILS, SLOW, MAINTAINED, NOT_KNOWN, WORKS)  # what is wrong first


@dataclass(frozen=True, slots=True)
class PublishedComponent:
    """A component as everybody may see it; availability in percent, None if unknown."""

    name: str
    status: str
    since: datetime | None
    day: float | None
    quarter: float | None


def path() -> str:
    """Where the page is; empty while it is off."""
    return f"/status/{_signature()}" if settings.STATUS_PAGE else ""


def is_open(signature: str) -> bool:
    """Whether the page is on, and this is its address."""
    return bool(settings.STATUS_PAGE) and constant_time_compare(signature, _signature())


def _signature() -> str:
    return str(Signer(salt=SALT).signature(settings.STATUS_PAGE))


def published(now: datetime) -> list[PublishedComponent]:
    """The components that staff publish, what is wrong first."""
    day, quarter = (
        {
            each.component.pk: each.totals.availability_percent
            for each in history.trends(span, now, published=True)
        }
        for span in (DAY, SPAN)
    )
    rows = Component.objects.filter(is_enabled=True, is_public=True)
    found = [
        PublishedComponent(
            row.name, status(row, now), row.state_since, day.get(row.pk), quarter.get(row.pk)
        )
        for row in rows
    ]
    return sorted(found, key=lambda each: (ORDER.index(each.status), each.name.lower()))


def status(row: Component, now: datetime) -> str:
    """By its confirmed state: one failed check is no outage."""
    if row.is_maintained(now):
        return MAINTAINED
    if row.state == DOWN:
        return FAILS
    if row.state != UP or row.status not in JUDGED:
        return NOT_KNOWN
    return SLOW if row.is_slow else WORKS  # degraded by its certificate, it still works


def summary(found: Iterable[PublishedComponent]) -> str:
    """How many work, of those that are known: what is not known is in neither number."""
    counts = Counter(each.status for each in found)
    known = sum(counts[each] for each in (WORKS, SLOW, FAILS))
    if not known:
        return "Nothing is known at the moment"
    parts = [f"{counts[WORKS] + counts[SLOW]} of {known} work"]
    parts += [f"{counts[each]} {each}" for each in (SLOW, MAINTAINED, NOT_KNOWN) if counts[each]]
    return ", ".join(parts)


def outages(now: datetime) -> list[Incident]:
    """The newest outages of published components, without what the checks said of them."""
    rows = Incident.objects.filter(component__is_public=True, component__is_enabled=True)
    recent = rows.filter(ended_at__gte=now - SPAN) | rows.filter(ended_at=None)
    return list(recent.select_related("component")[:MAX_OUTAGES])
