"""A, B and D: regret of plans from 1 to 104 rows for each channel."""

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from marketing.budget.model.fit import fit_history
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.model.response_curves import Floats
from marketing.budget.planner import uncertainty
from tests.benchmarks.budget_accounts import (
    BUDGET,
    Account,
    allocate_without_bounds,
    draw_account,
    plan_with_bounds,
    plan_without_bounds,
    spend_history,
)
from tests.benchmarks.budget_peers import by_roi, by_spend_and_roi, projected, slsqp
from tests.benchmarks.budget_simulation import MarketConditions
from tests.benchmarks.report import Report

RULES = ("keep mix", "equal split", "ROI-proportional", "spend x ROI^2")
LIMITS = {1: (3.7, 3.5), 12: (2.2, 2.0), 52: (1.2, 1.0)}


def run(report: Report, *, quick: bool) -> None:
    """Run the three parts."""
    trust_region(report, seeds=20 if quick else 150, wide=100 if quick else 1000)
    free_allocation(report, seeds=15 if quick else 150)
    compare_season(report, seeds=10 if quick else 60)


def spread(values: list[float]) -> str:
    """Mean and 95 % point."""
    return f"{np.mean(values):.2f} ({np.percentile(values, 95):.1f})"


def rules(account: Account, low: Floats, high: Floats, total: float = BUDGET) -> dict[str, Floats]:
    """Rules of thumb, fitted into bounds."""
    spend, earned = account.record.spend, account.record.revenue
    wishes = (account.current, np.ones(account.current.size), by_roi(spend, earned),
              by_spend_and_roi(spend, earned))  # fmt: skip
    return {
        name: projected(wish, low, high, total) for name, wish in zip(RULES, wishes, strict=True)
    }


def trust_region(report: Report, seeds: int, wide: int) -> None:
    """B: inside half to double of the present mix, with the interval's coverage."""
    report.section(f"B. Inside the trust region: mean regret % (95 % point), {seeds} seeds")
    lines, reached = [], {}
    for periods in LIMITS:
        found = _regrets(periods, seeds)
        reached[periods] = float(np.mean(found["ours"]))
        rule = min(float(np.mean(found[name])) for name in RULES)
        ratio = f"{reached[periods] / rule:.2f}"
        lines.append([periods, *(spread(each) for each in found.values()), ratio])
    report.table(["rows", *RULES, "SLSQP", "ours", "ours / best rule"], lines)
    for periods, (limit, aim) in LIMITS.items():
        report.judge(f"mean regret at {periods} rows", reached[periods], limit, aim=aim)
    report.say()
    report.say(f"Calibration over {wide} accounts (SLSQP above runs on our own fitted curves):")
    report.say()
    _report_calibration(report, wide)


