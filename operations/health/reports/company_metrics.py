"""Availability and outages as metrics."""

from django.db.models import Max, Q, Sum

from aethercrown.formatting import counted, duration_text
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Metric, MetricQuery
from operations.health import state_machine
from operations.health.history.rollups import DAY
from operations.health.models import HealthRollup, Incident
from operations.health.reports.components import PAGE, components

MAX_NAMED = 3  # components that are down
NONE_CHECKED = "Nothing has been checked yet"


def read_outages(query: MetricQuery) -> dict[str, Reading]:
    begin, end = query.span
    started = Incident.objects.filter(started_at__gte=begin, started_at__lt=end).count()
    return {"health.outages": Reading(started, note="that began in the period")}


def read_down(_query: MetricQuery) -> dict[str, Reading]:
    rows = components()
    judged = sum(each.status in state_machine.JUDGED for each in rows)
    if not judged:
        reason = f"No state of {counted(len(rows), 'component')} is known" if rows else NONE_CHECKED
        return {"health.components_down": unknown(reason)}
    down = [each.name for each in rows if each.status == state_machine.UNHEALTHY]
    names = f": {', '.join(down[:MAX_NAMED])}" if down else ""
    note = f"of {counted(judged, 'component')}{names}"
    if judged < len(rows):
        note += f"; {len(rows) - judged:,} more off, unknown or not looked at"
    return {"health.components_down": Reading(len(down), note=note)}


def read_availability(query: MetricQuery) -> dict[str, Reading]:
    """From stored days, and the hours after the last of them."""
    begin, end = query.span
    rows = HealthRollup.objects.filter(component__is_enabled=True).order_by()
    days = rows.filter(span=HealthRollup.Span.DAY)
    last = query.shared("last day", lambda: days.aggregate(last=Max("start"))["last"])
    after = max(begin, last + DAY) if last else begin
    is_part = Q(span=HealthRollup.Span.DAY) | Q(span=HealthRollup.Span.HOUR, start__gte=after)
    seconds = rows.filter(is_part, start__gte=begin, start__lt=end).aggregate(
        up=Sum("up_seconds"), down=Sum("down_seconds")
    )
    up, down = seconds["up"] or 0.0, seconds["down"] or 0.0
    if not up + down:
        return {"health.availability": unknown("No check was stored in the period")}
    note = f"{duration_text(down)} down, of all components"
    return {"health.availability": Reading(100 * up / (up + down), note=note)}


METRICS = (
    Metric(
        "health.availability",
        "Availability",
        "The time in which components worked, in percent of the time with a known state: gaps,"
        " unknown checks and maintenance do not count.",
        MetricUnit.PERCENT,
        Good.UP,
        PAGE,
        read_availability,
    ),
    Metric(
        "health.components_down",
        "Components down",
        "Enabled components whose last check found them not working.",
        MetricUnit.COUNT,
        Good.DOWN,
        PAGE,
        read_down,
        has_history=False,
    ),
    Metric(
        "health.outages",
        "Outages",
        "Outages of a component that began in the period.",
        MetricUnit.COUNT,
        Good.DOWN,
        PAGE,
        read_outages,
    ),
)
