"""C: eight weeks at the usual mix, then forty weekly plans, each from the rows so far."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

import numpy as np

from marketing.budget.model.fit import fit_history
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.model.response_curves import Floats
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from marketing.budget.planner.bounds import allocation_bounds
from marketing.budget.planner.request import BudgetRequest
from marketing.budget.planner.uncertainty import draw_posterior
from tests.benchmarks.budget_accounts import BUDGET, Account, names, spend_history
from tests.benchmarks.budget_simulation import SimulatedHistory, Truth, draw_company
from tests.benchmarks.report import Report

HABIT_WEEKS, WEEKS, WINDOW = 8, 40, 60


@dataclass(frozen=True, slots=True)
class Policy:
    """How a week's plan is made; no step means only the trust region."""

    name: str
    step_percent: float | None = None
    thompson: bool = False
    keep_mix: bool = False


POLICIES = (
    Policy("keep mix", keep_mix=True),
    Policy("mean, step 10 %", 10),
    Policy("mean, step 20 %", 20),
    Policy("mean, step 25 %", 25),
    Policy("Thompson, step 25 %", 25, thompson=True),
    Policy("mean, no step limit"),
    Policy("Thompson, no step limit", thompson=True),
)


def run(report: Report, *, quick: bool) -> None:
    """Every policy on the same companies."""
    seeds = 3 if quick else 25
    report.section(f"C. Closed loop: mean regret % against the free optimum, {seeds} companies")
    lines, reached = [], {}
    for policy in POLICIES:
        path = np.array([closed_loop(seed, policy) for seed in range(seeds)])
        figures = path[:, 0].mean(), path[:, 19].mean(), path[:, 39].mean(), path[:, 39].max()
        reached[policy.name] = figures
        lines.append([policy.name, *(f"{each:.1f}" for each in figures)])
    report.table(["policy", "week 1", "week 20", "week 40", "worst at 40"], lines)
    _, middle, end, worst = reached["mean, step 20 %"]
    report.say(
        f"- Aims at a step of 20 %: week 20 {middle:.2f} (2), week 40 {end:.2f} (1.2), worst "
        f"{worst:.1f} (4)."
    )


def closed_loop(seed: int, policy: Policy) -> list[float]:
    """Regret of each week's plan."""
    truth, rng = draw_company(seed)
    usual = truth.usual[:, None]
    spend = usual * np.exp(0.1 * rng.normal(size=(truth.usual.size, HABIT_WEEKS)) - 0.005)
    adstock, earned = truth.usual.copy(), np.empty((truth.usual.size, 0))
    for week in range(HABIT_WEEKS):
        adstock, new = simulate_week(truth, adstock, spend[:, week], rng)
        earned = np.column_stack([earned, new])
    plan = spend[:, -4:].mean(axis=1)
    plan *= BUDGET / plan.sum()
    account = Account(truth, SimulatedHistory(spend, earned, np.zeros(HABIT_WEEKS)), plan)
    best, path = account.best_of_all(), []
    for week in range(WEEKS):
        if not policy.keep_mix:
            plan = plan_week(spend, earned, plan, policy, seed * 1000 + week)
        path.append(account.regret(plan, best))
        now = plan * np.exp(0.05 * rng.normal(size=plan.size))
        adstock, new = simulate_week(truth, adstock, now, rng)
        spend, earned = np.column_stack([spend, now]), np.column_stack([earned, new])
    return path


def simulate_week(
    truth: Truth, adstock: Floats, spend: Floats, rng: np.random.Generator
) -> tuple[Floats, Floats]:
    """Adstock and revenue of one week."""
    adstock = (1 - truth.theta) * spend + truth.theta * adstock
    return adstock, truth.revenue(adstock) * np.exp(0.2 * rng.normal(size=adstock.size))


def plan_week(spend: Floats, earned: Floats, current: Floats, policy: Policy, seed: int) -> Floats:
    """The next week's plan from the last rows: fit, bounds and allocation."""
    part = slice(-WINDOW, None)
    record = SimulatedHistory(spend[:, part], earned[:, part], np.zeros(spend[:, part].shape[1]))
    found = fit_history(spend_history(record))
    step = None if policy.step_percent is None else Decimal(str(policy.step_percent))
    request = BudgetRequest(
        Decimal(str(BUDGET)), (), max_change_percent=step, min_allocation_percent=Decimal(0)
    )
    current = current * BUDGET / current.sum()
    most, largest = spend.max(axis=1), float(spend.sum(axis=0).max())
    bounds = allocation_bounds(request, names(len(spend)), current, most, largest)
    grid = spend_grid(bounds.low, bounds.high, found.posterior.scale, 96)
    value: Callable[[], Floats] = lambda: revenue(found.posterior, grid)  # noqa: E731 - chosen below
    if policy.thompson:
        value = lambda: draw_posterior(found.posterior, seed).revenue(found.posterior, grid)[0]  # noqa: E731
    return water_fill(rank_segments(grid, value(), current), BUDGET)[0]
