"""F: only the company's total revenue is known, over a base with trend and season."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from itertools import product
from time import process_time

import numpy as np

from marketing.budget.model.aggregate import fit_panel, posterior
from marketing.budget.model.fit import Posterior
from marketing.budget.model.history import SpendHistory
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.model.posterior_sampling import joint_draws
from marketing.budget.model.response_curves import Floats
from marketing.budget.model.totals import build_panel
from marketing.budget.planner import uncertainty
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from marketing.budget.planner.request import BudgetRequest, LiftTestResult
from tests.benchmarks.budget_accounts import BUDGET, Account, dates, names
from tests.benchmarks.budget_peers import least_squares, projected
from tests.benchmarks.budget_simulation import SimulatedHistory, Truth, draw_company
from tests.benchmarks.report import Report

NOISE, TEST_SD = 0.075, 0.15
CELLS = tuple(product((4, 6, 10), (52, 104, 208), (0.3, 0.6), (0.0, 0.6)))
PEERS = ("keep mix", "equal ROI", "OLS spend x ROI", "platform alone")
OURS = ("ours, blind", "ours, platform", "ours, + 2 lift tests")


@dataclass(frozen=True, slots=True)
class Case:
    """A company that knows spend and total revenue; platforms report too high an ROI."""

    account: Account
    total: Floats
    platform: Floats
    tests: tuple[LiftTestResult, ...]


def run(report: Report, *, quick: bool) -> None:
    """All 36 cells; the tables show all of them and two."""
    seeds = 1 if quick else 40
    report.section(
        f"F. Totals only: mean regret % (95 % point), {len(CELLS)} cells x {seeds} seeds"
    )
    found: dict[tuple[float, ...], dict[str, list[float]]] = {}
    calibration: dict[str, list[tuple[bool, float, bool, float, bool]]] = defaultdict(list)
    times: dict[tuple[int, int], list[float]] = defaultdict(list)
    for cell in CELLS:
        found[cell] = defaultdict(list)
        for seed in range(seeds):
            run_company(
                draw_case(seed, *cell), seed, found[cell], calibration, times[cell[0], cell[1]]
            )
    every = {name: [x for cell in CELLS for x in found[cell][name]] for name in (*PEERS, *OURS)}
    shown = {"all": every}
    for label, cell in (("C 6, T 52, cv .3, rho .6", (6, 52, 0.3, 0.6)),
                        ("C 6, T 208, cv .6, rho 0", (6, 208, 0.6, 0.0))):  # fmt: skip
        shown[label] = found[cell]
    report.table(
        ["case", *PEERS, *OURS],
        [
            [label, *(_spread(each[name]) for name in (*PEERS, *OURS))]
            for label, each in shown.items()
        ],
    )
    for name, limit, aim in ((OURS[0], 4.9, 4.7), (OURS[1], 3.7, 3.5)):
        report.judge(f"{name}: mean regret", float(np.mean(every[name])), limit, aim=aim)
    _report_calibration(report, calibration, times)


def _report_calibration(
    report: Report,
    calibration: dict[str, list[tuple[bool, float, bool, float, bool]]],
    times: dict[tuple[int, int], list[float]],
) -> None:
    lines = []
    for name, cases in calibration.items():
        inside, probability, right, step_chance, step_right = (
            np.array(x) for x in zip(*cases, strict=True)
        )
        sure, step_sure = probability >= 0.9, step_chance >= 0.9
        lines.append(
            [name, f"{100 * inside.mean():.0f}", f"{100 * sure.mean():.0f}",
             f"{100 * right[sure].mean():.0f}", f"{100 * step_sure.mean():.0f}",
             f"{100 * step_right[step_sure].mean():.0f}"]
        )  # fmt: skip
        report.judge_between(f"{name}: 90 % interval holds, %", 100 * inside.mean(), 87, 93)
    report.say()
    report.table(
        [
            "",
            "interval holds %",
            "P >= .9 %",
            "of these better %",
            "20 % step: P >= .9 %",
            "of these better %",
        ],
        lines,
    )
    six, ten = (1000 * float(np.mean(times[size])) for size in ((6, 104), (10, 208)))
    report.say(f"CPU of fit and draws: 6 x 104 {six:.0f} ms (aim 25), 10 x 208 {ten:.0f} ms.")


def run_company(
    company_case: Case,
    seed: int,
    found: dict[str, list[float]],
    calibration: dict[str, list[tuple[bool, float, bool, float, bool]]],
    times: list[float],
) -> None:
    """Every method on one company."""
    account, current = company_case.account, company_case.account.current
    low, high = current / 2, current * 2
    best = account.best(low, high)
    spend = account.record.spend
    wishes = {
        "keep mix": current,
        "equal ROI": np.ones(current.size),
        "OLS spend x ROI": least_squares(spend, company_case.total),
        "platform alone": current * company_case.platform,
    }
    for name, wish in wishes.items():
        plan = projected(wish, low, high, BUDGET) if wish.any() else current
        found[name].append(account.regret(plan, best))
    for name in OURS:
        start = process_time()
        known, sample = fitted(company_case, name, seed)
        times.append(process_time() - start)
        plan = allocate_within(known, low, high, current)
        found[name].append(account.regret(plan, best))
        if name != OURS[2]:
            step = allocate_within(known, 0.8 * current, 1.2 * current, current)
            calibration[name].append(_calibration(account, known, sample, plan, step))


def _calibration(
    account: Account, known: Posterior, sample: uncertainty.Draws, plan: Floats, step: Floats
) -> tuple[bool, float, bool, float, bool]:
    present_revenue = account.truth.revenue(account.current).sum()
    true = 100 * (account.truth.revenue(plan).sum() / present_revenue - 1)
    lift, money = uncertainty.lift_draws(sample, known, plan, account.current)
    interval = uncertainty.interval(100 * lift / (money - lift))
    moved, money = uncertainty.lift_draws(sample, known, step, account.current)
    better = bool(account.truth.revenue(step).sum() > present_revenue)
    probability = uncertainty.lift_probability(lift, money)
    return (
        bool(interval.low <= true <= interval.high), probability, bool(true > 0),
        uncertainty.lift_probability(moved, money), better,
    )  # fmt: skip


def fitted(company_case: Case, name: str, seed: int) -> tuple[Posterior, uncertainty.Draws]:
    """Our fit: blind, with the platforms' figures, or with two lift tests as well."""
    spend = company_case.account.record.spend
    size, periods = spend.shape
    channels, days = names(size), dates(periods)
    request = BudgetRequest(
        Decimal(10_000),
        (),
        total_revenue=tuple(zip(days, company_case.total.tolist(), strict=True)),
        platform_roi={}
        if name == OURS[0]
        else dict(zip(channels, company_case.platform, strict=True)),
        lift_tests=company_case.tests if name == OURS[2] else (),
    )
    known = SpendHistory(
        channels, days, spend, np.zeros_like(spend), np.ones(spend.shape, dtype=bool)
    )
    panel = build_panel(request, known, company_case.total)
    found = fit_panel(panel)
    return posterior(panel, found), joint_draws(panel, found, seed)[0]


