"""Build the proposal of an allocation."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from math import isnan, log

import numpy as np

from aethercrown.formatting import counted, number_text, percent_text, share_text
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.posterior_curves import marginal_return, revenue, saturation_percent
from marketing.budget.model.response_curves import METHOD_VERSION, Floats
from marketing.budget.planner import advice, auto_apply, uncertainty
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from marketing.budget.planner.bounds import AllocationBounds
from marketing.budget.planner.proposal import (
    ChannelSummary,
    Curve,
    Grade,
    Interval,
    Proposal,
    ResponsePoint,
)
from marketing.budget.planner.rounding import decimal_places

CURVE_POINTS, CURVE_DRAWS, MAX_CURVES = 60, 100, 200
PLACEBO_WARNING_PROBABILITY = 0.7
WIDENED_RATIO = 2.0  # of the budget to the largest total of a period, from which intervals widen
MAX_LIFT_PERCENT = 1_000.0  # a larger one says only that the present mix brings nothing
WINDOW_DAYS = {"week": 7, "month": 30, "quarter": 91, "year": 364}


@dataclass(frozen=True, slots=True)
class BudgetAllocation:
    """An allocation: floats a period, money for the window, and its bounds."""

    amounts: Floats
    money: dict[str, Decimal]
    marginal_return: float
    bounds: AllocationBounds
    current: Floats


@dataclass(frozen=True, slots=True)
class ExpectedGain:
    """Lift and revenue of a plan, from the draws."""

    probability: float
    lift: Interval  # money a period
    percent: Interval
    revenue: Interval  # money for the window
    budget_ratio: float
    is_out_of_range: bool = False  # the lift in percent


def build_proposal(fitted: FittedModel, found: BudgetAllocation) -> Proposal:
    """The whole proposal that the API, the admin and the pages show."""
    request = fitted.request
    gain = expected_gain(fitted, found)
    plans = uncertainty.plans_by_draw(  # the optimal plan of each draw (N, C), money a period
        fitted.sample, fitted.posterior, found.bounds.low, found.bounds.high, request.period_budget
    )
    channels = channel_summaries(fitted, found, plans)
    reasons = tuple(reasons_against(fitted, found, gain))
    probabilities = placebo_probabilities(fitted, found)
    return Proposal(
        total=request.total,
        currency=request.currency,
        mode=fitted.mode,
        allocations=found.money,
        present={each.channel: each.current_allocation for each in channels},
        channel_roi=dict(zip(fitted.channels, map(known_number, fitted.roi), strict=True)),
        expected_revenue=gain.revenue,
        expected_lift_percent=gain.percent,
        probability_of_lift=gain.probability,
        auto_applicable=not reasons,
        reasons_against=reasons,
        marginal_return=found.marginal_return,
        channels=channels,
        recommendations=advice.recommendations(
            channels, request.currency, found.marginal_return, fitted.rows, fitted.variation
        ),
        curves=curves(fitted, found),
        backtest=fitted.backtest,
        backtest_note=fitted.backtest_note,
        next_experiment=advice.next_experiment(
            fitted.channels, plans, found.amounts, request.currency
        ),
        evidence=overall_evidence(fitted, found.current, gain.budget_ratio),
        placebo=probabilities,
        warnings=tuple(warnings(fitted, found, gain, probabilities)),
        method=f"{fitted.mode}: {METHOD_VERSION}",
        input_digest=fitted.digest,
    )


def reasons_against(
    fitted: FittedModel, found: BudgetAllocation, gain: ExpectedGain
) -> Iterator[str]:
    return auto_apply.reasons_against(
        found.amounts,
        fitted.present_spend(),
        probability=gain.probability,
        lift=gain.lift,
        backtest=fitted.backtest,
        outside_data=found.bounds.outside_data,
        budget_ratio=gain.budget_ratio,
        other_reasons=(*fitted.other_reasons, *out_of_range(gain)),
    )


def warnings(
    fitted: FittedModel,
    found: BudgetAllocation,
    gain: ExpectedGain,
    probabilities: Mapping[str, float],
) -> Iterator[str]:
    """Notes of the fit and the bounds, and warnings."""
    yield from fitted.notes
    yield from found.bounds.notes
    yield from out_of_range(gain)
    if gain.budget_ratio > auto_apply.MAX_BUDGET_RATIO:
        yield (
            f"The budget is {number_text(gain.budget_ratio, 1)} times the largest ever spent in a "
            "period: what it brings was never seen, so the intervals are widened up to what the "
            f"curves allow, and the evidence is low.{periods_hint(fitted)}"
        )
    yield from placebo_warnings(fitted, probabilities)


def periods_hint(fitted: FittedModel) -> str:
    """Which `budget_periods` a budget fits that is too large for one row; empty if none."""
    request, days = fitted.request, fitted.history.gap_days()
    if not fitted.history.dates or fitted.max_total <= 0:
        return ""
    usual = float(fitted.history.spend.sum(axis=0).mean())
    fits = []
    for name, length in WINDOW_DAYS.items():
        periods = round(length / days)
        amount = float(request.total) / max(periods, 1)
        if periods > 1 and 0.5 * usual <= amount <= auto_apply.MAX_BUDGET_RATIO * fitted.max_total:
            fits.append((abs(log(amount / usual)), name, periods))
    if not fits:
        return ""
    _, name, periods = min(fits)
    return (
        f" A row is for {counted(round(days), 'day')}: if the budget is for a {name}, its "
        f"budget_periods are {periods}."
    )


def out_of_range(gain: ExpectedGain) -> Iterator[str]:
    if gain.is_out_of_range:
        yield (
            "The lift cannot be told in percent: the present mix is expected to bring next to "
            f"nothing. It is shown as at most {percent_text(MAX_LIFT_PERCENT, 0)}."
        )


def known_number(value: float) -> float | None:
    """None for nan, which stands for unknown."""
    return None if isnan(value) else float(value)


def expected_gain(fitted: FittedModel, found: BudgetAllocation) -> ExpectedGain:
    """Lift over the present mix at the same budget, and revenue, from the draws."""
    request = fitted.request
    lift, money = uncertainty.lift_draws(
        fitted.sample, fitted.posterior, found.amounts, found.current
    )
    base = money - lift
    percent = 100 * np.divide(lift, base, out=np.zeros_like(lift), where=base > 0)
    budget_ratio = request.period_budget / fitted.max_total if fitted.max_total > 0 else 1.0
    wide = budget_ratio if budget_ratio > WIDENED_RATIO else 1.0
    window = request.budget_periods * fitted.season_factor
    most = window * float(np.quantile(linear_revenue(fitted, found.amounts), 0.95))
    lowest, highest = possible_lift(found.amounts, found.current)
    shown = uncertainty.widen(uncertainty.interval(percent), wide)
    revenue_shown = uncertainty.widen(uncertainty.interval(money * window), wide)
    return ExpectedGain(
        uncertainty.lift_probability(lift, base),
        uncertainty.interval(lift),
        uncertainty.within(shown, lowest, min(highest, MAX_LIFT_PERCENT)),
        uncertainty.within(revenue_shown, 0.0, max(most, revenue_shown.estimate)),
        budget_ratio,
        is_out_of_range=highest > MAX_LIFT_PERCENT and shown.high > MAX_LIFT_PERCENT,
    )


def linear_revenue(fitted: FittedModel, amounts: Floats) -> Floats:
    """Revenue (N,) of each draw if beyond the largest spend seen it grew in a straight line.

    The curves are concave, so no plan brings more.
    """
    seen = fitted.history.spend.max(axis=1)
    inside = np.where(seen > 0, np.minimum(amounts, seen), amounts)
    earned = fitted.sample.revenue(fitted.posterior, inside[:, None])[..., 0]
    growth = np.divide(amounts, inside, out=np.ones_like(amounts), where=inside > 0)
    return np.asarray((earned * growth).sum(axis=1))


def possible_lift(plan: Floats, current: Floats) -> tuple[float, float]:
    """Least and largest lift in percent that concave curves allow; infinite from 0."""
    ratio = np.divide(plan, current, out=np.full_like(plan, np.inf), where=current > 0)
    ratio = ratio[(plan > 0) | (current > 0)]
    return 100 * (min(1.0, float(ratio.min())) - 1), 100 * (max(1.0, float(ratio.max())) - 1)


def channel_summaries(
    fitted: FittedModel, found: BudgetAllocation, plans: Floats
) -> tuple[ChannelSummary, ...]:
    """One for each channel, in money for the window; `plans` (N, C) are the draws' own plans."""
    periods, places = fitted.request.budget_periods, decimal_places(fitted.request.currency)
    bounds = found.bounds

    def money(values: Floats) -> list[Decimal]:
        return [round(Decimal(float(each)), places) for each in values]

    low, high = np.quantile(plans * periods, [0.05, 0.95], axis=0)
    columns = (
        fitted.channels,
        money(fitted.present_spend() * periods),
        [found.money[each] for each in fitted.channels],
        [known_number(each) for each in fitted.roi],
        marginal_return(fitted.posterior, found.current[:, None])[:, 0].tolist(),
        marginal_return(fitted.posterior, found.amounts[:, None])[:, 0].tolist(),
        saturation_percent(fitted.posterior, found.amounts).tolist(),
        money(low),
        money(high),
        fitted.trends,
        fitted.grades,
        advice.binding_bounds(
            found.amounts, bounds.low, bounds.high, (bounds.why_low, bounds.why_high)
        ),
    )
    return tuple(ChannelSummary(*each) for each in zip(*columns, strict=True))


