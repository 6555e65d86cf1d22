"""The report of the latest check of each component."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from aethercrown.search import row_source
from operations.health import state_machine
from operations.health.models import CheckLock, Component
from operations.health.state_machine import Observation

PAGE = "/dashboards/health"


def components() -> list[Component]:
    """The enabled components, by name."""
    return list(Component.objects.filter(is_enabled=True).order_by("name"))


def page(component: Component) -> str:
    """The path of the component's own page."""
    return f"{PAGE}/{component.pk}"


def overall(rows: Sequence[Component]) -> str:
    """The worst status of the required components."""
    return state_machine.overall(each.status for each in rows if each.is_required)


def last_round() -> CheckLock:
    """When the last round ended and how long it took; empty before the first."""
    return CheckLock.objects.filter(name="round").first() or CheckLock(name="round")


def latest_report() -> dict[str, Any]:
    """The latest check of everything, as the API shows it."""
    rows, last = components(), last_round()
    shown = {
        each.name: _component(each.status, each.last_ms, each.error, each.checked_at)
        | {"state": each.state, "since": each.state_since}
        for each in rows
    }
    return _report(shown, overall(rows), last.released_at, last.run_seconds or 0.0)


def unstored_report(
    seen: Mapping[str, Observation], at: datetime, seconds: float
) -> dict[str, Any]:
    """The report of checks that could not be stored, because the database is down."""
    shown = {
        name: _component(each.status, each.response_ms, each.error, at)
        for name, each in sorted(seen.items())
    }
    return _report(shown, state_machine.overall(each.status for each in seen.values()), at, seconds)


def _report(
    shown: Mapping[str, Mapping[str, Any]], whole: str, at: datetime | None, seconds: float
) -> dict[str, Any]:
    statuses = [each["status"] for each in shown.values()]
    return {
        "overall_status": whole,
        "checked_at": at,
        "check_duration_seconds": round(seconds, 3),
        "components": dict(shown),
        "summary": {
            "total_components": len(statuses),
            **{name: statuses.count(name) for name in state_machine.STATUSES},
        },
    }


def _component(status: str, ms: float | None, error: str, at: datetime | None) -> dict[str, Any]:
    return {
        "status": status,
        "state": state_machine.UNKNOWN,
        "response_time_ms": None if ms is None else round(ms, 3),
        "error": error or None,
        "checked_at": at,
        "since": None,
    }


SEARCH = row_source(
    "Components",
    Component.objects.all,
    ("name",),
    note=lambda component: component.status,
    page=page,
)
