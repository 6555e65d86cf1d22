"""Validate a request: every bad field at once, with figures."""

from collections.abc import Iterable, Iterator
from collections.abc import Set as AbstractSet
from decimal import Decimal
from math import isfinite

from aethercrown.formatting import counted, number_text
from aethercrown.text import similar
from marketing.budget.planner.request import (
    BudgetRequest,
    Infeasible,
    RequestProblem,
    SpendLimit,
    known_channels,
)
from marketing.budget.planner.rounding import decimal_places

UNREADABLE = "?"  # stands for a channel name that could not be read
MAX_NAMED = 20  # known channels that a message lists
MAX_HINTS, MAX_COMPARED = 5, 1_000  # unknown names of a field that are compared, and with how many
NEGATIVE_AMOUNT = "must be 0 or more; net refunds first"


def validate(request: BudgetRequest) -> None:
    """Raise Infeasible with every bad field, named by its path in the API request."""
    known = known_channels(request)
    problems = (
        *_total(request),
        *_rows(request),
        *_limits(request, known),
        *_percents(request, len(known)),
        *_present(request, known),
        *_factors(request, known),
        *_tests(request, known),
        *_aggregate(request),
    )
    if problems:
        raise Infeasible(problems)


def _total(request: BudgetRequest) -> Iterator[RequestProblem]:
    total = request.total
    if not total.is_finite() or total <= 0:
        yield RequestProblem("total_budget", "min_value", f"must be above 0, not {total}")
    else:
        yield from _decimals("total_budget", total, request.currency)
    if request.budget_periods < 1:
        message = f"must be 1 or more, not {request.budget_periods}"
        yield RequestProblem("budget_periods", "min_value", message)


def _rows(request: BudgetRequest) -> Iterator[RequestProblem]:
    if not request.rows:
        yield RequestProblem("historical_data", "empty", "needs at least one row")
    aggregate = request.total_revenue is not None
    for at, row in enumerate(request.rows):
        path = f"historical_data[{at}]"
        if not row.channel.strip():
            yield RequestProblem(f"{path}.channel", "blank", "must name a channel")
        yield from _amount(f"{path}.spend", row.spend)
        if row.revenue is not None:
            yield from _amount(f"{path}.revenue", row.revenue)
        elif not (aggregate or row.is_unknown):
            yield RequestProblem(
                f"{path}.revenue", "required", "must be given, or total_revenue instead"
            )
        if aggregate and row.date is None:
            yield RequestProblem(
                f"{path}.date", "required", "must be given where only totals are known"
            )


def _amount(path: str, value: float) -> Iterator[RequestProblem]:
    if not isfinite(value):
        yield RequestProblem(path, "invalid", f"must be a finite number, not {value}")
    elif value < 0:
        yield RequestProblem(
            path, "min_value", f"{NEGATIVE_AMOUNT} (it is {number_text(value, 2)})"
        )


def _limits(request: BudgetRequest, known: AbstractSet[str]) -> Iterator[RequestProblem]:
    least = most = Decimal(0)
    yield from _unknown_channels(_paths("constraints", request.constraints), known)
    for channel in sorted(known | set(request.constraints)):
        limit = request.constraints.get(channel, SpendLimit())
        yield from _limit(f"constraints.{channel}", limit, request.currency)
        least += limit.min or 0
        most += request.total if limit.max is None else limit.max
    if known:
        yield from _sums(request, least, most)


def _limit(path: str, limit: SpendLimit, currency: str) -> Iterator[RequestProblem]:
    for name, value in (("min", limit.min), ("max", limit.max)):
        if value is None:
            continue
        if not value.is_finite() or value < 0:
            yield RequestProblem(f"{path}.{name}", "min_value", f"must be 0 or more, not {value}")
        else:
            yield from _decimals(f"{path}.{name}", value, currency)
    if limit.min is not None and limit.max is not None and limit.min > limit.max:
        message = f"the minimum {limit.min:,} is above the maximum {limit.max:,}"
        yield RequestProblem(path, "min_above_max", message)


def _sums(request: BudgetRequest, least: Decimal, most: Decimal) -> Iterator[RequestProblem]:
    if not (least.is_finite() and most.is_finite() and request.total.is_finite()):
        return
    if least > request.total:
        over = least - request.total
        message = (
            f"the minimums add up to {least:,}, {over:,} above the budget of {request.total:,}"
        )
        yield RequestProblem("constraints", "minimums_exceed_total", message)
    if most < request.total:
        short = request.total - most
        message = (
            f"the maximums add up to {most:,}, {short:,} below the budget of {request.total:,}"
        )
        yield RequestProblem("constraints", "maximums_below_total", message)


