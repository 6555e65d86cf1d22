"""MarketingBudgetOptimizer: allocate a budget from plain rows, without a database."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from math import isfinite
from typing import Any

from marketing.budget.planner.planning import plan
from marketing.budget.planner.proposal import Proposal
from marketing.budget.planner.request import (
    BudgetRequest,
    Infeasible,
    PerformanceRow,
    RequestProblem,
    SpendLimit,
)
from marketing.budget.response_format import recommendation_fields

Rows = Sequence[Mapping[str, Any]]


class MarketingBudgetOptimizer:
    """Allocates a marketing budget to channels by their marginal returns.

    `historical_data` is a list of {channel, spend, revenue, date?}; a date is a date or an ISO
    8601 text. A wrong field raises Infeasible (a ValueError), which lists all of them.
    """

    def __init__(
        self,
        *,
        currency: str = "USD",
        min_allocation_percent: float | None = None,
        constraints: Mapping[str, Mapping[str, float]] | None = None,
        max_change_percent: float | None = None,
    ) -> None:
        self.currency = currency
        self.min_allocation_percent = _money(min_allocation_percent)
        self.constraints = {
            channel: SpendLimit(_money(each.get("min")), _money(each.get("max")))
            for channel, each in (constraints or {}).items()
        }
        self.max_change_percent = _money(max_change_percent)

    def optimize_allocation(
        self, total_budget: float | Decimal, historical_data: Rows
    ) -> dict[str, float]:
        """Amounts by channel; they add up to the budget to the cent."""
        allocations = self._proposal(total_budget, historical_data).allocations
        return {channel: float(amount) for channel, amount in allocations.items()}

    def analyze_channel_performance(self, historical_data: Rows) -> dict[str, dict[str, Any]]:
        """ROI, marginal ROI, allocation, saturation, trend and evidence at the present spend."""
        proposal = self._proposal(spend_per_period(historical_data), historical_data)
        return {
            each.channel: {
                "roi_percent": each.roi_percent,
                "marginal_roi": each.marginal_roi_now,
                "current_allocation": float(each.current_allocation),
                "saturation_percent": each.saturation_percent,
                "trend": each.trend,
                "evidence": each.evidence,
            }
            for each in proposal.channels
        }

    def get_recommendations(
        self, historical_data: Rows, total_budget: float | Decimal | None = None
    ) -> list[dict[str, Any]]:
        """One recommendation for each channel; for the present total spend unless one is given."""
        total = spend_per_period(historical_data) if total_budget is None else total_budget
        proposal = self._proposal(total, historical_data)
        return [recommendation_fields(each) for each in proposal.recommendations]

    def _proposal(self, total_budget: float | Decimal, historical_data: Rows) -> Proposal:
        return plan(
            BudgetRequest(
                total=_money(total_budget) or Decimal(0),
                rows=rows_from(historical_data),
                currency=self.currency,
                constraints=self.constraints,
                min_allocation_percent=self.min_allocation_percent,
                max_change_percent=self.max_change_percent,
            )
        )


def rows_from(historical_data: Rows) -> tuple[PerformanceRow, ...]:
    """Rows from dictionaries. Raises Infeasible, which names every row that is malformed."""
    rows, problems = [], []
    for at, each in enumerate(historical_data):
        try:
            spend, revenue = _number(each["spend"]), _number(each["revenue"])
            rows.append(PerformanceRow(str(each["channel"]), spend, revenue, _day(each)))
        except (KeyError, TypeError, ValueError) as error:
            message = f"{error} is missing" if isinstance(error, KeyError) else str(error)
            problems.append(RequestProblem(f"historical_data[{at}]", "invalid", message))
    if problems:
        raise Infeasible(tuple(problems))
    return tuple(rows)


def spend_per_period(historical_data: Rows) -> Decimal:
    """Spend in one period: the mean total of the dates, or of undated rows the channels' means."""
    rows = [row for row in rows_from(historical_data) if isfinite(row.spend)]
    if all(row.date for row in rows):
        periods = len({row.date for row in rows})
        return round(Decimal(sum(row.spend for row in rows) / max(periods, 1)), 2)
    counts: dict[str, list[float]] = {}
    for row in rows:
        counts.setdefault(row.channel, []).append(row.spend)
    return round(Decimal(sum(sum(each) / len(each) for each in counts.values())), 2)


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
        raise TypeError(f"a number is needed, not {value!r}")
    return float(value)


def _day(each: Mapping[str, Any]) -> date | None:
    value = each.get("date")
    if isinstance(value, str):
        return datetime.fromisoformat(value).date()
    return value.date() if isinstance(value, datetime) else value


def _money(value: float | Decimal | None) -> Decimal | None:
    if value is None or isinstance(value, Decimal):
        return value
    return Decimal(str(value)) if isfinite(value) else Decimal("NaN")
