"""Bounds of an allocation: hard ones set by staff, soft ones from the range of the data.

Hard bounds are spend limits, the minimum share and the step limit; a spend limit overrides the
other two. Soft bounds keep an allocation between half and twice the present mix, and at most
twice the largest spend of the history.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from aethercrown.formatting import counted, number_text, value_text
from marketing.budget.model.response_curves import Bools, Floats
from marketing.budget.planner.request import BudgetRequest, Infeasible, RequestProblem, SpendLimit

TRUST_FACTOR = 2.0
DEFAULT_MIN_PERCENT = 5.0
EXPLORATION_SHARE = 0.05  # of the budget, over all channels never tried
SUM_TOLERANCE = 1e-9  # of the budget; sums within it count as equal


@dataclass(frozen=True, slots=True)
class AllocationBounds:
    """Money a period for each channel; `why_low` and `why_high` name each bound."""

    low: Floats
    high: Floats
    hard_low: Floats
    hard_high: Floats
    why_low: tuple[str, ...]
    why_high: tuple[str, ...]
    outside_data: bool  # soft bounds had to be relaxed; such a plan is not applied automatically
    notes: tuple[str, ...]


def allocation_bounds(
    request: BudgetRequest,
    channels: Sequence[str],
    current: Floats,
    max_spend: Floats,
    max_total: float,
    *,
    in_force: Floats | None = None,
) -> AllocationBounds:
    """Bounds of one period. `current` (C,) is the present mix and sums to the period's budget.

    The step limit is around `in_force` (C,), the present spend as it is, where the budget fits
    there; else around `current`, which a note says.
    `max_spend` (C,) is each channel's largest spend, 0 if never tried; `max_total` the largest
    total of a period. Raises Infeasible where the hard bounds leave no plan.
    """
    budget = request.period_budget
    present = current if in_force is None else in_force
    hard = _HardBounds(request, channels, (present, current), max_spend > 0, budget)
    budget_ratio = max(1.0, budget / max_total) if max_total > 0 else 1.0
    low, high = _trust_region(current, max_spend, budget, budget_ratio)
    low = np.clip(low, hard.low, hard.high)
    high = np.maximum(np.clip(high, hard.low, hard.high), low)
    fits = float(low.sum()), float(high.sum())
    low = _relax_floors(low, hard.low, budget)
    high = _relax_ceilings(high, np.minimum(hard.high, budget), budget)
    outside_data = fits[0] > budget * (1 + SUM_TOLERANCE) or fits[1] < budget * (1 - SUM_TOLERANCE)
    return AllocationBounds(
        low,
        np.maximum(high, low),
        hard.low,
        hard.high,
        tuple(_bound_names(hard.low >= low, hard.why_low, "trust region (half its present share)")),
        tuple(
            _bound_names(hard.high <= high, hard.why_high, "trust region (twice the known spend)")
        ),
        outside_data,
        tuple(hard.notes),
    )


def _trust_region(
    current: Floats, max_spend: Floats, budget: float, budget_ratio: float
) -> tuple[Floats, Floats]:
    """Half to twice the present mix and twice the largest spend; new channels explore."""
    low = current / TRUST_FACTOR
    high = np.minimum(current * TRUST_FACTOR, TRUST_FACTOR * max_spend * budget_ratio)
    new = max_spend <= 0
    if new.all():
        return current.copy(), np.maximum(current, budget)
    if new.any():
        low[new] = high[new] = EXPLORATION_SHARE * budget / new.sum()
    return low, high


class _HardBounds:
    """Computes hard bounds and their names. Raises Infeasible where no plan fits them."""

    def __init__(
        self,
        request: BudgetRequest,
        channels: Sequence[str],
        bases: tuple[Floats, Floats],
        tried: Bools,
        budget: float,
    ) -> None:
        """The step limit is around the first of `bases` (C,) that leaves a plan."""
        size = len(channels)
        self.notes: list[str] = []
        self.budget = budget
        self.why_low, self.why_high = ["nothing"] * size, ["the whole budget"] * size
        self.low, self.high = np.zeros(size), np.full(size, np.inf)
        fixed = self._limits(request, channels)
        self._step_around(request, bases, tried, fixed)
        self._least(request, channels)
        self._fit(request)

    def _limits(self, request: BudgetRequest, channels: Sequence[str]) -> Bools:
        fixed = np.zeros(len(channels), dtype=bool)
        periods = request.budget_periods
        for at, channel in enumerate(channels):
            limit = request.constraints.get(channel, SpendLimit())
            if limit.min is not None:
                self.low[at], self.why_low[at] = float(limit.min) / periods, "your minimum"
            if limit.max is not None:
                self.high[at], self.why_high[at] = float(limit.max) / periods, "your maximum"
            fixed[at] = limit.min is not None or limit.max is not None
        return fixed

    def _step_around(
        self, request: BudgetRequest, bases: tuple[Floats, Floats], tried: Bools, fixed: Bools
    ) -> None:
        step = request.max_change_percent
        if step is None:
            return
        in_force, current = bases
        before = self.low.copy(), self.high.copy(), list(self.why_low), list(self.why_high)
        self._step(step, in_force, tried, fixed)
        if self.low.sum() <= self.budget <= self.high.sum() or in_force is current:
            return
        self.low, self.high, self.why_low, self.why_high = before
        self.notes.clear()
        self.notes.append(
            f"The budget is too far from the {number_text(float(in_force.sum()), 2)} a period in "
            f"force for a step of {value_text(step)}%: the step limit is "
            "around the present shares of the new budget, and a person decides."
        )
        self._step(step, current, tried, fixed)

    def _step(self, percent: Decimal, current: Floats, tried: Bools, fixed: Bools) -> None:
        step = float(percent) / 100
        explore = EXPLORATION_SHARE * self.budget / max(int((~tried).sum()), 1)
        below, above = current * (1 - step), np.where(tried, current * (1 + step), explore)
        below = np.maximum(below, 0.0) if tried.any() else 0 * below
        above = above if tried.any() else np.full_like(above, np.inf)
        low, high = self.low.copy(), self.high.copy()
        clash = fixed & ((self.low > above) | (self.high < below))
        words = f"the step limit of {value_text(percent)}%"
        for at in np.flatnonzero((below > self.low) & ~clash):
            self.low[at], self.why_low[at] = min(below[at], self.high[at]), words
        for at in np.flatnonzero((above < self.high) & ~clash):
            self.high[at], self.why_high[at] = max(above[at], self.low[at]), words
        if clash.any():
            self.notes.append(
                f"Spend limits move {counted(int(clash.sum()), 'channel')} further than {words}."
            )
            # the other channels' step limits give way
            self.low = _relax_floors(self.low, low, self.budget)
            self.high = _relax_ceilings(self.high, np.minimum(high, self.budget), self.budget)

    def _least(self, request: BudgetRequest, channels: Sequence[str]) -> None:
        percent, given = DEFAULT_MIN_PERCENT, request.min_allocation_percent
        if given is not None:
            percent = float(given)
        elif percent * len(channels) > 100:
            percent = 50 / len(channels)
            self.notes.append(
                f"{len(channels)} channels cannot each have 5%; the least share is "
                f"{value_text(percent)}%."
            )
        least = np.minimum(percent / 100 * self.budget, self.high)
        lifted = np.maximum(self.low, least)
        if given is None and lifted.sum() > self.budget >= self.low.sum():
            lifted = _relax_floors(lifted, self.low, self.budget)
            self.notes.append("The least share of 5% gave way to the other bounds.")
        for at in np.flatnonzero(lifted > self.low):
            self.low[at], self.why_low[at] = (
                lifted[at],
                f"the least share of {value_text(percent)}%",
            )

    def _fit(self, request: BudgetRequest) -> None:
        problems = []
        periods, total = request.budget_periods, request.total
        least, most = self.low.sum() * periods, self.high.sum() * periods
        if self.low.sum() > self.budget * (1 + SUM_TOLERANCE):
            problems.append(
                _sum_problem(request, "minimums", "exceed", least, least - float(total))
            )
        if self.high.sum() < self.budget * (1 - SUM_TOLERANCE):
            problems.append(_sum_problem(request, "maximums", "leave", most, float(total) - most))
        if problems:
            raise Infeasible(tuple(problems))


def _sum_problem(
    request: BudgetRequest, which: str, verb: str, reached: float, gap: float
) -> RequestProblem:
    code = "minimums_exceed_total" if which == "minimums" else "maximums_below_total"
    ending = "more than it" if verb == "exceed" else "of it unplaced"
    message = (
        f"the {which} add up to {number_text(reached, 2)} and the budget is {request.total:,}: "
        f"{number_text(gap, 2)} {ending}"
    )
    return RequestProblem("constraints" if request.constraints else "total_budget", code, message)


def _relax_floors(soft: Floats, hard: Floats, budget: float) -> Floats:
    """Move soft floors towards the hard ones, in proportion, until they fit the budget."""
    over, room = soft.sum() - budget, soft.sum() - hard.sum()
    return soft - (soft - hard) * min(over / room, 1.0) if over > 0 and room > 0 else soft


def _relax_ceilings(soft: Floats, hard: Floats, budget: float) -> Floats:
    """Move soft ceilings towards the hard ones, in proportion, until the budget fits."""
    short, room = budget - soft.sum(), hard.sum() - soft.sum()
    return soft + (hard - soft) * min(short / room, 1.0) if short > 0 and room > 0 else soft


def _bound_names(hard: Bools, names: Sequence[str], soft: str) -> list[str]:
    return [name if is_hard else soft for is_hard, name in zip(hard, names, strict=True)]
