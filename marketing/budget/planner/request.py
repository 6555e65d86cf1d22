"""What is asked of the planner, and how it says that a question has no answer."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class PerformanceRow:
    """One channel in one period: what was spent and, where known, what it brought."""

    channel: str
    spend: float
    revenue: float | None = None
    date: dt.date | None = None


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """Money bounds of one channel for the whole question; min = max holds it fixed."""

    min: Decimal | None = None
    max: Decimal | None = None


class LiftTestResult(NamedTuple):
    """An experiment: `spend` a period brought `revenue` extra, give or take `sd` (all money)."""

    channel: str
    spend: float
    revenue: float
    sd: float


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """A budget to divide over channels, with what is known of them.

    `total` is for `budget_periods` periods together (a period is one row). `present` is the
    last applied plan; without it the mean of the last four periods. With `total_revenue` the
    rows' own revenue is not read: only the company's total is explained (aggregate mode).
    """

    total: Decimal
    rows: tuple[PerformanceRow, ...]
    currency: str = "USD"
    constraints: Mapping[str, SpendLimit] = field(default_factory=dict)
    new_channels: tuple[str, ...] = ()  # listed without rows, to introduce them
    min_allocation_percent: Decimal | None = None  # None: 5, relaxed to 50 / C where 5 C > 100
    max_change_percent: Decimal | None = None  # the step limit around `present`
    present: Mapping[str, Decimal] | None = None
    budget_periods: int = 1
    starts_on: dt.date | None = None  # first day of the window planned for, for its season
    incrementality: Mapping[str, float] = field(default_factory=dict)  # channel: factor
    lift_tests: tuple[LiftTestResult, ...] = ()
    total_revenue: tuple[tuple[dt.date, float], ...] | None = None
    platform_roi: Mapping[str, float] = field(default_factory=dict)  # channel: revenue / spend
    controls: Mapping[str, Mapping[dt.date, float]] = field(default_factory=dict)  # calendar flags


@dataclass(frozen=True, slots=True)
class RequestProblem:
    """One bad field; the message carries the numbers."""

    field: str
    code: str
    message: str


class Infeasible(ValueError):
    """The question is wrong or no plan fits it; `problems` lists every reason at once."""

    def __init__(self, problems: tuple[RequestProblem, ...]) -> None:
        super().__init__("; ".join(f"{each.field}: {each.message}" for each in problems))
        self.problems = problems


def strip_names(request: BudgetRequest) -> BudgetRequest:
    """The same question with blanks around channel names gone."""
    return replace(
        request,
        rows=tuple(
            row if row.channel == row.channel.strip() else replace(row, channel=row.channel.strip())
            for row in request.rows
        ),
        constraints={name.strip(): each for name, each in request.constraints.items()},
        new_channels=tuple(name.strip() for name in request.new_channels),
    )


def known_channels(request: BudgetRequest) -> set[str]:
    """Channels with a row, and those listed to introduce them."""
    return {row.channel for row in request.rows} | set(request.new_channels)
