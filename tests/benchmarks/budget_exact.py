"""Ten thousand random requests: exact sums, no bound broken, close to the optimum."""

from collections import Counter

from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.planner import planning
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from marketing.budget.planner.proposal_builder import BudgetAllocation
from marketing.budget.planner.request import Infeasible
from tests.benchmarks.budget_random_requests import broken_promises, random_request
from tests.benchmarks.report import Report

EVERY = 10  # every tenth request is solved again on a fine grid


def run(report: Report, *, quick: bool) -> None:
    """Plan every feasible request; an infeasible one must state the reason in figures."""
    wanted = 300 if quick else 10_000
    report.section(f"Exactness: {wanted:,} feasible random requests")
    refused: Counter[str] = Counter()
    wrong, gap, again, planned, seed = 0, 0.0, 0, 0, 0
    while planned < wanted:
        try:
            fitted = planning.prepare(random_request(seed))
            found = planning.allocate(fitted)
        except Infeasible as error:
            refused.update(each.code for each in error.problems)
        else:
            planned += 1
            wrong += bool(broken_promises(fitted.request, found.money, found.bounds))
            if seed % EVERY == 0:
                gap = max(gap, gap_to_optimum(fitted, found))
                again += (
                    planning.allocate(planning.prepare(random_request(seed))).money != found.money
                )
        seed += 1
    report.say(f"Refused, by error code: {dict(refused)}.")
    report.say()
    report.judge("plans with a wrong sum or a broken bound", wrong, 0)
    report.judge("largest gap to the optimum, %", gap, 0.005)
    report.judge("plans that differ when made again", again, 0)


def gap_to_optimum(fitted: FittedModel, found: BudgetAllocation) -> float:
    """Percent below the best division of the same fitted curves on 3,000 points."""
    bounds = found.bounds
    grid = spend_grid(bounds.low, bounds.high, fitted.posterior.scale, 3000)
    best, _ = water_fill(
        rank_segments(grid, revenue(fitted.posterior, grid), found.current), found.amounts.sum()
    )
    most = revenue(fitted.posterior, best[:, None]).sum()
    earned = revenue(fitted.posterior, found.amounts[:, None]).sum()
    return 100 * float(1 - earned / most) if most > 0 else 0.0
