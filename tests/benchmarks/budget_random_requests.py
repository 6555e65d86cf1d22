"""Random requests, and a check that an allocation keeps sum, units, limits and bounds."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from marketing.budget.planner.bounds import AllocationBounds
from marketing.budget.planner.request import BudgetRequest, PerformanceRow, SpendLimit
from marketing.budget.planner.rounding import decimal_places

START = date(2025, 1, 6)


def random_request(seed: int) -> BudgetRequest:
    """One to eight channels, one to thirty rows, budgets from cents to billions, any bounds."""
    rng = np.random.default_rng(seed)
    names = [f"channel {letter}" for letter in "abcdefgh"[: rng.integers(1, 9)]]
    currency = str(rng.choice(["USD", "JPY", "KWD"]))
    places = decimal_places(currency)
    size = 10.0 ** rng.uniform(-1, 9)
    total = max(Decimal(str(round(size, places))), Decimal(1).scaleb(-places))
    total = round(total, places)
    limits = {name: _limit(rng, total, len(names), places) for name in names if rng.random() < 0.4}
    return BudgetRequest(
        total=total,
        rows=tuple(_rows(rng, names, size)),
        currency=currency,
        constraints=limits,
        min_allocation_percent=_maybe(rng, 0.3, 0, 15),
        max_change_percent=_maybe(rng, 0.3, 5, 60),
        budget_periods=int(rng.choice([1, 1, 4])),
    )


def _maybe(rng: np.random.Generator, probability: float, low: float, high: float) -> Decimal | None:
    return Decimal(str(round(rng.uniform(low, high), 1))) if rng.random() < probability else None


def _limit(rng: np.random.Generator, total: Decimal, channels: int, places: int) -> SpendLimit:
    share = Decimal(str(round(rng.uniform(0, 2.0 / channels), 4)))
    low = round(total * share, places) if rng.random() < 0.7 else None
    room = Decimal(str(round(rng.uniform(0, 1), 4))) * total
    high = round((low or Decimal(0)) + room, places) if rng.random() < 0.7 else None
    if low is not None and rng.random() < 0.1:
        high = low
    return SpendLimit(low, high)


def _rows(rng: np.random.Generator, names: list[str], size: float) -> Iterator[PerformanceRow]:
    periods = int(rng.choice([1, 2, 5, 12, 30]))
    dated, idle = rng.random() < 0.7, rng.random() < 0.2
    unit = size * 10.0 ** rng.uniform(-1, 1) / len(names)
    for name in names:
        level, roi = rng.lognormal(0, 1), rng.lognormal(1, 0.7)
        for period in range(periods):
            if rng.random() < 0.05 and period:
                continue
            spend = 0.0 if idle and rng.random() < 0.3 else unit * level * rng.lognormal(0, 0.4)
            revenue = 0.0 if rng.random() < 0.03 else roi * spend**0.6 * rng.lognormal(0, 0.3)
            when = START + timedelta(weeks=period) if dated else None
            yield PerformanceRow(name, float(spend), float(revenue), when)


def broken_promises(
    request: BudgetRequest, allocations: dict[str, Decimal], bounds: AllocationBounds
) -> list[str]:
    """Which promises the allocations break: the exact sum, whole units, limits, hard bounds.

    Shares and step limits are kept to the unit where whole units fit, else within one unit.
    """
    unit = Decimal(1).scaleb(-decimal_places(request.currency))
    found = []
    if sum(allocations.values()) != request.total:
        found.append(f"sum {sum(allocations.values())} is not {request.total}")
    for name, amount in allocations.items():
        limit = request.constraints.get(name, SpendLimit())
        if amount != amount.quantize(unit) or amount < 0:
            found.append(f"{name}: {amount} is not money")
        if amount < (limit.min or 0) or amount > (
            request.total if limit.max is None else limit.max
        ):
            found.append(f"{name}: {amount} is outside {limit}")
    return found + list(_outside(request, allocations, bounds, float(unit)))


def _outside(
    request: BudgetRequest, allocations: dict[str, Decimal], bounds: AllocationBounds, unit: float
) -> Iterator[str]:
    periods = request.budget_periods
    low, high = (
        bounds.hard_low * periods / unit,
        np.minimum(bounds.hard_high * periods / unit, 1e300),
    )
    least, most = np.ceil(low - 1e-6), np.floor(high + 1e-6)
    whole = float(request.total) / unit
    fits = (least <= most).all() and least.sum() <= whole * (1 + 1e-12) and most.sum() >= whole
    slack = (1e-6 if fits else 1.0) + 1e-9 * whole
    for at, (name, amount) in enumerate(allocations.items()):
        units = float(amount) / unit
        if not low[at] - slack <= units <= high[at] + slack:
            yield f"{name}: {amount} is outside {low[at] * unit} to {high[at] * unit}"
