"""Roll checks up to hours and hours to days, and delete old rows; may be repeated."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db.models import Max, Min

from aethercrown.db.bulk import forget
from operations.health.history import histogram, rollups
from operations.health.history.rollups import HOUR, CheckPoint, Totals
from operations.health.models import Check, Component, HealthRollup
from operations.health.reports.history import TOTAL_COLUMNS, max_gap, points, totals

ROLLUP_DELAY = timedelta(minutes=2)  # after the hour: its last round has ended by then


def roll_up_and_purge(now: datetime) -> int:
    """Roll up the hours and days that are over, then delete old rows; how many."""
    for component_id in Component.objects.values_list("pk", flat=True):
        roll_up(component_id, now)
    return purge(now)


def roll_up(component_id: int, now: datetime) -> None:
    """Roll up what is over; the newest stored hour and day are computed again."""
    hours = HealthRollup.objects.filter(component=component_id, span=HealthRollup.Span.HOUR)
    checks = Check.objects.filter(component=component_id)
    hours.filter(start__gt=now).delete()  # of a clock that was ahead
    first = (
        hours.aggregate(last=Max("start"))["last"]
        or checks.aggregate(first=Min("checked_at"))["first"]
    )
    if first is None:
        return
    first = max(first, now - rollups.CHECKS_KEPT)
    own = Component.objects.filter(pk=component_id).values_list("check_every_seconds", flat=True)
    gap = max_gap(own.first())
    found = points(checks.filter(checked_at__gte=rollups.hour_of(first) - gap))
    starts = rollups.hours(first, now - ROLLUP_DELAY)
    spans = ((each, hour_totals(found, each, gap)) for each in starts)
    store(component_id, HealthRollup.Span.HOUR, spans)
    last_day = HealthRollup.objects.filter(
        component=component_id, span=HealthRollup.Span.DAY
    ).aggregate(last=Max("start"))["last"]
    since = last_day or rollups.day_of(first)
    rows = list(hours.filter(start__gte=since, start__lt=rollups.day_of(now - ROLLUP_DELAY)))
    store(component_id, HealthRollup.Span.DAY, day_totals(rows))


def hour_totals(found: Sequence[CheckPoint], start: datetime, gap: timedelta) -> Totals:
    near = [each for each in found if start - gap <= each.at < start + HOUR]
    return rollups.total(near, start, start + HOUR, gap)


def day_totals(rows: Iterable[HealthRollup]) -> list[tuple[datetime, Totals]]:
    """(start, totals) of each day, from its hours."""
    by_day: dict[datetime, list[Totals]] = {}
    for row in rows:
        by_day.setdefault(rollups.day_of(row.start), []).append(totals(row))
    return [(start, rollups.merge(parts)) for start, parts in sorted(by_day.items())]


def store(component_id: int, span: str, spans: Iterable[tuple[datetime, Totals]]) -> None:
    """Store the totals of each span, replacing stored ones."""
    rows = [
        rollup_row(component_id, span, start, found)
        for start, found in spans
        if found.checks or found.up_seconds or found.down_seconds
    ]
    HealthRollup.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["component", "span", "start"],
        update_fields=TOTAL_COLUMNS,
    )


def rollup_row(component_id: int, span: str, start: datetime, found: Totals) -> HealthRollup:
    figures = {**asdict(found), "histogram": histogram.to_json(found.histogram)}
    return HealthRollup(component_id=component_id, span=span, start=start, **figures)


def purge(now: datetime) -> int:
    """Delete checks, hours and days older than they are kept; how many rows."""
    checks = Check.objects.filter(
        checked_at__lt=rollups.hour_of(now - rollups.CHECKS_KEPT) - max_gap()
    )
    count = forget(checks)
    spans = HealthRollup.Span
    for span, kept in ((spans.HOUR, rollups.HOURS_KEPT), (spans.DAY, rollups.DAYS_KEPT)):
        count += forget(
            HealthRollup.objects.filter(span=span, start__lt=rollups.day_of(now - kept))
        )
    return count
