"""Hours out of checks, days out of hours, and the end of what is old; safe to repeat."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TypeVar

from django.db.models import Max, Min, QuerySet

from operations.health.history import histogram, rollups
from operations.health.history.rollups import HOUR, Point, Totals
from operations.health.models import Check, Component, Rollup
from operations.health.reports.history import FIGURES, longest, points, totals

Row = TypeVar("Row", Check, Rollup)
LATE = timedelta(minutes=2)  # after the hour: a round that began in it is over by then
BATCH = 5_000


def tend(now: datetime) -> int:
    """Add up the hours and days that are over, then delete what is old; rows deleted."""
    for component_id in Component.objects.values_list("pk", flat=True):
        roll_up(component_id, now)
    return purge(now)


def roll_up(component_id: int, now: datetime) -> None:
    """Add up what is over: from the last hour and day that stand, which are done once more."""
    hours = Rollup.objects.filter(component=component_id, span=Rollup.Span.HOUR)
    checks = Check.objects.filter(component=component_id)
    first = hours.aggregate(last=Max("start"))["last"] or checks.aggregate(first=Min("at"))["first"]
    if first is None:
        return
    first = max(first, now - rollups.RAW_KEPT)
    found = points(checks.filter(at__gte=rollups.hour_of(first) - longest()))
    starts = rollups.hours(first, now - LATE)
    store(component_id, Rollup.Span.HOUR, ((each, hour(found, each)) for each in starts))
    last_day = Rollup.objects.filter(component=component_id, span=Rollup.Span.DAY).aggregate(
        last=Max("start")
    )["last"]
    since = last_day or rollups.day_of(first)
    rows = list(hours.filter(start__gte=since, start__lt=rollups.day_of(now - LATE)))
    store(component_id, Rollup.Span.DAY, days(rows))


def hour(found: Sequence[Point], start: datetime) -> Totals:
    near = [each for each in found if start - longest() <= each.at < start + HOUR]
    return rollups.totalled(near, start, start + HOUR, longest())


def days(rows: Iterable[Rollup]) -> list[tuple[datetime, Totals]]:
    """The hours of each day as one."""
    by_day: dict[datetime, list[Totals]] = {}
    for row in rows:
        by_day.setdefault(rollups.day_of(row.start), []).append(totals(row))
    return [(start, rollups.merged(parts)) for start, parts in sorted(by_day.items())]


def store(component_id: int, span: str, spans: Iterable[tuple[datetime, Totals]]) -> None:
    """Write the sums of each span, over those that stand there already."""
    rows = [
        Rollup(
            component_id=component_id,
            span=span,
            start=start,
            **{**asdict(found), "histogram": histogram.stored(found.histogram)},
        )
        for start, found in spans
        if found.checks or found.up_seconds or found.down_seconds
    ]
    Rollup.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["component", "span", "start"],
        update_fields=FIGURES,
    )


def purge(now: datetime) -> int:
    """Delete checks, hours and days past their time; the hours of those checks stand by then."""
    checks = Check.objects.filter(at__lt=rollups.hour_of(now - rollups.RAW_KEPT) - longest())
    hours = Rollup.objects.filter(
        span=Rollup.Span.HOUR, start__lt=rollups.day_of(now - rollups.HOURS_KEPT)
    )
    days = Rollup.objects.filter(
        span=Rollup.Span.DAY, start__lt=rollups.day_of(now - rollups.DAYS_KEPT)
    )
    return (
        emptied(checks, Check.objects.all())
        + emptied(hours, Rollup.objects.all())
        + emptied(days, Rollup.objects.all())
    )


def emptied(rows: QuerySet[Row], every: QuerySet[Row]) -> int:
    """Delete `rows` batch by batch, so that no lock is held for long."""
    deleted = 0
    while keys := list(rows.values_list("pk", flat=True)[:BATCH]):
        every.filter(pk__in=keys).delete()
        deleted += len(keys)
    return deleted
