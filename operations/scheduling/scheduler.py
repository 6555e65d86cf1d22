"""The documented classes: an AI task, its priority, and a scheduler that needs no database."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from threading import RLock

from operations.scheduling import bottlenecks
from operations.scheduling.backlog import Backlog, BacklogTask, planning_problem
from operations.scheduling.durations import LearnedDuration
from operations.scheduling.planner.graph import number_tasks, topological_order
from operations.scheduling.planner.placement import Problem
from operations.scheduling.planner.plan import (
    POLICIES,
    TaskPlan,
    check_choice,
    make_plan,
    repeatable_effort,
)
from operations.scheduling.planner.search import Effort
from operations.scheduling.planner.urgency import weight
from operations.scheduling.task_spec import AITask, TaskPriority
from operations.scheduling.throughput import RunHistory, busy_share

__all__ = ["AITask", "DifferentTask", "TaskPriority", "TaskScheduler"]

DEFAULT_POOL = "default"


class DifferentTask(ValueError):
    """Another task has this id already."""


class TaskScheduler:
    """Assigns tasks to workers, the most urgent ready one first.

    `num_workers` serve every task type except those for which `pools` names workers of their
    own. `clock` counts seconds. Safe to use from several threads.
    """

    def __init__(
        self,
        num_workers: int = 4,
        *,
        pools: Mapping[str, int] | None = None,
        policy: str = "aged",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        check_choice("policy", policy, POLICIES)
        names = {DEFAULT_POOL: worker_names("worker", num_workers)}
        names |= {pool: worker_names(pool, count) for pool, count in (pools or {}).items()}
        self.policy, self.clock, self.started_at = policy, clock, clock()
        self.backlog = Backlog(names, strict=policy == "strict")
        self.tasks: dict[str, AITask] = {}
        self.learned: defaultdict[str, LearnedDuration] = defaultdict(LearnedDuration)
        self.history = RunHistory()
        self.lock = RLock()

    def add_task(self, task: AITask) -> AITask:
        """Add a task, even before its dependencies. Raises DifferentTask or CyclicDependency."""
        with self.lock:
            if task.task_id in self.tasks:
                return check_same(self.tasks[task.task_id], task)
            estimate = self.learned[task.task_type].estimate(task.estimated_duration)
            pool = task.task_type if task.task_type in self.backlog.workers else DEFAULT_POOL
            self.backlog.add(
                BacklogTask(
                    task.task_id,
                    task.dependencies,
                    pool,
                    weight(task.priority),
                    estimate,
                    self.clock(),
                )
            )
            self.tasks[task.task_id] = task
            return task

    def add_tasks(self, tasks: Iterable[AITask]) -> list[AITask]:
        """Add all or none. Raises DifferentTask, UnknownDependency or CyclicDependency."""
        with self.lock:
            batch = unique_tasks(tasks)
            for name, task in batch.items():
                check_same(self.tasks.get(name, task), task)
            for name in in_order(self.backlog, batch):
                self.add_task(batch[name])
            return [self.tasks[name] for name in batch]

    def assign_tasks(self) -> list[tuple[str, AITask]]:
        """Start the most urgent suitable task on every free worker; (worker, task) pairs."""
        with self.lock:
            assigned = self.backlog.assign(self.clock())
            return [(str(each.worker), self.tasks[each.name]) for each in assigned]

    def complete_task(self, task_id: str, success: bool = True, error: str = "") -> AITask:  # noqa: FBT001, FBT002 -- the documented call
        """End a running task; a failure fails its dependents. Raises UnknownTask or NotRunning."""
        with self.lock:
            now, task = self.clock(), self.backlog.task(task_id)
            ran = task.status == "running"
            self.backlog.finish(task, None if success else error or "failed", now)
            if ran:
                self.record(task, now)
            return self.tasks[task_id]

    def state(self, task_id: str) -> BacklogTask:
        """Status, worker, error and times (on `clock`) of a task. Read only."""
        return self.backlog.task(task_id)

    def explain(self, task_id: str) -> str:
        """What a task waits for, in words."""
        with self.lock:
            return self.backlog.explain(self.backlog.task(task_id))

    def plan(self, effort: Effort | None = None) -> tuple[list[str], TaskPlan]:
        """The open tasks, and when and where each would start from now."""
        with self.lock:
            names, problem = planning_problem(self.backlog, self.clock())
        return names, self.planned(problem, effort or Effort())

    def get_metrics(self) -> dict[str, float | int | None]:
        """The documented figures; makespan and bound are None if a task can never run."""
        with self.lock:
            count, now, load = self.backlog.count, self.clock(), self.load()
            names, problem = planning_problem(self.backlog, now)
            proof = self.planned(problem, repeatable_effort(len(names))).certificate
            busy = count["running"] / load.workers if load.workers else 0.0
            share = busy if load.busy is None else load.busy
            return {
                "total_tasks": count.total(),
                **count,
                "avg_completion_time_seconds": self.history.mean_seconds(),
                "throughput_per_hour": self.history.completed_last_hour(now),
                "worker_utilization_percent": round(100 * share, 2),
                "active_workers": count["running"],
                "total_workers": load.workers,
                "makespan_seconds": proof.makespan,
                "makespan_lower_bound_seconds": proof.lower_bound,
                "makespan_gap_percent": percent(proof.gap),
            }

    def identify_bottlenecks(self) -> list[dict[str, object]]:
        """What delays the work, each with type, severity, description, suggestion and more."""
        with self.lock:
            load, unknown = self.load(), self.backlog.unknown_dependencies()
            names, problem = planning_problem(self.backlog, self.clock())
        found = bottlenecks.load_bottlenecks(load) + bottlenecks.unknown_dependencies(unknown)
        if names:
            replan = partial(self.planned, effort=repeatable_effort(len(names)))
            found += bottlenecks.plan_bottlenecks(problem, replan(problem), names)
            found += bottlenecks.worker_gains(problem, replan)
        return [asdict(each) for each in found]

    def planned(self, problem: Problem, effort: Effort) -> TaskPlan:
        return make_plan(problem, policy=self.policy, effort=effort)

    def load(self) -> bottlenecks.QueueLoad:
        """The counts from which bottlenecks are derived."""
        count, now = self.backlog.count, self.clock()
        workers = sum(len(names) for names in self.backlog.workers.values())
        running = [(each.started_at or now, now) for each in self.backlog.running.values()]
        busy = busy_share(self.history.spans(now) + running, workers, self.started_at, now)
        return bottlenecks.QueueLoad(
            count["queued"], count["pending"], workers, count["completed"], count["failed"], busy
        )

    def record(self, task: BacklogTask, now: float) -> None:
        """Store a run that ended; only successes count for learned durations."""
        started, completed = task.started_at or 0.0, task.status == "completed"
        self.history.add((started, now), completed=completed)
        if completed:
            task_type = self.tasks[task.name].task_type
            self.learned[task_type] = self.learned[task_type].after(now - started)


def worker_names(prefix: str, count: int) -> list[str]:
    """`prefix`-1, `prefix`-2 and so on. Raises ValueError for no whole number or below 0."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise ValueError(f"{prefix}: the number of workers is {count!r}; it must be 0 or more")
    return [f"{prefix}-{each + 1}" for each in range(count)]


