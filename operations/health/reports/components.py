"""How everything stands now, from the latest look at each."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from operations.health import state_machine
from operations.health.models import Component, Turn
from operations.health.state_machine import Observation

PAGE = "/dashboards/health"


def components() -> list[Component]:
    return list(Component.objects.filter(is_enabled=True).order_by("name"))


def overall(rows: Sequence[Component]) -> str:
    return state_machine.overall(each.status for each in rows if each.is_required)


def last_round() -> Turn:
    return Turn.objects.filter(name="round").first() or Turn(name="round")


def report() -> dict[str, Any]:
    """The latest look at everything, as the contract has it."""
    rows, turn = components(), last_round()
    shown = {each.name: _shown(each) for each in rows}
    return framed(shown, overall(rows), turn.done_at, turn.seconds or 0.0)


def framed(
    shown: Mapping[str, Mapping[str, Any]], whole: str, at: datetime | None, seconds: float
) -> dict[str, Any]:
    """The report around its components."""
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


def _shown(component: Component) -> dict[str, Any]:
    return {
        "status": component.status,
        "state": component.state,
        "response_time_ms": rounded(component.last_ms),
        "error": component.error or None,
        "checked_at": component.checked_at,
        "since": component.since,
    }


def unstored(seen: Mapping[str, Observation], at: datetime, seconds: float) -> dict[str, Any]:
    """The report of a look that could not be stored, because the database is down."""
    shown = {
        name: {
            "status": each.status,
            "state": state_machine.UNKNOWN,
            "response_time_ms": rounded(each.ms),
            "error": each.error or None,
            "checked_at": at,
            "since": None,
        }
        for name, each in sorted(seen.items())
    }
    return framed(shown, state_machine.overall(each.status for each in seen.values()), at, seconds)


def rounded(ms: float | None) -> float | None:
    return None if ms is None else round(ms, 3)
