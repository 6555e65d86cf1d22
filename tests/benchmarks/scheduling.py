"""The scheduler and its peers on generated problems: `python -m tests.benchmarks.scheduling`.

Every line shows the target, the result and whether it passes. Times are CPU seconds
of this process, the best of a few runs; ratios hold on any machine, times do not.
"""

import importlib.util
import math
import random
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from graphlib import TopologicalSorter
from heapq import heappop, heappush
from statistics import median
from time import process_time

import numpy as np

from operations.scheduling.planner.bounds import lower_bound, weighted_completion
from operations.scheduling.planner.graph import Graph, bottom_levels, cycles
from operations.scheduling.planner.placement import Problem, list_schedule
from operations.scheduling.planner.plan import TaskPlan, make_plan
from operations.scheduling.planner.search import Effort
from operations.scheduling.planner.urgency import (
    AGEING_SECONDS,
    MAX_DURATION_SECONDS,
    MIN_DURATION_SECONDS,
    chain_ratios,
    queue_key,
)
from tests.benchmarks.scheduling_makespan import makespan_plan
from tests.operations.scheduling.cases import one_pool

Needs = list[list[int]]
HARD = [(100, 4), (100, 8), (300, 4), (300, 8), (1000, 8), (1000, 16)]
CPU = {1000: 0.005, 10_000: 0.05, 100_000: 0.7, 1_000_000: 10.0}