def check_same(stored: AITask, given: AITask) -> AITask:
    """The stored task; raises DifferentTask if the given one has other values."""
    if comparable(stored) != comparable(given):
        raise DifferentTask(f"task {given.task_id} is there already, with other values")
    return stored


def unique_tasks(tasks: Iterable[AITask]) -> dict[str, AITask]:
    """The tasks by id. Raises DifferentTask if two tasks have one id."""
    batch: dict[str, AITask] = {}
    for task in tasks:
        check_same(batch.setdefault(task.task_id, task), task)
    return batch


def comparable(task: AITask) -> tuple[object, ...]:
    """The values that make two tasks the same, with dependencies in any order."""
    return task.task_type, task.priority, task.estimated_duration, frozenset(task.dependencies)


def in_order(backlog: Backlog, batch: Mapping[str, AITask]) -> list[str]:
    """The batch, dependencies first. Raises CyclicDependency or UnknownDependency."""
    needs = {
        name: [each for each in task.needs if each in backlog.open or each in batch]
        for name, task in backlog.open.items()
    }
    ended = backlog.tasks.keys() - backlog.open.keys()
    for name, task in batch.items():
        if name not in backlog.tasks:
            needs[name] = [each for each in task.dependencies if each not in ended]
    return [name for name in topological_order(*number_tasks(needs)) if name in batch]


def percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)
