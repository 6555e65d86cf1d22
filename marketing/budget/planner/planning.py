"""Plan a budget: validate the request, fit the curves, allocate, build the proposal.

Pure and deterministic; it needs no database.
"""

from decimal import Decimal

from marketing.budget.model.by_channel import fit_rows
from marketing.budget.model.by_total import fit_totals
from marketing.budget.model.curves import revenue
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.response import Floats
from marketing.budget.planner.allocation import (
    RankedSegments,
    rank_segments,
    spend_grid,
    water_fill,
)
from marketing.budget.planner.bounds import AllocationBounds, allocation_bounds
from marketing.budget.planner.proposal import (
    Proposal,
)
from marketing.budget.planner.proposal_builder import BudgetAllocation, build_proposal
from marketing.budget.planner.request import (
    BudgetRequest,
    SpendLimit,
    strip_names,
)
from marketing.budget.planner.rounding import (
    clip_ranges,
    decimal_places,
    inward,
    limits_in_units,
    outward,
    round_to_units,
)
from marketing.budget.planner.validation import validate


def prepare(request: BudgetRequest) -> FittedModel:
    """Validate the request and fit its curves. Raises Infeasible with every bad field."""
    request = strip_names(request)
    validate(request)
    return fit_rows(request) if request.total_revenue is None else fit_totals(request)


def plan(request: BudgetRequest) -> Proposal:
    """Plan the budget of a request. Raises Infeasible where there is no plan."""
    fitted = prepare(request)
    return build_proposal(fitted, allocate(fitted))


def allocate(fitted: FittedModel) -> BudgetAllocation:
    """Allocate the request's total to its channels, in floats and in money."""
    request = fitted.request
    current = fitted.current_mix(request)
    bounds = allocation_bounds(
        request, fitted.channels, current, fitted.max_spend, fitted.max_total
    )
    budget = float(request.total) / request.budget_periods
    segments = _segments(fitted, bounds, current)
    amounts, marginal_return = water_fill(segments, budget)
    money = _rounded_amounts(fitted, request, amounts, bounds)
    return BudgetAllocation(amounts, money, marginal_return, bounds, current)


def _segments(fitted: FittedModel, bounds: AllocationBounds, current: Floats) -> RankedSegments:
    grid = spend_grid(bounds.low, bounds.high, fitted.posterior.scale)
    return rank_segments(grid, revenue(fitted.posterior, grid), current)


def _rounded_amounts(
    fitted: FittedModel, request: BudgetRequest, amounts: Floats, bounds: AllocationBounds
) -> dict[str, Decimal]:
    """Round amounts (C,) a period to money for the window; they sum to the total exactly."""
    places, periods = decimal_places(request.currency), request.budget_periods
    whole = int(request.total.scaleb(places))
    limits = [request.constraints.get(each, SpendLimit()) for each in fitted.channels]
    fixed = limits_in_units(limits, places, whole)
    hard = clip_ranges(
        inward(bounds.hard_low * periods, bounds.hard_high * periods, places, whole), fixed
    )
    soft = clip_ranges(inward(bounds.low * periods, bounds.high * periods, places, whole), hard)
    loose = clip_ranges(
        outward(bounds.hard_low * periods, bounds.hard_high * periods, places, whole), fixed
    )
    exact = amounts * periods * 10**places
    units = round_to_units(whole, exact, fitted.channels, (soft, hard, loose, fixed))
    return {
        channel: Decimal(unit_count).scaleb(-places)
        for channel, unit_count in zip(fitted.channels, units, strict=True)
    }
