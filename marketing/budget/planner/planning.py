"""Plan a budget: validate the request, fit the curves, allocate, build the proposal."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from marketing.budget.model import cadence
from marketing.budget.model.by_channel import fit_rows
from marketing.budget.model.by_total import fit_totals
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.model.response_curves import Floats
from marketing.budget.planner import rounding
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from marketing.budget.planner.bounds import AllocationBounds, allocation_bounds
from marketing.budget.planner.proposal import Grade, Proposal
from marketing.budget.planner.proposal_builder import BudgetAllocation, build_proposal
from marketing.budget.planner.request import BudgetRequest, SpendLimit, unify_names
from marketing.budget.planner.validation import validate


def prepare(request: BudgetRequest) -> FittedModel:
    """Validate the request and fit its curves. Raises Infeasible with every bad field."""
    request, spellings = unify_names(request)
    validate(request)
    request = cadence.on_one_grid(request)
    if request.reported:  # the periods are others than those that were validated
        validate(request)
    fitted = fit_rows(request) if request.total_revenue is None else fit_totals(request)
    return _with_caveats(fitted, spellings)


def _with_caveats(fitted: FittedModel, spellings: Mapping[str, str]) -> FittedModel:
    """The fit, with what was assumed about names and about rows of several cadences."""
    reported = fitted.request.reported
    read = tuple(f"'{name}' is read as the channel '{spellings[name]}'." for name in spellings)
    guessed = cadence.estimated(reported)
    grades: tuple[Grade, ...] = tuple(
        "low" if name in guessed else grade
        for name, grade in zip(fitted.channels, fitted.grades, strict=True)
    )
    return replace(
        fitted,
        notes=(*read, *cadence.notes(reported), *fitted.notes),
        grades=grades,
        other_reasons=(*fitted.other_reasons, *cadence.reasons_against(reported)),
    )


def plan(request: BudgetRequest) -> Proposal:
    """Plan the budget of a request. Raises Infeasible where there is no plan."""
    fitted = prepare(request)
    return build_proposal(fitted, allocate(fitted))


def allocate(fitted: FittedModel) -> BudgetAllocation:
    """Allocate the request's total to its channels, in floats and in money."""
    request, posterior = fitted.request, fitted.posterior
    current = fitted.current_mix()
    most = fitted.history.spend.max(axis=1)
    bounds = allocation_bounds(
        request,
        fitted.channels,
        current,
        most,
        fitted.max_total,
        in_force=fitted.present_spend(),
    )
    grid = spend_grid(bounds.low, bounds.high, posterior.scale)
    segments = rank_segments(grid, revenue(posterior, grid), current)
    amounts, marginal_return = water_fill(segments, request.period_budget)
    money = _rounded_amounts(request, fitted.channels, amounts, bounds)
    return BudgetAllocation(amounts, money, marginal_return, bounds, current)


def _rounded_amounts(
    request: BudgetRequest, channels: Sequence[str], amounts: Floats, bounds: AllocationBounds
) -> dict[str, Decimal]:
    """Round amounts (C,) a period to money for the window; they sum to the total exactly."""
    places, periods = rounding.decimal_places(request.currency), request.budget_periods
    whole = int(request.total.scaleb(places))
    low, high = bounds.hard_low * periods, bounds.hard_high * periods
    limits = [request.constraints.get(each, SpendLimit()) for each in channels]
    fixed = rounding.limits_in_units(limits, places, whole)
    hard = rounding.clip_ranges(rounding.inward(low, high, places, whole), fixed)
    loose = rounding.clip_ranges(rounding.outward(low, high, places, whole), fixed)
    wanted = rounding.inward(bounds.low * periods, bounds.high * periods, places, whole)
    soft = rounding.clip_ranges(wanted, hard)
    exact = amounts * periods * 10**places
    units = rounding.round_to_units(whole, exact, channels, (soft, hard, loose, fixed))
    money = [Decimal(count).scaleb(-places) for count in units]
    return dict(zip(channels, money, strict=True))
