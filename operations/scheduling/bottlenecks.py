"""What holds the work up, and what would help. All thresholds are strict."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from operations.scheduling.planner.bounds import EXACT, NO_WORKERS
from operations.scheduling.planner.graph import bottom_levels
from operations.scheduling.planner.placement import Work
from operations.scheduling.planner.plan import Plan
from operations.scheduling.wait_reason import NAMED, listed

LONG_QUEUE, VERY_LONG_QUEUE = 5, 20  # ready tasks a worker
IDLE_SHARE = 0.5
FAILED_SHARE, FEWEST_ENDED = 0.1, 10
BLOCKED_SHARE = 0.3
LEAST_GAIN, LARGE_GAIN = 0.05, 0.2  # parts of the makespan


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """One thing that holds work up; severity is low, medium, high or critical."""

    type: str
    severity: str
    description: str
    suggestion: str
    tasks: tuple[str, ...] = ()
    seconds_saved: float | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """How things stand: counts of tasks, and the part of the last hour that workers were busy."""

    queued: int  # ready, and without a worker
    blocked: int  # waiting for another task
    workers: int
    completed: int
    failed: int
    busy: float | None  # 0..1; None where nobody has watched long enough


def load_bottlenecks(load: Load) -> list[Bottleneck]:
    """What the counts alone show."""
    found = [queue_length(load), utilization(load), failures(load), blocking(load)]
    return [each for each in found if each]


def queue_length(load: Load) -> Bottleneck | None:
    if not load.workers or load.queued <= LONG_QUEUE * load.workers:
        return None
    severity = "critical" if load.queued > VERY_LONG_QUEUE * load.workers else "high"
    return Bottleneck(
        "high_queue_length",
        severity,
        f"{load.queued} tasks are ready and wait for {load.workers} workers: "
        f"{load.queued / load.workers:.1f} a worker, where {LONG_QUEUE} are usual at most.",
        "Add workers, or submit less urgent work later.",
    )


def utilization(load: Load) -> Bottleneck | None:
    tasks = load.queued + load.blocked
    if load.busy is None or load.busy >= IDLE_SHARE or not tasks:
        return None
    return Bottleneck(
        "low_worker_utilization",
        "medium",
        f"Workers were busy {load.busy:.0%} of the last hour while tasks wait ({tasks}).",
        "Check that workers ask for tasks, and split the tasks that others wait for.",
    )


def failures(load: Load) -> Bottleneck | None:
    ended = load.failed + load.completed
    if ended < FEWEST_ENDED or load.failed <= FAILED_SHARE * ended:
        return None
    return Bottleneck(
        "high_failure_rate",
        "high",
        f"{load.failed} of {ended} ended tasks failed ({load.failed / ended:.0%}).",
        "Read the errors of the failed tasks; what depends on them fails as well.",
    )


def blocking(load: Load) -> Bottleneck | None:
    tasks = load.queued + load.blocked
    if load.blocked <= BLOCKED_SHARE * tasks:
        return None
    return Bottleneck(
        "dependency_blocking",
        "medium",
        f"{load.blocked} of {tasks} waiting tasks ({load.blocked / tasks:.0%}) "
        "wait for another task.",
        "Remove dependencies that are not needed, or split the tasks that many wait for.",
    )


def unknown_dependencies(missing: Sequence[tuple[str, str]]) -> list[Bottleneck]:
    """Tasks that wait for one that nobody has submitted, given as (task, dependency)."""
    if not missing:
        return []
    waits = listed([f"{task} waits for {need}" for task, need in missing])
    return [
        Bottleneck(
            "unknown_dependency",
            "high",
            f"Some dependencies are on tasks that do not exist: {waits}.",
            "Submit the missing tasks, or submit these again without them.",
            tuple(task for task, _ in missing[:NAMED]),
        )
    ]


def plan_bottlenecks(work: Work, planned: Plan, names: Sequence[str]) -> list[Bottleneck]:
    """The bound that binds; nothing where every task can start at once."""
    binding = planned.certificate.binding
    if binding == NO_WORKERS:
        return [no_workers(work)]
    if not any(planned.start):
        return []
    chain = tuple(names[task] for task in critical(work))
    least = spoken(planned.certificate.lower_bound or 0.0)
    if binding == "critical_path":
        text = (
            f"The longest chain of dependencies takes at least {least}: it holds {listed(chain)}."
        )
        advice = "Split or shorten these tasks; more workers do not help here."
    else:
        place = "all workers" if binding == "work" else f"the workers of pool {binding[5:]}"
        text = (
            f"The work of {place} takes at least {least}; the longest chain holds {listed(chain)}."
        )
        advice = "Add workers, or shorten the tasks that take longest."
    return [Bottleneck(binding.split(":")[0], "low", text, advice, chain)]


def no_workers(work: Work) -> Bottleneck:
    empty = sorted(set(np.unique(work.pools).tolist()) - set(work.workers))
    tasks = int(np.isin(work.pools, empty).sum())
    pools = listed([work.pool_name(pool) for pool in empty])
    return Bottleneck(
        NO_WORKERS,
        "critical",
        f"Tasks wait where there are no workers ({tasks} in pool {pools}).",
        "Start at least one worker there.",
    )


def critical(work: Work) -> list[int]:
    """At most NAMED tasks without slack, by earliest start: any delay of theirs delays the end.

    Slack is latest less earliest start, were there always a free worker.
    """
    tails = np.asarray(bottom_levels(work.graph, work.seconds))
    heads = np.asarray(bottom_levels(work.graph.reverse, work.seconds)) - work.durations
    longest = tails.max()
    tight = np.flatnonzero(heads + tails >= longest * (1 - EXACT))
    chosen: list[int] = tight[np.argsort(heads[tight], kind="stable")][:NAMED].tolist()
    return chosen


def gains(work: Work, replan: Callable[[Work], Plan]) -> Iterable[Bottleneck]:
    """What one more worker in each pool would save, by planning again with it.

    `replan` must be the same for all: the same seed and starts, and no limit of time.
    """
    before = replan(work).certificate.makespan
    for pool in sorted(set(work.workers)) if before else []:
        after = replan(replace(work, workers=[*work.workers, pool])).certificate.makespan
        saved = (before or 0.0) - (after or 0.0)
        if before and saved >= LEAST_GAIN * before:
            yield worker_gain(work, pool, before, saved)


def worker_gain(work: Work, pool: int, before: float, saved: float) -> Bottleneck:
    where = f" in pool {work.pool_name(pool)}" if work.pool_count > 1 else ""
    return Bottleneck(
        "worker_gain",
        "medium" if saved >= LARGE_GAIN * before else "low",
        f"One more worker{where} would save {spoken(saved)} of {spoken(before)} "
        f"({saved / before:.0%}).",
        f"Add a worker{where}.",
        seconds_saved=saved,
    )


def spoken(seconds: float) -> str:
    """A span as a person says it: 90 s, 98.6 min, 3.5 h."""
    for unit, size in (("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:,.1f}".removesuffix(".0") + " s"
