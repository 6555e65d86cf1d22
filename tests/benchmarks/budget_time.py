"""E: CPU time of a fit with its plan, of the whole proposal, and of alternatives."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from time import process_time

from marketing.budget.model.fit import fit_history
from marketing.budget.model.posterior_curves import revenue
from marketing.budget.planner import planning
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from tests.benchmarks.budget_accounts import BUDGET, draw_account, request_for, spend_history
from tests.benchmarks.budget_peers import slsqp
from tests.benchmarks.report import Report

SIZES = ((6, 1), (6, 104), (20, 104), (100, 104), (1000, 12), (1000, 104))
LIMITS_MS = {(6, 104): 5.0, (1000, 104): 200.0}


def run(report: Report, *, quick: bool) -> None:
    """CPU time of this process, the best of several runs, one thread."""
    report.section("E. CPU time, ms, one thread, best of several")
    lines, whole = [], {}
    for channels, periods in SIZES:
        times = stage_times(channels, periods, repeats=2 if quick else 12 if channels <= 100 else 6)
        whole[channels, periods] = times[3]
        lines.append([f"{channels} x {periods}", *(f"{each:.1f}" for each in times)])
    report.table(["channels x rows", "fit", "table", "fill", "together"], lines)
    for size, most in LIMITS_MS.items():
        report.judge(f"{size[0]} channels x {size[1]} rows, ms", whole[size], most)
    compare_alternatives(report, quick=quick)


def best_of(repeats: int, work: Callable[[], object]) -> float:
    """Milliseconds of the fastest run."""
    times = []
    for _ in range(repeats):
        start = process_time()
        work()
        times.append(1000 * (process_time() - start))
    return min(times)


def stage_times(channels: int, periods: int, repeats: int) -> tuple[float, float, float, float]:
    """Fit, table, fill and all three, from arrays to amounts."""
    account = draw_account(3, periods, channels)
    known, current = spend_history(account.record), account.current
    found = fit_history(known)
    grid = spend_grid(current / 2, current * 2, found.posterior.scale)
    value = revenue(found.posterior, grid)

    def whole() -> None:
        again = fit_history(known)
        points = spend_grid(current / 2, current * 2, again.posterior.scale)
        water_fill(rank_segments(points, revenue(again.posterior, points), current), BUDGET)

    return (
        best_of(repeats, lambda: fit_history(known)),
        best_of(repeats, lambda: revenue(found.posterior, grid)),
        best_of(repeats, lambda: water_fill(rank_segments(grid, value, current), BUDGET)),
        best_of(repeats, whole),
    )


def compare_alternatives(report: Report, *, quick: bool) -> None:
    """The whole proposal, re-allocation, and SLSQP on the same curves."""
    repeats = 1 if quick else 3
    small, large = request_for(draw_account(3, 104)), request_for(draw_account(3, 12, 1000))
    stored = planning.prepare(large)
    more = replace(stored, request=replace(stored.request, total=Decimal(11_000)))
    lines = [
        ["whole proposal, 6 x 104 (draws, backtest, curves)",
         f"{best_of(repeats, lambda: planning.plan(small)):.0f}"],
        ["re-allocation of 1,000 channels from a stored fit",
         f"{best_of(repeats, lambda: planning.allocate(more)):.0f}"],
    ]  # fmt: skip
    for channels in (6,) if quick else (6, 20):
        ours, theirs = against_slsqp(channels, repeats)
        lines.append([f"fill, {channels} channels", f"{ours:.2f}"])
        lines.append([f"SLSQP on the same curves, {channels} channels", f"{theirs:.0f}"])
    report.say()
    report.table(["further", "ms"], lines)


def against_slsqp(channels: int, repeats: int) -> tuple[float, float]:
    """Filling and SLSQP, from a fit to amounts."""
    account = draw_account(3, 104, channels)
    posterior, current = fit_history(spend_history(account.record)).posterior, account.current
    low, high = current / 2, current * 2

    def ours() -> None:
        grid = spend_grid(low, high, posterior.scale)
        water_fill(rank_segments(grid, revenue(posterior, grid), current), BUDGET)

    def theirs() -> None:
        slsqp(
            lambda spend: float(revenue(posterior, spend[:, None]).sum()),
            current,
            low,
            high,
            BUDGET,
        )

    return best_of(max(repeats, 3), ours), best_of(repeats, theirs)