def allocate_within(known: Posterior, low: Floats, high: Floats, current: Floats) -> Floats:
    """An allocation inside bounds, from fitted curves."""
    grid = spend_grid(low, high, known.scale)
    return water_fill(rank_segments(grid, revenue(known, grid), current), BUDGET)[0]


def draw_case(seed: int, channels: int, periods: int, cv: float, rho: float) -> Case:
    """Draw one company: its truth, then base, spend, total, claims and tests."""
    truth, rng = draw_company(seed, channels)
    share, trend, amp = rng.uniform(0.4, 0.7), rng.uniform(-0.2, 0.2), rng.uniform(0.1, 0.3)
    phase = rng.uniform(0, 2 * np.pi, 2)
    shared, own = rng.normal(size=periods), rng.normal(size=(channels, periods))
    wave = np.sqrt(rho) * shared + np.sqrt(1 - rho) * own
    spend = truth.usual[:, None] * np.exp(cv * wave - cv**2 / 2)
    total = simulated_revenue(truth, spend) + np.zeros(periods)
    time = np.arange(periods)
    season = np.sin(2 * np.pi * time / 52 + phase[0]) + 0.5 * np.sin(
        4 * np.pi * time / 52 + phase[1]
    )
    base = 1 + trend * (2 * time / (periods - 1) - 1) + amp * season
    total = total + base * total.mean() * share / (1 - share) / base.mean()
    total = np.maximum(total + NOISE * total.mean() * rng.normal(size=periods), 0)
    platform = truth.roi * np.exp(0.4 + 0.5 * rng.normal(size=channels))
    mean = spend.mean(axis=1)
    tests = tuple(lift_tests(truth, mean, rng.normal(size=2)))
    return Case(
        Account(truth, SimulatedHistory(spend, spend, season), mean * BUDGET / mean.sum()),
        total, platform, tests,
    )  # fmt: skip


def simulated_revenue(truth: Truth, spend: Floats) -> Floats:
    """Revenue of all channels by week, with carry-over."""
    adstock = spend.copy()
    for week in range(1, spend.shape[1]):
        adstock[:, week] = (1 - truth.theta) * spend[:, week] + truth.theta * adstock[:, week - 1]
    return np.asarray(truth.revenue(adstock).sum(axis=0))


def lift_tests(truth: Truth, mean: Floats, luck: Floats) -> list[LiftTestResult]:
    """A test of each of the two largest channels, 15 % exact."""
    found = []
    for line, probability in zip(np.argsort(-mean)[:2], luck, strict=True):
        extra = float(truth.revenue(mean)[line] * np.exp(TEST_SD * probability))
        found.append(
            LiftTestResult(names(mean.size)[line], float(mean[line]), extra, TEST_SD * extra)
        )
    return found


def _spread(values: list[float]) -> str:
    return f"{np.mean(values):.1f} ({np.percentile(values, 95):.0f})"
