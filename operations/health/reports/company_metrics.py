"""Availability and outages as metrics."""

from datetime import datetime

from django.db.models import Max, QuerySet, Sum

from aethercrown.formatting import counted, duration_text
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from operations.health import state_machine
from operations.health.history.rollups import DAY
from operations.health.models import HealthRollup, Incident
from operations.health.reports.components import PAGE, components

MAX_NAMED = 3  # components that are down


def read(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    started = Incident.objects.filter(started_at__gte=begin, started_at__lt=end).count()
    return {
        "health.availability": _availability(begin, end),
        "health.outages": Reading(started, note="that began in the period"),
    }


def read_down(query: MetricQuery) -> dict[str, Reading]:
    rows = components()
    if not rows:
        return {"health.components_down": unknown("Nothing has been checked yet")}
    down = [each.name for each in rows if each.status == "unhealthy"]
    names = f": {', '.join(down[:MAX_NAMED])}" if down else ""
    judged = sum(each.status in state_machine.JUDGED for each in rows)
    note = f"of {counted(judged, 'component')}{names}"
    if judged < len(rows):
        note += f"; {len(rows) - judged:,} more off, unknown or not looked at"
    return {"health.components_down": query.state(len(down), note)}


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
        read_down,
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
