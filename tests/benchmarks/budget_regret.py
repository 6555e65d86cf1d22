"""A, B and D: what plans from 1 to 104 rows a channel lose against the best one."""

from collections import defaultdict
from collections.abc import Callable

import numpy as np

from marketing.budget.model.curves import revenue
from marketing.budget.model.fit import fit_history
from marketing.budget.model.fitted_model import FittedModel
from marketing.budget.model.response import Floats
from marketing.budget.planner import uncertainty
from tests.benchmarks.budget_accounts import (
    BUDGET,
    Account,
    account,
    books,
    free,
    free_plan,
    planned,
)
from tests.benchmarks.budget_peers import by_roi, by_spend_and_roi, projected, slsqp
from tests.benchmarks.budget_simulation import Weather
from tests.benchmarks.report import Report

RULES = ("keep mix", "equal split", "ROI-proportional", "spend x ROI^2")
ASKED = {1: (3.7, 3.5), 12: (2.2, 2.0), 52: (1.2, 1.0)}


def run(report: Report, *, quick: bool) -> None:
    """All three."""
    trust_region(report, seeds=20 if quick else 150, wide=100 if quick else 1000)
    free_allocation(report, seeds=15 if quick else 150)
    season(report, seeds=10 if quick else 60)


def spread(values: list[float]) -> str:
    """Mean and 95 % point."""
    return f"{np.mean(values):.2f} ({np.percentile(values, 95):.1f})"


def rules(held: Account, low: Floats, high: Floats, total: float = BUDGET) -> dict[str, Floats]:
    """Rules of thumb, fitted into bounds."""
    spend, earned = held.record.spend, held.record.revenue
    wishes = (held.current, np.ones(held.current.size), by_roi(spend, earned),
              by_spend_and_roi(spend, earned))  # fmt: skip
    return {
        name: projected(wish, low, high, total) for name, wish in zip(RULES, wishes, strict=True)
    }


def trust_region(report: Report, seeds: int, wide: int) -> None:
    """B: inside half to double of the present mix, with the interval's coverage."""
    report.section(f"B. Inside the trust region: mean regret % (95 % point), {seeds} seeds")
    lines, reached = [], {}
    for periods in ASKED:
        found = _regrets(periods, seeds)
        reached[periods] = float(np.mean(found["ours"]))
        rule = min(float(np.mean(found[name])) for name in RULES)
        ratio = f"{reached[periods] / rule:.2f}"
        lines.append([periods, *(spread(each) for each in found.values()), ratio])
    report.table(["rows", *RULES, "SLSQP", "ours", "ours / best rule"], lines)
    for periods, (asked, aim) in ASKED.items():
        report.judge(f"mean regret at {periods} rows", reached[periods], asked, aim=aim)
    report.say()
    report.say(f"Honesty over {wide} accounts (SLSQP above runs on our own fitted curves):")
    report.say()
    _honesty(report, wide)


def _regrets(periods: int, seeds: int) -> dict[str, list[float]]:
    found: dict[str, list[float]] = defaultdict(list)
    for seed in range(seeds):
        held = account(seed, periods)
        fitted, plan = planned(held)
        low, high = plan.bounds.low, plan.bounds.high
        best = held.best(low, high)
        wishes = rules(held, low, high)
        wishes["SLSQP"] = slsqp(believed(fitted), held.current, low, high, BUDGET)
        wishes["ours"] = plan.amounts
        for name, wish in wishes.items():
            found[name].append(held.regret(wish, best))
    return dict(found)


def believed(fitted: FittedModel) -> Callable[[Floats], float]:
    """Total revenue that the fitted curves promise a division."""
    return lambda spend: float(revenue(fitted.posterior, spend[:, None]).sum())


def _honesty(report: Report, wide: int) -> None:
    lines = []
    for periods in ASKED:
        inside, sure, right, applied = [], [], [], []
        for seed in range(wide):
            held = account(seed, periods)
            fitted, plan = planned(held)
            lift, money = uncertainty.lift_draws(
                fitted.sample, fitted.posterior, plan.amounts, plan.current
            )
            said = uncertainty.interval(100 * lift / (money - lift))
            kept = held.truth.revenue(plan.current).sum()
            true = 100 * (held.truth.revenue(plan.amounts).sum() / kept - 1)
            probability = uncertainty.lift_probability(lift, money)
            inside.append(said.low <= true <= said.high)
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
    cases: list[tuple[str, int, float, Weather, bool]] = [
        *((f"{rows} rows", rows, 1.0, Weather(), False) for rows in (1, 12, 52, 104)),
        *(
            (f"104, budget x {factor:g}", 104, factor, Weather(), False)
            for factor in (2.0, 5.0, 0.5)
        ),
        ("104, cv .1", 104, 1.0, Weather(cv=0.1), False),
        ("104, noise .4", 104, 1.0, Weather(noise=0.4), False),
        ("104, S-shaped", 104, 1.0, Weather(), True),
    ]
    lines = []
    for name, periods, factor, weather, s_shaped in cases:
        found: dict[str, list[float]] = defaultdict(list)
        for seed in range(seeds):
            held = account(seed, periods, weather=weather, s_shaped=s_shaped)
            total = BUDGET * factor
            best, size = held.best_of_all(total), held.current.size
            for rule, wish in rules(held, np.zeros(size), np.full(size, total), total).items():
                found[rule].append(held.regret(wish, best))
            found["ours"].append(held.regret(free_plan(held, total), best))
        lines.append([name, *(spread(each) for each in found.values())])
    report.table(["case", *found], lines)


def season(report: Report, seeds: int) -> None:
    """D: revenue follows a season of amplitude .3, and spend follows it too."""
    report.section(f"D. Season: mean regret % (95 % point), free allocation, {seeds} seeds")
    cases: list[tuple[str, int, Weather]] = [
        ("104 rows, spend chases it", 104, Weather(amp=0.3, chase=1.0)),
        ("26 rows, spend chases it", 26, Weather(amp=0.3, chase=1.0)),
        ("104 rows, not chased", 104, Weather(amp=0.3)),
        ("104 rows, no season", 104, Weather()),
        ("12 rows, no season", 12, Weather()),
    ]
    methods: dict[str, Callable[[Account], Floats]] = {
        "keep mix": lambda held: held.current,
        "raw fit": _raw,
        "ours": free_plan,
        "true season known": _told,
    }
    lines = []
    for name, periods, weather in cases:
        found: dict[str, list[float]] = defaultdict(list)
        for seed in range(seeds):
            held = account(seed, periods, weather=weather)
            best = held.best_of_all()
            for method, make in methods.items():
                found[method].append(held.regret(make(held), best))
        lines.append([name, *(spread(each) for each in found.values())])
    report.table(["case", *methods], lines)
    report.judge(
        "regret at 104 rows with a chased season", float(lines[0][3].split()[0]), 1.5, aim=1.4
    )


def _told(held: Account) -> Floats:
    return free(fit_history(books(held.record), season=held.record.season), held.current)


def _raw(held: Account) -> Floats:
    return free(
        fit_history(books(held.record), season=np.zeros_like(held.record.season)), held.current
    )
