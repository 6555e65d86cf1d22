"""What delays the work, and what would help. All thresholds are strict."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from aethercrown.formatting import counted, duration_text, number_text, share_text
from operations.scheduling.planner.bounds import NO_WORKERS, RELATIVE_TOLERANCE
from operations.scheduling.planner.graph import bottom_levels
from operations.scheduling.planner.placement import Problem
from operations.scheduling.planner.plan import TaskPlan
from operations.scheduling.wait_reason import MAX_NAMES, list_names

LONG_QUEUE, VERY_LONG_QUEUE = 5, 20  # ready tasks per worker
LOW_BUSY_SHARE = 0.5
HIGH_FAILED_SHARE, MIN_ENDED_TASKS = 0.1, 10
HIGH_BLOCKED_SHARE = 0.3
MIN_GAIN_SHARE, LARGE_GAIN_SHARE = 0.05, 0.2  # of the makespan


@dataclass(frozen=True, slots=True)
class Bottleneck:
    """One thing that delays the work; severity is low, medium, high or critical."""

    type: str
    severity: str
    description: str
    suggestion: str
    tasks: tuple[str, ...] = ()
    seconds_saved: float | None = None


@dataclass(frozen=True, slots=True)
class QueueLoad:
    """Counts of tasks and workers, and the busy share of the last hour."""

    queued: int  # ready, without a worker
    blocked: int  # waiting for another task
    workers: int
    completed: int
    failed: int
    busy: float | None  # 0..1; None if not observed long enough
    awaited: tuple[tuple[str, int], ...] = ()  # by how many tasks others are waited for, most first

    @property
    def is_blocked(self) -> bool:
        """Whether many of those that wait, wait for another task."""
        return self.blocked > HIGH_BLOCKED_SHARE * (self.queued + self.blocked)


def load_bottlenecks(load: QueueLoad) -> list[Bottleneck]:
    """The bottlenecks that show in the counts."""
    found = [queue_length(load), utilization(load), failures(load), blocking(load)]
    return [each for each in found if each]


def queue_length(load: QueueLoad) -> Bottleneck | None:
    if not load.workers or load.queued <= LONG_QUEUE * load.workers:
        return None
    severity = "critical" if load.queued > VERY_LONG_QUEUE * load.workers else "high"
    return Bottleneck(
        "high_queue_length",
        severity,
        f"{load.queued} tasks are ready and wait for {counted(load.workers, 'worker')}: "
        f"{number_text(load.queued / load.workers, 1)} per worker, where {LONG_QUEUE} are usual "
        f"at most.",
        "Add workers, or submit less urgent work later.",
    )


def utilization(load: QueueLoad) -> Bottleneck | None:
    tasks = load.queued + load.blocked
    if load.busy is None or load.busy >= LOW_BUSY_SHARE or not tasks:
        return None
    return Bottleneck(
        "low_worker_utilization",
        "medium",
        f"Workers were busy {share_text(load.busy)} of the last hour while tasks wait ({tasks}).",
        "Check that workers ask for tasks, and split the tasks that others wait for.",
    )


def failures(load: QueueLoad) -> Bottleneck | None:
    ended = load.failed + load.completed
    if ended < MIN_ENDED_TASKS or load.failed <= HIGH_FAILED_SHARE * ended:
        return None
    return Bottleneck(
        "high_failure_rate",
        "high",
        f"{load.failed} of {ended} ended tasks failed ({share_text(load.failed / ended)}).",
        "Read the errors of the failed tasks; what depends on them fails as well.",
    )


def blocking(load: QueueLoad) -> Bottleneck | None:
    tasks = load.queued + load.blocked
    if not load.is_blocked:
        return None
    names = list_names([f"{name} ({counted(count, 'task')})" for name, count in load.awaited])
    return Bottleneck(
        "dependency_blocking",
        "medium",
        f"{load.blocked} of {tasks} waiting tasks ({share_text(load.blocked / tasks)}) "
        f"wait for another task{names and f', most for {names}'}.",
        "Remove dependencies that are not needed, or split the tasks that many wait for.",
        tuple(name for name, _ in load.awaited),
    )


def unknown_dependencies(missing: Sequence[tuple[str, str]]) -> list[Bottleneck]:
    """The bottleneck of tasks that depend on unknown ones, given as (task, dependency)."""
    if not missing:
        return []
    waits = list_names([f"{task} waits for {need}" for task, need in missing])
    return [
        Bottleneck(
            "unknown_dependency",
            "high",
            f"Some dependencies are on tasks that do not exist: {waits}.",
            "Submit the missing tasks, or submit these again without them.",
            tuple(task for task, _ in missing[:MAX_NAMES]),
        )
    ]


def plan_bottlenecks(problem: Problem, planned: TaskPlan, names: Sequence[str]) -> list[Bottleneck]:
    """The binding bound of the plan; nothing if every task can start at once."""
    binding = planned.certificate.binding
    if binding == NO_WORKERS:
        return [no_workers(problem)]
    if not any(planned.start):
        return []
    chain = tuple(names[task] for task in critical_tasks(problem))
    least = duration_text(planned.certificate.lower_bound or 0.0)
    listed = list_names(chain)
    if binding == "critical_path":
        text = f"The longest chain of dependencies takes at least {least}: {listed}."
        advice = "Split or shorten these tasks; more workers do not help here."
    else:
        place = "all workers" if binding == "work" else f"the workers of pool {binding[5:]}"
        text = f"The work of {place} takes at least {least}; the longest chain is {listed}."
        advice = "Add workers, or shorten the tasks that take longest."
    return [Bottleneck(binding.split(":")[0], "low", text, advice, chain)]


def no_workers(problem: Problem) -> Bottleneck:
    empty = sorted(set(np.unique(problem.pools).tolist()) - set(problem.workers))
    tasks = int(np.isin(problem.pools, empty).sum())
    pools = list_names([problem.pool_name(pool) for pool in empty])
    return Bottleneck(
        NO_WORKERS,
        "critical",
        f"Tasks wait where there are no workers ({tasks} in pool {pools}).",
        "Start at least one worker there.",
    )


def critical_tasks(problem: Problem) -> list[int]:
    """At most MAX_NAMES tasks without slack (latest minus earliest start), the earliest first."""
    tails = np.asarray(bottom_levels(problem.graph, problem.seconds))
    heads = np.asarray(bottom_levels(problem.graph.reverse, problem.seconds)) - problem.durations
    longest = tails.max()
    tight = np.flatnonzero(heads + tails >= longest * (1 - RELATIVE_TOLERANCE))
    chosen: list[int] = tight[np.argsort(heads[tight], kind="stable")][:MAX_NAMES].tolist()
    return chosen


def worker_gains(problem: Problem, replan: Callable[[Problem], TaskPlan]) -> Iterable[Bottleneck]:
    """What one more worker in each pool would save, found by planning again with it.

    `replan` must give the same plan for the same problem: fixed seed and starts, no clock.
    """
    before = replan(problem).certificate.makespan
    for pool in sorted(set(problem.workers)) if before else []:
        larger = replace(problem, workers=[*problem.workers, pool])
        saved = (before or 0.0) - (replan(larger).certificate.makespan or 0.0)
        if before and saved >= MIN_GAIN_SHARE * before:
            yield worker_gain(problem, pool, before, saved)


def worker_gain(problem: Problem, pool: int, before: float, saved: float) -> Bottleneck:
    where = f" in pool {problem.pool_name(pool)}" if problem.pool_count > 1 else ""
    return Bottleneck(
        "worker_gain",
        "medium" if saved >= LARGE_GAIN_SHARE * before else "low",
        f"One more worker{where} would save {duration_text(saved)} of {duration_text(before)} "
        f"({share_text(saved / before)}).",
        f"Add a worker{where}.",
        seconds_saved=saved,
    )