def _regrets(periods: int, seeds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(seeds):
        account = draw_account(seed, periods)
        fitted, plan = plan_with_bounds(account)
        low, high = plan.bounds.low, plan.bounds.high
        best = account.best(low, high)
        wishes = rules(account, low, high)
        wishes["SLSQP"] = slsqp(fitted_revenue(fitted), account.current, low, high, BUDGET)
        wishes["ours"] = plan.amounts
        for name, wish in wishes.items():
            found[name].append(account.regret(wish, best))
    return dict(found)


def fitted_revenue(fitted: FittedModel) -> Callable[[Floats], float]:
    """Total revenue of an allocation by the fitted curves."""
    return lambda spend: float(revenue(fitted.posterior, spend[:, None]).sum())


def _report_calibration(report: Report, wide: int) -> None:
    lines = []
    for periods in LIMITS:
        inside, sure, right, applied = [], [], [], []
        for seed in range(wide):
            account = draw_account(seed, periods)
            fitted, plan = plan_with_bounds(account)
            lift, money = uncertainty.lift_draws(
                fitted.sample, fitted.posterior, plan.amounts, plan.current
            )
            interval = uncertainty.interval(100 * lift / (money - lift))
            present_revenue = account.truth.revenue(plan.current).sum()
            true = 100 * (account.truth.revenue(plan.amounts).sum() / present_revenue - 1)
            probability = uncertainty.lift_probability(lift, money)
            inside.append(interval.low <= true <= interval.high)
            sure.append(probability)
            right.append(true > 0)
            applied += [true > 0] * (probability >= 0.9)
        figures = [100 * float(np.mean(each)) for each in (inside, right, sure, applied)]
        share = 100 * len(applied) / wide
        lines.append([periods, *(f"{each:.1f}" for each in figures), f"{share:.0f}"])
        report.judge_between(
            f"90 % interval holds the lift at {periods} rows, %", figures[0], 87, 93
        )
    report.say()
    report.table(
        ["rows", "interval holds %", "lift > 0 in truth %", "mean P %", "right where P >= .9 %",
         "share with P >= .9 %"],
        lines,
    )  # fmt: skip


def free_allocation(report: Report, seeds: int) -> None:
    """A: no bounds; also larger and smaller budgets, flat spend, noise and S-shaped truths."""
    report.section(f"A. Free allocation: mean regret % (95 % point), {seeds} seeds")
    cases: list[tuple[str, int, float, MarketConditions, bool]] = [
        *((f"{rows} rows", rows, 1.0, MarketConditions(), False) for rows in (1, 12, 52, 104)),
        *(
            (f"104, budget x {factor:g}", 104, factor, MarketConditions(), False)
            for factor in (2.0, 5.0, 0.5)
        ),
        ("104, cv .1", 104, 1.0, MarketConditions(cv=0.1), False),
        ("104, noise .4", 104, 1.0, MarketConditions(noise=0.4), False),
        ("104, S-shaped", 104, 1.0, MarketConditions(), True),
    ]
    lines = []
    for name, periods, factor, conditions, s_shaped in cases:
        found: dict[str, list[float]] = defaultdict(list)
        for seed in range(seeds):
            account = draw_account(seed, periods, conditions=conditions, s_shaped=s_shaped)
            total = BUDGET * factor
            best, size = account.best_of_all(total), account.current.size
            for rule, wish in rules(account, np.zeros(size), np.full(size, total), total).items():
                found[rule].append(account.regret(wish, best))
            found["ours"].append(account.regret(plan_without_bounds(account, total), best))
        lines.append([name, *(spread(each) for each in found.values())])
    report.table(["case", *found], lines)


def compare_season(report: Report, seeds: int) -> None:
    """D: revenue follows a season of amplitude .3, and spend follows it too."""
    report.section(f"D. Season: mean regret % (95 % point), free allocation, {seeds} seeds")
    cases: list[tuple[str, int, MarketConditions]] = [
        ("104 rows, spend chases it", 104, MarketConditions(amp=0.3, chase=1.0)),
        ("26 rows, spend chases it", 26, MarketConditions(amp=0.3, chase=1.0)),
        ("104 rows, not chased", 104, MarketConditions(amp=0.3)),
        ("104 rows, no season", 104, MarketConditions()),
        ("12 rows, no season", 12, MarketConditions()),
    ]
    methods: dict[str, Callable[[Account], Floats]] = {
        "keep mix": lambda account: account.current,
        "raw fit": _without_season,
        "ours": plan_without_bounds,
        "true season known": _with_known_season,
    }
    lines = []
    for name, periods, conditions in cases:
        found: dict[str, list[float]] = defaultdict(list)
        for seed in range(seeds):
            account = draw_account(seed, periods, conditions=conditions)
            best = account.best_of_all()
            for method, make in methods.items():
                found[method].append(account.regret(make(account), best))
        lines.append([name, *(spread(each) for each in found.values())])
    report.table(["case", *methods], lines)
    report.judge(
        "regret at 104 rows with a chased season", float(lines[0][3].split()[0]), 1.5, aim=1.4
    )


def _with_known_season(account: Account) -> Floats:
    return allocate_without_bounds(
        fit_history(spend_history(account.record), season=account.record.season), account.current
    )


def _without_season(account: Account) -> Floats:
    return allocate_without_bounds(
        fit_history(spend_history(account.record), season=np.zeros_like(account.record.season)),
        account.current,
    )
