"""The planner's request, and the error that lists what is wrong with it."""

import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple, TypeVar

from aethercrown.text import folded

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class PerformanceRow:
    """Spend and revenue of one channel in one period.

    Without a revenue only where the company's total is given, or where it `is_unknown`.
    """

    channel: str
    spend: float
    revenue: float | None = None
    date: dt.date | None = None
    is_unknown: bool = False  # the revenue


@dataclass(frozen=True, slots=True)
class SpendLimit:
    """Spend limits of one channel for the whole window; min = max fixes its amount."""

    min: Decimal | None = None
    max: Decimal | None = None


class LiftTestResult(NamedTuple):
    """Result of an experiment: `spend` a period caused `revenue`, with standard error `sd`."""

    channel: str
    spend: float
    revenue: float
    sd: float


@dataclass(frozen=True, slots=True)
class BudgetRequest:
    """A budget to allocate to channels, with their history and limits.

    `total` is for `budget_periods` periods together (a period is one row). `present` is the
    last applied plan; without it the mean of the last four periods is used. With `total_revenue`
    the rows' own revenue is ignored and the total is modelled (aggregate mode).
    """

    total: Decimal
    rows: tuple[PerformanceRow, ...]
    currency: str = "USD"
    constraints: Mapping[str, SpendLimit] = field(default_factory=dict)
    new_channels: tuple[str, ...] = ()  # channels without rows, to be introduced
    min_allocation_percent: Decimal | None = None  # None: 5, relaxed to 50 / C where 5 C > 100
    max_change_percent: Decimal | None = None  # the step limit around `present`
    present: Mapping[str, Decimal] | None = None
    budget_periods: int = 1
    starts_on: dt.date | None = None  # first day of the planned window, for its season
    incrementality: Mapping[str, float] = field(default_factory=dict)  # factor by channel
    lift_tests: tuple[LiftTestResult, ...] = ()
    total_revenue: tuple[tuple[dt.date, float], ...] | None = None
    platform_roi: Mapping[str, float] = field(default_factory=dict)  # revenue / spend by channel
    controls: Mapping[str, Mapping[dt.date, float]] = field(default_factory=dict)  # calendar flags
    reported: Mapping[str, str] = field(default_factory=dict)  # how channels report; see cadence

    @property
    def dates(self) -> list[dt.date]:
        """The dates of the rows, in order."""
        return sorted({row.date for row in self.rows if row.date is not None})

    @property
    def period_budget(self) -> float:
        """The budget of one period."""
        return float(self.total) / self.budget_periods


@dataclass(frozen=True, slots=True)
class RequestProblem:
    """One bad field, with a message that states the figures."""

    field: str
    code: str
    message: str


class Infeasible(ValueError):
    """The request is invalid or no plan fits it; `problems` lists every reason."""

    def __init__(self, problems: tuple[RequestProblem, ...]) -> None:
        super().__init__("; ".join(f"{each.field}: {each.message}" for each in problems))
        self.problems = problems


NAMED_MAPS = ("constraints", "present", "incrementality", "platform_roi")


def unify_names(request: BudgetRequest) -> tuple[BudgetRequest, dict[str, str]]:
    """The request with one name a channel, and the spellings that were read as another one.

    Names that differ only in case, blanks or Unicode form are one channel, named as most rows do.
    Raises Infeasible where a map names one channel twice.
    """
    counts = Counter(row.channel.strip() for row in request.rows)
    counts.update(dict.fromkeys((name.strip() for name in request.new_channels), 0))
    by_fold: dict[str, str] = {}
    for name in sorted(counts, key=lambda each: (-counts[each], each)):
        by_fold.setdefault(folded(name), name)
    spellings = {name: by_fold[folded(name)] for name in counts if by_fold[folded(name)] != name}

    def to(name: str) -> str:
        return spellings.get(name.strip(), name.strip())

    problems = tuple(_named_twice(request, to))
    if problems:
        raise Infeasible(problems)
    return replace(
        request,
        rows=tuple(
            row if row.channel == to(row.channel) else replace(row, channel=to(row.channel))
            for row in request.rows
        ),
        new_channels=tuple(dict.fromkeys(map(to, request.new_channels))),
        lift_tests=tuple(test._replace(channel=to(test.channel)) for test in request.lift_tests),
        constraints=_renamed(request.constraints, to),
        present=None if request.present is None else _renamed(request.present, to),
        incrementality=_renamed(request.incrementality, to),
        platform_roi=_renamed(request.platform_roi, to),
    ), spellings


def _renamed(named: Mapping[str, Value], to: Callable[[str], str]) -> dict[str, Value]:
    return {to(name): each for name, each in named.items()}


def _named_twice(request: BudgetRequest, to: Callable[[str], str]) -> Iterator[RequestProblem]:
    for field_ in NAMED_MAPS:
        seen: dict[str, str] = {}
        for name in getattr(request, field_) or ():
            first = seen.setdefault(to(name), name)
            if first != name:
                message = f"means the same channel as '{first}'"
                yield RequestProblem(f"{field_}.{name}", "duplicate", message)


def known_channels(request: BudgetRequest) -> set[str]:
    """Channels with rows, and new channels."""
    return {row.channel for row in request.rows} | set(request.new_channels)
