"""E: CPU time of a fit with its plan, of the whole proposal, and of what stands beside them."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from time import process_time

from marketing.budget.model.curves import revenue
from marketing.budget.model.fit import fit_history
from marketing.budget.planner import planning
from marketing.budget.planner.allocation import rank_segments, spend_grid, water_fill
from tests.benchmarks.budget_accounts import BUDGET, account, asked, books
from tests.benchmarks.budget_peers import slsqp
from tests.benchmarks.report import Report

SIZES = ((6, 1), (6, 104), (20, 104), (100, 104), (1000, 12), (1000, 104))
ASKED = {(6, 104): 5.0, (1000, 104): 200.0}


def run(report: Report, *, quick: bool) -> None:
    """CPU time of this process, the best of several runs, one thread."""
    report.section("E. CPU time, ms, one thread, best of several")
    lines, whole = [], {}
    for channels, periods in SIZES:
        times = parts(channels, periods, repeats=2 if quick else 12 if channels <= 100 else 6)
        whole[channels, periods] = times[3]
        lines.append([f"{channels} x {periods}", *(f"{each:.1f}" for each in times)])
    report.table(["channels x rows", "fit", "table", "fill", "together"], lines)
    for size, most in ASKED.items():
        report.judge(f"{size[0]} channels x {size[1]} rows, ms", whole[size], most)
    alternatives(report, quick=quick)


def best_of(repeats: int, work: Callable[[], object]) -> float:
    """Milliseconds of the fastest run."""
    times = []
    for _ in range(repeats):
        start = process_time()
        work()
        times.append(1000 * (process_time() - start))
    return min(times)


def parts(channels: int, periods: int, repeats: int) -> tuple[float, float, float, float]:
    """Fit, table, fill and all three, from arrays to amounts."""
    held = account(3, periods, channels)
    known, current = books(held.record), held.current
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


def alternatives(report: Report, *, quick: bool) -> None:
    """The whole proposal, re-allocation, and SLSQP on the same curves."""
    repeats = 1 if quick else 3
    small, large = asked(account(3, 104)), asked(account(3, 12, 1000))
    kept = planning.prepare(large)
    more = replace(kept, request=replace(kept.request, total=Decimal(11_000)))
    lines = [
        ["whole proposal, 6 x 104 (draws, backtest, curves)",
         f"{best_of(repeats, lambda: planning.plan(small)):.0f}"],
        ["re-allocation of 1,000 channels from a kept fit",
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
    held = account(3, 104, channels)
    posterior, current = fit_history(books(held.record)).posterior, held.current
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