def _percents(request: BudgetRequest, channels: int) -> Iterator[RequestProblem]:
    least, step = request.min_allocation_percent, request.max_change_percent
    if least is not None and not 0 <= least <= 100:
        yield RequestProblem("min_allocation_percent", "range", f"must be 0 to 100, not {least}")
    elif least is not None and least * channels > 100:
        message = f"{channels} channels at {least}% each make {least * channels}%, above 100%"
        yield RequestProblem("min_allocation_percent", "minimums_exceed_total", message)
    if step is not None and not 0 < step <= 1000:
        yield RequestProblem(
            "max_change_percent", "range", f"must be above 0, up to 1000, not {step}"
        )


def _present(request: BudgetRequest, known: AbstractSet[str]) -> Iterator[RequestProblem]:
    yield from _unknown_channels(_paths("present", request.present or {}), known)
    for channel, amount in sorted((request.present or {}).items()):
        if not amount.is_finite() or amount < 0:
            yield RequestProblem(
                f"present.{channel}", "min_value", f"must be 0 or more, not {amount}"
            )


def _factors(request: BudgetRequest, known: AbstractSet[str]) -> Iterator[RequestProblem]:
    for field in ("incrementality", "platform_roi"):
        yield from _unknown_channels(_paths(field, getattr(request, field)), known)
        for channel, value in sorted(getattr(request, field).items()):
            if not isfinite(value) or value <= 0:
                path = f"{field}.{channel}"
                yield RequestProblem(path, "min_value", f"must be above 0, not {value}")


def _tests(request: BudgetRequest, known: AbstractSet[str]) -> Iterator[RequestProblem]:
    tested = (
        (f"lift_tests[{at}].channel", test.channel) for at, test in enumerate(request.lift_tests)
    )
    yield from _unknown_channels(tested, known)
    for at, test in enumerate(request.lift_tests):
        path = f"lift_tests[{at}]"
        for name in ("spend", "revenue", "sd"):
            value = getattr(test, name)
            if not isfinite(value) or value <= 0:
                yield RequestProblem(f"{path}.{name}", "min_value", f"must be above 0, not {value}")


def _aggregate(request: BudgetRequest) -> Iterator[RequestProblem]:
    if request.total_revenue is None:
        return
    path, seen = "total_revenue", set()
    for at, (day, amount) in enumerate(request.total_revenue):
        yield from _amount(f"{path}[{at}].revenue", amount)
        if day in seen:
            yield RequestProblem(f"{path}[{at}].date", "duplicate", f"{day} is given twice")
        seen.add(day)
    shared = seen & {row.date for row in request.rows}
    if len(shared) < 2:
        message = f"shares {counted(len(shared), 'date')} with the spend; at least 2 are needed"
        yield RequestProblem(path, "too_few", message)
    elif not any(amount > 0 for day, amount in request.total_revenue if day in shared):
        yield RequestProblem(
            path, "all_zero", "is 0 on every date with spend: there is nothing to learn"
        )


def _decimals(path: str, value: Decimal, currency: str) -> Iterator[RequestProblem]:
    places = decimal_places(currency)
    if value != round(value, places):
        message = f"{value} has more decimals than the {places} of {currency}"
        yield RequestProblem(path, "decimals", message)


def _paths(field: str, named: Iterable[str]) -> Iterator[tuple[str, str]]:
    return ((f"{field}.{channel}", channel) for channel in sorted(named))


def _unknown_channels(
    asked: Iterable[tuple[str, str]], known: AbstractSet[str]
) -> Iterator[RequestProblem]:
    """A problem for each path whose channel has no rows; the first say what may be meant."""
    readable = sorted(known - {UNREADABLE})
    listed = ", ".join(readable[:MAX_NAMED]) or "none"
    if len(readable) > MAX_NAMED:
        listed += f" and {counted(len(readable) - MAX_NAMED, 'other')}"
    unknown = ((path, channel) for path, channel in asked if channel not in known)
    for at, (path, channel) in enumerate(unknown):
        is_compared = at < MAX_HINTS and len(readable) <= MAX_COMPARED
        meant = similar(channel, readable) if is_compared else ""
        hint = f"; did you mean '{meant}'?" if meant else ""
        message = f"'{channel}' has no rows; known are {listed}{hint}"
        yield RequestProblem(path, "unknown_channel", message)
