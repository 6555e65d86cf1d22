"""A budget request as JSON and back, to plan it later; money is text, dates are ISO 8601."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from marketing.budget.planner.request import (
    BudgetRequest,
    LiftTestResult,
    PerformanceRow,
    SpendLimit,
)


def to_json(request: BudgetRequest) -> dict[str, Any]:
    """Plain values of all fields."""
    return {
        **asdict(request),
        "total": str(request.total),
        "rows": [
            (each.channel, each.spend, each.revenue, _iso(each.date)) for each in request.rows
        ],
        "constraints": {
            name: (_text(each.min), _text(each.max)) for name, each in request.constraints.items()
        },
        "min_allocation_percent": _text(request.min_allocation_percent),
        "max_change_percent": _text(request.max_change_percent),
        "present": request.present and {name: str(each) for name, each in request.present.items()},
        "starts_on": _iso(request.starts_on),
        "total_revenue": request.total_revenue
        and [(each.isoformat(), money) for each, money in request.total_revenue],
        "controls": {
            name: {day.isoformat(): value for day, value in flags.items()}
            for name, flags in request.controls.items()
        },
    }


def from_json(values: Mapping[str, Any]) -> BudgetRequest:
    """The request of which `to_json` made these values."""
    revenue, present = values["total_revenue"], values["present"]
    return BudgetRequest(
        **{
            **values,
            "total": Decimal(values["total"]),
            "rows": tuple(
                PerformanceRow(channel, spend, earned, _date(day))
                for channel, spend, earned, day in values["rows"]
            ),
            "constraints": {
                name: SpendLimit(_decimal(least), _decimal(most))
                for name, (least, most) in values["constraints"].items()
            },
            "new_channels": tuple(values["new_channels"]),
            "min_allocation_percent": _decimal(values["min_allocation_percent"]),
            "max_change_percent": _decimal(values["max_change_percent"]),
            "present": present and {name: Decimal(each) for name, each in present.items()},
            "starts_on": _date(values["starts_on"]),
            "lift_tests": tuple(LiftTestResult(*each) for each in values["lift_tests"]),
            "total_revenue": revenue
            and tuple((date.fromisoformat(day), money) for day, money in revenue),
            "controls": {
                name: {date.fromisoformat(day): value for day, value in flags.items()}
                for name, flags in values["controls"].items()
            },
        }
    )


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _date(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _text(amount: Decimal | None) -> str | None:
    return None if amount is None else str(amount)


def _decimal(text: str | None) -> Decimal | None:
    return None if text is None else Decimal(text)
