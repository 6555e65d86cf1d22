"""Availability and outages as metrics."""

from datetime import datetime

from django.db.models import Max, QuerySet, Sum

from aethercrown.formatting import counted, duration_text
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from operations.health.history.rollups import DAY
from operations.health.models import HealthRollup, Incident
from operations.health.reports.components import PAGE, components


def read(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    rows = components()
    down = sum(each.status == "unhealthy" for each in rows)
    started = Incident.objects.filter(started_at__gte=begin, started_at__lt=end).count()
    return {
        "health.availability": _availability(begin, end),
        "health.components_down": query.state(down, f"of {counted(len(rows), 'component')}")
        if rows
        else unknown("Nothing has been checked yet"),
        "health.outages": Reading(started, note="that began in the period"),
    }


def _availability(begin: datetime, end: datetime) -> Reading:
    """From stored days, and the hours after the last of them."""
    rows = HealthRollup.objects.filter(component__is_enabled=True, start__lt=end).order_by()
    days = rows.filter(span=HealthRollup.Span.DAY, start__gte=begin)
    last = days.aggregate(last=Max("start"))["last"]
    hours_from = last + DAY if last else begin
    hours = rows.filter(span=HealthRollup.Span.HOUR, start__gte=hours_from)
    up, down = (sum(part) for part in zip(_seconds(days), _seconds(hours), strict=True))
    if not up + down:
        return unknown("No check was stored in the period")
    return Reading(100 * up / (up + down), note=f"{duration_text(down)} down, of all components")


def _seconds(rows: "QuerySet[HealthRollup]") -> tuple[float, float]:
    found = rows.aggregate(up=Sum("up_seconds"), down=Sum("down_seconds"))
    return found["up"] or 0.0, found["down"] or 0.0


METRICS = (
    Metric(
        "health.availability",
        "Availability",
        "The time in which components worked, in percent of the time with a known state: gaps,"
        " unknown checks and maintenance do not count.",
        MetricUnit.PERCENT,
        Good.UP,
        PAGE,
        read,
    ),
    Metric(
        "health.components_down",
        "Components down",
        "Enabled components whose last check found them not working.",
        MetricUnit.COUNT,
        Good.DOWN,
        PAGE,
        read,
    ),
    Metric(
        "health.outages",
        "Outages",
        "Outages of a component that began in the period.",
        MetricUnit.COUNT,
        Good.DOWN,
        PAGE,
        read,
    ),
)
