"""Ten thousand random questions: exact sums, no bound broken, close to the optimum."""

from collections import Counter

from marketing.budget.model.curves import revenue
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.planner import planning
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from marketing.budget.planner.proposal_builder import BudgetAllocation
from marketing.budget.planner.request import Infeasible
from tests.benchmarks.budget_random_requests import broken, random_request
from tests.benchmarks.report import Report

EVERY = 10  # of which the optimum is found again on a fine grid


def run(report: Report, *, quick: bool) -> None:
    """Feasible ones are planned twice; the others must say why in numbers."""
    wanted = 300 if quick else 10_000
    report.section(f"Exactness: {wanted:,} feasible random questions")
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
            wrong += bool(broken(fitted.request, found.money, found.bounds))
            if seed % EVERY == 0:
                gap = max(gap, short_of_best(fitted, found))
                again += (
                    planning.allocate(planning.prepare(random_request(seed))).money != found.money
                )
        seed += 1
    report.say(f"Refused with their numbers: {dict(refused)}.")
    report.say()
    report.judge("plans with a wrong sum or a broken bound", wrong, 0)
    report.judge("largest gap to the optimum, %", gap, 0.005)
    report.judge("plans that differ when made again", again, 0)


def short_of_best(fitted: FittedModel, found: BudgetAllocation) -> float:
    """Percent below the best division of the same believed curves on 3,000 points."""
    bounds = found.bounds
    grid = spend_grid(bounds.low, bounds.high, fitted.posterior.scale, 3000)
    best, _ = water_fill(
        rank_segments(grid, revenue(fitted.posterior, grid), found.current), found.amounts.sum()
    )
    most = revenue(fitted.posterior, best[:, None]).sum()
    held = revenue(fitted.posterior, found.amounts[:, None]).sum()
    return 100 * float(1 - held / most) if most > 0 else 0.0