def curves(fitted: FittedModel, found: BudgetAllocation) -> tuple[Curve, ...]:
    """CURVE_POINTS points for each channel, from 0 to beyond its ceiling; money for the window.

    Only of the MAX_CURVES channels with the largest amounts.
    """
    most = np.sort(np.argsort(-found.amounts, kind="stable")[:MAX_CURVES])
    posterior, sample = fitted.posterior.of(most), fitted.sample.of(most, CURVE_DRAWS)
    top = np.maximum(1.25 * found.bounds.high, 2 * fitted.present_spend())
    top = np.maximum(np.minimum(top, 4 * np.maximum(found.current, found.amounts)), 1e-9)
    spend = top[most, None] * np.linspace(0, 1, CURVE_POINTS)
    low, high = np.quantile(sample.revenue(posterior, spend), [0.05, 0.95], axis=0)
    middle, slope = revenue(posterior, spend), marginal_return(posterior, spend)
    periods = fitted.request.budget_periods
    table = np.stack([spend * periods, middle * periods, low * periods, high * periods, slope], 2)
    return tuple(
        Curve(fitted.channels[at], tuple(ResponsePoint(*point) for point in points))
        for at, points in zip(most.tolist(), table.tolist(), strict=True)
    )


def placebo_probabilities(fitted: FittedModel, found: BudgetAllocation) -> dict[str, float]:
    """Probability of a lift under each alternative fit."""
    probabilities = {}
    for name, other in fitted.alternatives.items():
        plan = found.amounts
        if other.own_plan:
            grid = spend_grid(found.bounds.low, found.bounds.high, other.posterior.scale)
            segments = rank_segments(grid, revenue(other.posterior, grid), found.current)
            plan, _ = water_fill(segments, fitted.request.period_budget)
        lift, money = uncertainty.lift_draws(other.sample, other.posterior, plan, found.current)
        probabilities[name] = uncertainty.lift_probability(lift, money - lift)
    return probabilities


def placebo_warnings(fitted: FittedModel, probabilities: Mapping[str, float]) -> Iterator[str]:
    """A warning where the fit to shifted revenue expects a lift as well."""
    for name, other in fitted.alternatives.items():
        if other.own_plan and probabilities[name] > PLACEBO_WARNING_PROBABILITY:
            yield (
                f"Placebo: with {name} a lift is expected too (chance "
                f"{share_text(probabilities[name])}), "
                "so these data do not tell cause from season."
            )


def overall_evidence(fitted: FittedModel, current: Floats, budget_ratio: float) -> Grade:
    """The grade of the channels with most of the money; low for a budget far beyond the data."""
    if budget_ratio > auto_apply.MAX_BUDGET_RATIO:
        return "low"
    order: tuple[Grade, ...] = ("low", "medium", "high")
    at = [order.index(each) for each in fitted.grades]
    return order[int(np.argmax(np.bincount(at, current, minlength=3)))]
