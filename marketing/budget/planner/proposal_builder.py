"""From a division of money to the whole proposal."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from marketing.budget.model.curves import marginal_return, revenue, saturation_percent
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.response import METHOD_VERSION, Floats
from marketing.budget.planner import advice, auto_apply, uncertainty
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from marketing.budget.planner.bounds import AllocationBounds
from marketing.budget.planner.proposal import Curve, CurvePoint, Grade, Interval, Proposal
from marketing.budget.planner.rounding import decimal_places

CURVE_POINTS, CURVE_DRAWS, MAX_CURVES = 60, 100, 200
PLACEBO_WARNING_PROBABILITY = 0.7


@dataclass(frozen=True, slots=True)
class Division:
    """A plan: floats a period, money for the window, and what bounded it."""

    amounts: Floats
    money: dict[str, Decimal]
    price: float
    edge: AllocationBounds
    keep: Floats


@dataclass(frozen=True, slots=True)
class ExpectedGain:
    """What the draws say of a plan."""

    chance: float
    lift: Interval  # money a period
    percent: Interval
    revenue: Interval  # money for the window
    far: float


def build_proposal(fitted: FittedModel, found: Division) -> Proposal:
    """Everything the API, the admin and the pages show."""
    question = fitted.question
    gain = expected_gain(fitted, found)
    plans = own_plans(fitted, found)
    facts = channel_figures(fitted, found, plans)
    reasons = tuple(auto_apply.reasons_against(auto_apply_inputs(fitted, found, gain)))
    chances = placebo_probabilities(fitted, found)
    return Proposal(
        total=question.total,
        currency=question.currency,
        mode=fitted.mode,
        allocations=found.money,
        present=dict(zip(fitted.channels, facts.current, strict=True)),
        channel_roi=dict(zip(fitted.channels, map(float, fitted.roi), strict=True)),
        expected_revenue=gain.revenue,
        expected_lift_percent=gain.percent,
        probability_of_lift=gain.chance,
        auto_applicable=not reasons,
        reasons_against=reasons,
        marginal_return=found.price,
        channels=advice.channel_summaries(facts),
        recommendations=advice.recommendations(facts),
        curves=curves(fitted, found),
        backtest=fitted.backtest,
        backtest_note=fitted.backtest_note,
        next_experiment=advice.next_experiment(
            fitted.channels, plans, found.amounts, question.currency
        ),
        evidence=overall_evidence(fitted, found.keep),
        placebo=chances,
        warnings=tuple(warnings(fitted, found, gain, chances)),
        method=f"{fitted.mode}: {METHOD_VERSION}",
        input_digest=fitted.digest,
    )


def own_plans(fitted: FittedModel, found: Division) -> Floats:
    """What each of the draws would do in the plan's place (N, C), money a period."""
    budget = float(fitted.question.total) / fitted.question.budget_periods
    edge = found.edge
    return uncertainty.plans_by_draw(fitted.sample, fitted.belief, edge.low, edge.high, budget)


def warnings(
    fitted: FittedModel, found: Division, gain: ExpectedGain, chances: Mapping[str, float]
) -> Iterator[str]:
    """All that the reader must know besides the plan."""
    yield from fitted.notes
    yield from found.edge.notes
    yield from budget_ratio_warnings(gain.far)
    yield from placebo_warnings(fitted, chances)


def expected_gain(fitted: FittedModel, found: Division) -> ExpectedGain:
    """Lift over the present mix at the same budget, and revenue, from the draws."""
    question = fitted.question
    lift, money = uncertainty.lift_draws(fitted.sample, fitted.belief, found.amounts, found.keep)
    base = money - lift
    percent = 100 * np.divide(lift, base, out=np.zeros_like(lift), where=base > 0)
    budget = float(question.total) / question.budget_periods
    far = budget / fitted.largest if fitted.largest > 0 else 1.0
    wide = far if far > auto_apply.MAX_BUDGET_RATIO else 1.0
    window = question.budget_periods * fitted.season_factor
    return ExpectedGain(
        uncertainty.chance_of_lift(lift, base),
        uncertainty.interval(lift),
        uncertainty.widen(uncertainty.interval(percent), wide),
        uncertainty.widen(uncertainty.interval(money * window), wide),
        far,
    )


def auto_apply_inputs(
    fitted: FittedModel, found: Division, gain: ExpectedGain
) -> auto_apply.AutoApplyInputs:
    """What the gate judges."""
    question = fitted.question
    cost = float(question.cost_of_change) / question.budget_periods
    return auto_apply.AutoApplyInputs(
        found.amounts,
        found.keep,
        gain.chance,
        gain.lift,
        cost,
        fitted.backtest,
        found.edge.stretched,
        gain.far,
        fitted.weak,
    )