def make_rng(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 -- the sets are defined by this generator


def in_layers(r: random.Random, size: int, width: int, draws: int) -> Needs:
    """Each task after the first layer needs up to `draws` of the layer before."""
    return [
        sorted({(v // width - 1) * width + r.randrange(width) for _ in range(r.randint(1, draws))})
        if v >= width
        else []
        for v in range(size)
    ]


def layered(size: int, seed: int = 1) -> tuple[list[int], Needs]:
    r = make_rng(seed)
    durations = [r.randint(1, 100) for _ in range(size)]
    return durations, in_layers(r, size, size // max(3, int(math.sqrt(size))), 3)


def scattered(size: int, seed: int = 1) -> tuple[list[int], Needs]:
    r = make_rng(seed)
    durations = [r.randint(1, 100) for _ in range(size)]
    needs = [
        sorted({r.randrange(max(0, v - 200), v) for _ in range(r.randint(0, 3))}) if v else []
        for v in range(size)
    ]
    return durations, needs


def sparse(size: int, seed: int = 1) -> tuple[list[int], Needs]:
    r = make_rng(seed)
    durations = [r.randint(1, 100) for _ in range(size)]
    return durations, [[r.randrange(v)] if v and r.random() < 0.5 else [] for v in range(size)]


def hard(size: int, workers: int, seed: int = 7) -> tuple[list[int], Needs]:
    r = make_rng(seed)
    durations = [r.randint(1, 100) for _ in range(size)]
    width = -(-size // max(3, size // (int(1.6 * workers) + 1)))
    return durations, in_layers(r, size, width, 2)


def weighted(size: int, seed: int = 1) -> tuple[list[int], list[float]]:
    r = make_rng(seed)
    durations = [r.randint(1, 600) for _ in range(size)]
    return durations, [float(r.choice((1, 2, 4, 8))) for _ in range(size)]


@dataclass(slots=True)
class Report:
    """Prints each figure, and counts those that failed."""

    failed: int = 0

    def note(self, text: str = "") -> None:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()

    def line(
        self, what: str, asked: float, reached: float, peers: str = "", unit: str = ""
    ) -> None:
        """`reached` must be at most `asked`."""
        passes = reached <= asked * (1 + 1e-12)
        self.failed += not passes
        verdict = "PASS" if passes else "FAIL"
        self.note(
            f"  {verdict}  {what:<44} asked <= {asked:<9.6g} reached {reached:<9.5g}{unit} {peers}"
        )


def cpu(call: Callable[[], object], times: int) -> float:
    """The least CPU seconds of several calls."""
    spent = []
    for _ in range(times):
        begun = process_time()
        call()
        spent.append(process_time() - begun)
    return min(spent)


def hard_set(report: Report) -> None:
    report.note("Makespan / lower bound, hard set (seed 7)")
    for size, workers in HARD:
        durations, needs = hard(size, workers)
        problem = one_pool(Graph.from_needs(needs), durations, workers)
        single = makespan_plan(problem).certificate
        within = makespan_plan(problem, Effort()).certificate
        least = single.lower_bound or 1.0
        fifo = list_schedule(problem, np.arange(size)).end / least
        longest = list_schedule(problem, np.argsort(-problem.durations, kind="stable")).end / least
        peers = f"FIFO {fifo:.4f}, LPT {longest:.4f}"
        report.line(
            f"{size} tasks, {workers} workers, at once", 1.005, 1 + (single.gap or 0), peers
        )
        report.line(f"{size} tasks, {workers} workers, 250 ms", 1.001, 1 + (within.gap or 0))


def hard_seeds(report: Report, seeds: int) -> None:
    report.note(f"Hard set, seeds 0 to {seeds - 1}, 250 ms of CPU each")
    for size, workers in HARD:
        gaps, spent, single, passed, listed = [], [], [], [], []
        for seed in range(seeds):
            durations, needs = hard(size, workers, seed)
            begun = process_time()
            problem = one_pool(Graph.from_needs(needs), durations, workers)
            single.append(makespan_plan(problem).certificate.gap or 0.0)
            passed.append(process_time() - begun)
            levels = np.asarray(bottom_levels(problem.graph, problem.seconds))
            line = list_schedule(problem, np.argsort(-levels, kind="stable"))
            listed.append(line.end / lower_bound(problem, float(levels.max())).makespan - 1)
            begun = process_time()
            gaps.append(makespan_plan(problem, Effort()).certificate.gap or 0.0)
            spent.append(process_time() - begun)
        open_share = sum(gap > 0 for gap in gaps) / seeds
        label = f"{size} tasks, {workers} workers"
        alone = (
            f"the list pass alone {1 + max(listed):.4f}; "
            f"{1000 * median(passed):.1f} ms of CPU, most {1000 * max(passed):.1f}"
        )
        report.line(f"{label}, at once, worst ratio", 1.005, 1 + max(single), alone)
        report.line(f"{label}, worst ratio", 1.001, 1 + max(gaps))
        times = f"median {1000 * median(spent):.1f} ms, most {1000 * max(spent):.0f} ms"
        report.line(f"{label}, share not proven optimal", 0.05, open_share, times)


def speed(report: Report, most: int) -> None:
    report.note("CPU to build the graph, plan and certify; 16 workers, one pass")
    for size, asked in CPU.items():
        for make in (layered, scattered, sparse):
            if size > most:
                continue
            durations, needs = make(size)
            for objective, plan in (("makespan", makespan_plan), ("auto", make_plan)):
                call = partial(planned, needs, durations, plan)
                spent = cpu(call, 2 if size > 100_000 else 5)
                report.line(f"{size} tasks, {make.__name__}, {objective}", asked, spent, unit=" s")


def planned(needs: Needs, durations: list[int], plan: Callable[[Problem], TaskPlan]) -> TaskPlan:
    return plan(one_pool(Graph.from_needs(needs), durations, 16))


def cycle_test(report: Report) -> None:
    size = 100_000
    report.note(f"One cycle for each strongly connected part, {size} tasks, CPU")
    _, needs = scattered(size)
    sets: dict[str, Needs] = {
        f"without a cycle, {sum(map(len, needs))} edges": needs,
        "one ring of all": [[(v - 1) % size] for v in range(size)],
        "rings of three": [[v - 1] if v % 3 else [min(v + 2, size - 1)] for v in range(size)],
        "one tangle of all": [[*each, (v + 1) % size] for v, each in enumerate(needs)],
    }
    for name, each in sets.items():
        spent = cpu(partial(found_cycles, each), 5)
        peer = cpu(partial(graphlib_cycle, each), 1)
        report.line(name, 0.15, spent, f"graphlib takes {peer / spent:.1f} x as long", " s")


def found_cycles(needs: Needs) -> int:
    return len(cycles(Graph.from_needs(needs)))


def graphlib_cycle(needs: Needs) -> bool:
    """The standard library's test; it stops at the first cycle."""
    try:
        TopologicalSorter(dict(enumerate(needs))).prepare()
    except ValueError:
        return True
    return False


def weighted_ends(report: Report) -> None:
    report.note("Sum of weight x end / Eastman-Even-Isaacs bound, independent tasks")
    for size, workers in [(1000, 4), (10_000, 16), (100_000, 16)]:
        durations, weights = weighted(size)
        problem = one_pool(Graph.from_needs([[] for _ in range(size)]), durations, workers, weights)
        proof = make_plan(problem).certificate
        least = proof.weighted_completion_bound or 1.0
        orders = {
            "class, shortest": np.lexsort((problem.durations, -problem.weights)),
            "class, FIFO": np.argsort(-problem.weights, kind="stable"),
            "FIFO": np.arange(size),
        }
        peers = [
            f"{name} {weighted_completion(problem, list_schedule(problem, o)) / least:.3f}"
            for name, o in orders.items()
        ]
        report.line(
            f"{size} tasks, {workers} workers",
            1.01,
            (proof.weighted_completion or 0) / least,
            ", ".join(peers),
        )


def weighted_graphs(report: Report) -> None:
    report.note("Both at once: makespan/bound + flow/bound - 2, 1000 tasks, 16 workers (Random(5))")
    for make in (layered, scattered, sparse):
        durations, needs = make(1000)
        r = make_rng(5)
        weights = [float(r.choice((1, 2, 4, 8))) for _ in durations]
        problem = one_pool(Graph.from_needs(needs), durations, 16, weights)
        proof = make_plan(problem, effort=Effort()).certificate
        span, pull = proof.lower_bound or 1.0, proof.weighted_completion_bound or 1.0
        keys = {
            "b-level": -np.asarray(bottom_levels(problem.graph, problem.seconds)),
            "chain urgency": -chain_ratios(problem.graph, problem.weights, problem.durations),
            "FIFO": np.arange(1000.0),
        }
        scores, peers = {}, []
        for name, each in keys.items():
            found = list_schedule(problem, np.argsort(each, kind="stable"))
            ratios = (found.end / span, weighted_completion(problem, found) / pull)
            scores[name] = sum(ratios) - 2
            peers.append(f"{name} {ratios[0]:.3f} and {ratios[1]:.2f}")
        reached = (proof.makespan or 0) / span, (proof.weighted_completion or 0) / pull
        ours = f"ours {reached[0]:.3f} and {reached[1]:.2f}; "
        report.line(make.__name__, min(scores.values()), sum(reached) - 2, ours + ", ".join(peers))


@dataclass(frozen=True, slots=True)
class Arrivals:
    """A stream of tasks for a queue: seconds, weights and arrival times."""

    durations: list[int]
    weights: list[float]
    ready: list[float]


def stream(size: int, workers: int) -> Arrivals:
    r = make_rng(4)
    durations = [r.randint(1, 600) for _ in range(size)]
    weights = [float(r.choice((1, 2, 4, 8))) for _ in range(size)]
    ready, now = [], 0.0
    for _ in range(size):
        now += r.expovariate(workers / (1.03 * 300.5))
        ready.append(now)
    return Arrivals(durations, weights, ready)


def served(arrivals: Arrivals, workers: int, keys: Sequence[object]) -> list[float]:
    """When each task starts if a free worker takes the waiting one with the lowest key."""
    start = [0.0] * len(arrivals.ready)
    line: list[tuple[object, int]] = []
    free, coming = [0.0] * workers, 0
    for _ in start:
        now = heappop(free)
        if not line and coming < len(start):
            now = max(now, arrivals.ready[coming])
        while coming < len(start) and arrivals.ready[coming] <= now:
            heappush(line, (keys[coming], coming))
            coming += 1
        task = heappop(line)[1]
        start[task] = now
        heappush(free, now + arrivals.durations[task])
    return start


def smith_ratio(weight: float, duration: float) -> float:
    """Weight per second of the clamped duration."""
    return weight / min(max(duration, MIN_DURATION_SECONDS), MAX_DURATION_SECONDS)


def ageing_bound(ratio: float, highest: float) -> float:
    """Seconds after which no newly ready task overtakes; `highest` is the largest ratio."""
    return AGEING_SECONDS * math.log2(highest / ratio)


def overtaken_too_late(arrivals: Arrivals, start: list[float], ratios: list[float]) -> int:
    """How many tasks were overtaken by one that became ready after their ageing bound."""
    latest, late, highest = 0.0, 0, max(ratios)
    for task in sorted(range(len(start)), key=start.__getitem__):
        late += latest - arrivals.ready[task] > ageing_bound(ratios[task], highest) + 1e-6
        latest = max(latest, arrivals.ready[task])
    return late


def starvation(report: Report, size: int) -> None:
    report.note(f"Starvation: {size} arrivals at 8 workers, 97 % busy")
    arrivals = stream(size, 8)
    ratios = [smith_ratio(w, p) for w, p in zip(arrivals.weights, arrivals.durations, strict=True)]
    orders: dict[str, Sequence[object]] = {
        "aged": [queue_key(at, r) for at, r in zip(arrivals.ready, ratios, strict=True)],
        "plain WSPT": [-r for r in ratios],
        "strict classes": [
            (-w, queue_key(at, r))
            for w, at, r in zip(arrivals.weights, arrivals.ready, ratios, strict=True)
        ],
        "FIFO": arrivals.ready,
    }
    figures, late = {}, 0
    for name, keys in orders.items():
        start = served(arrivals, 8, keys)
        waits = [s - at for s, at in zip(start, arrivals.ready, strict=True)]
        low = max(w for w, weight in zip(waits, arrivals.weights, strict=True) if weight == 1)
        urgent = median(w for w, weight in zip(waits, arrivals.weights, strict=True) if weight == 8)
        figures[name] = (low, urgent)
        late = overtaken_too_late(arrivals, start, ratios) if name == "aged" else late
    others = {name: pair for name, pair in figures.items() if name != "aged"}
    report.line("tasks overtaken past their bound", 0, late)
    for place, (what, asked) in enumerate(
        [("longest wait of a low task", 12_000), ("median wait of a critical task", 60)]
    ):
        peers = ", ".join(f"{name} {pair[place]:.0f}" for name, pair in others.items())
        report.line(
            f"{what}; ageing {AGEING_SECONDS:.0f} s", asked, figures["aged"][place], peers, " s"
        )


def main(argv: Sequence[str] = ()) -> int:
    """Run all; `--quick` leaves out the million and takes fewer seeds. 1 if anything failed."""
    quick = "--quick" in argv
    report = Report()
    if importlib.util.find_spec("ortools") is None:
        report.note("CP-SAT is not measured: ortools is not installed, and not a dependency.")
    hard_set(report)
    hard_seeds(report, 10 if quick else 100)
    speed(report, 100_000 if quick else 1_000_000)
    cycle_test(report)
    weighted_ends(report)
    weighted_graphs(report)
    starvation(report, 20_000 if quick else 200_000)
    report.note("all passed" if not report.failed else f"{report.failed} FAILED")
    return min(report.failed, 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