def channel_figures(fitted: FittedModel, found: Division, plans: Floats) -> advice.ChannelFigures:
    """The facts that standings and reasons quote, in the window's money."""
    question = fitted.question
    periods, places = question.budget_periods, decimal_places(question.currency)

    def money(values: Floats) -> tuple[Decimal, ...]:
        return tuple(round(Decimal(float(each)), places) for each in values)

    low, high = np.quantile(plans * periods, [0.05, 0.95], axis=0)
    held = advice.binding_bounds(
        found.amounts, found.edge.low, found.edge.high, (found.edge.why_low, found.edge.why_high)
    )
    return advice.ChannelFigures(
        channels=fitted.channels,
        currency=question.currency,
        current=money(present(fitted) * periods),
        suggested=tuple(found.money[each] for each in fitted.channels),
        roi=fitted.roi,
        before=marginal_return(fitted.belief, found.keep[:, None])[:, 0],
        after=marginal_return(fitted.belief, found.amounts[:, None])[:, 0],
        saturation=saturation_percent(fitted.belief, found.amounts),
        low=money(low),
        high=money(high),
        trends=fitted.trends,
        grades=fitted.grades,
        rows=fitted.rows,
        variation=fitted.variation,
        held_by=held,
        price=found.price,
    )


def present(fitted: FittedModel) -> Floats:
    """What is spent a period now: the last applied plan, or the last periods' mean."""
    question = fitted.question
    if question.present is None:
        return fitted.recent
    held = np.array([float(question.present.get(each, 0)) for each in fitted.channels])
    return held / question.budget_periods


def curves(fitted: FittedModel, found: Division) -> tuple[Curve, ...]:
    """Sixty points a channel, from nothing to beyond its ceiling; money for the window.

    Of the MOST_CURVES channels with the most money only: nobody reads more.
    """
    most = np.sort(np.argsort(-found.amounts, kind="stable")[:MAX_CURVES])
    belief, sample = fitted.belief.of(most), fitted.sample.of(most, CURVE_DRAWS)
    top = np.maximum(1.25 * found.edge.high, 2 * present(fitted))
    top = np.maximum(np.minimum(top, 4 * np.maximum(found.keep, found.amounts)), 1e-9)
    spend = top[most, None] * np.linspace(0, 1, CURVE_POINTS)
    low, high = np.quantile(sample.revenue(belief, spend), [0.05, 0.95], axis=0)
    middle, slope = revenue(belief, spend), marginal_return(belief, spend)
    periods = fitted.question.budget_periods
    table = np.stack([spend * periods, middle * periods, low * periods, high * periods, slope], 2)
    return tuple(
        Curve(fitted.channels[at], tuple(CurvePoint(*point) for point in points))
        for at, points in zip(most.tolist(), table.tolist(), strict=True)
    )


def placebo_probabilities(fitted: FittedModel, found: Division) -> dict[str, float]:
    """Probability of a lift under other assumptions; high where revenue is shifted is no news."""
    budget = float(fitted.question.total) / fitted.question.budget_periods
    chances = {}
    for name, other in fitted.others.items():
        plan = found.amounts
        if other.own_plan:
            grid = spend_grid(found.edge.low, found.edge.high, other.belief.scale)
            plan, _ = water_fill(
                rank_segments(grid, revenue(other.belief, grid), found.keep), budget
            )
        lift, money = uncertainty.lift_draws(other.sample, other.belief, plan, found.keep)
        chances[name] = uncertainty.chance_of_lift(lift, money - lift)
    return chances


def placebo_warnings(fitted: FittedModel, chances: Mapping[str, float]) -> Iterator[str]:
    """A warning where nonsense data promise a lift too."""
    for name, other in fitted.others.items():
        if other.own_plan and chances[name] > PLACEBO_WARNING_PROBABILITY:
            yield (
                f"Placebo: with {name} a lift is promised too (chance {chances[name]:.2f}), so "
                "these data do not tell cause from season."
            )


def overall_evidence(fitted: FittedModel, keep: Floats) -> Grade:
    """The grade that most of the money stands on."""
    order: tuple[Grade, ...] = ("low", "medium", "high")
    at = [order.index(each) for each in fitted.grades]
    return order[int(np.argmax(np.bincount(at, keep, minlength=3)))]


def budget_ratio_warnings(far: float) -> tuple[str, ...]:
    """A warning where the budget is beyond what was ever spent."""
    if far <= auto_apply.MAX_BUDGET_RATIO:
        return ()
    return (
        f"The budget is {far:.1f} times the largest ever spent in a period; intervals are widened.",
    )
