"""The documented classes: an AI task, its priority, and a scheduler that needs no database."""

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict
from functools import partial
from threading import RLock

from operations.scheduling.backlog import Backlog, Entry
from operations.scheduling.backlog_plan import outlook
from operations.scheduling.bottlenecks import (
    Load,
    gains,
    load_bottlenecks,
    plan_bottlenecks,
    unknown_dependencies,
)
from operations.scheduling.durations import Learned
from operations.scheduling.planner.graph import numbered, sequence
from operations.scheduling.planner.placement import Work
from operations.scheduling.planner.plan import POLICIES, Plan, known, plan, steady_effort
from operations.scheduling.planner.search import Effort
from operations.scheduling.planner.urgency import weight
from operations.scheduling.task_spec import AITask, TaskPriority
from operations.scheduling.throughput import History, busy_share

__all__ = ["AITask", "DifferentTask", "TaskPriority", "TaskScheduler"]

DEFAULT_POOL = "default"


class DifferentTask(ValueError):
    """Another task has this id already."""


class TaskScheduler:
    """Hands tasks to workers, the most urgent ready one first.

    `num_workers` take every type of task, but for those types that `pools` gives workers of
    their own. `clock` counts seconds. Safe to use from several threads.
    """

    def __init__(
        self,
        num_workers: int = 4,
        *,
        pools: Mapping[str, int] | None = None,
        policy: str = "aged",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        known("policy", policy, POLICIES)
        hands = {DEFAULT_POOL: workers("worker", num_workers)}
        hands |= {pool: workers(pool, count) for pool, count in (pools or {}).items()}
        self.policy, self.clock, self.begun_at = policy, clock, clock()
        self.backlog = Backlog(hands, strict=policy == "strict")
        self.tasks: dict[str, AITask] = {}
        self.learned: defaultdict[str, Learned] = defaultdict(Learned)
        self.history = History()
        self.lock = RLock()

    def add_task(self, task: AITask) -> AITask:
        """Take a task in; what it depends on may be added later.

        The same task again changes nothing. Raises DifferentTask where another one has its id,
        Cyclic where it would wait for itself by way of others.
        """
        with self.lock:
            if task.task_id in self.tasks:
                return same(self.tasks[task.task_id], task)
            estimate = self.learned[task.task_type].estimate(task.estimated_duration)
            pool = task.task_type if task.task_type in self.backlog.workers else DEFAULT_POOL
            importance = weight(task.priority)
            self.backlog.add(
                Entry(task.task_id, task.dependencies, pool, importance, estimate, self.clock())
            )
            self.tasks[task.task_id] = task
            return task

    def add_tasks(self, tasks: Iterable[AITask]) -> list[AITask]:
        """Take in all, in any order, or none; every dependency must be among them or known."""
        with self.lock:
            batch: dict[str, AITask] = {}
            for task in tasks:
                same(self.tasks.get(task.task_id, task), task)
                same(batch.setdefault(task.task_id, task), task)
            for name in in_order(self.backlog, batch):
                self.add_task(batch[name])
            return [self.tasks[name] for name in batch]

    def assign_tasks(self) -> list[tuple[str, AITask]]:
        """Give every free worker the most urgent task that it may take; they run from now."""
        with self.lock:
            taken = self.backlog.take(self.clock())
            return [(str(each.worker), self.tasks[each.name]) for each in taken]

    def complete_task(self, task_id: str, success: bool = True, error: str = "") -> AITask:  # noqa: FBT001, FBT002 -- the documented call
        """End a running task; without success all that depends on it fails too.

        Saying the same again changes nothing. Raises UnknownTask or NotRunning.
        """
        with self.lock:
            now, entry = self.clock(), self.backlog.entry(task_id)
            ran = entry.status == "running"
            self.backlog.end(entry, None if success else error or "failed", now)
            if ran:
                self.record(entry, now)
            return self.tasks[task_id]

    def state(self, task_id: str) -> Entry:
        """Where a task stands: status, worker, error, times on `clock`. Not to be changed."""
        return self.backlog.entry(task_id)

    def why(self, task_id: str) -> str:
        """What a task waits for, for a person."""
        with self.lock:
            return self.backlog.why(self.backlog.entry(task_id))

    def plan(self, effort: Effort | None = None) -> tuple[list[str], Plan]:
        """The open tasks, and when and where each would start from now."""
        with self.lock:
            ahead = outlook(self.backlog, self.clock())
        return ahead.names, self.planned(ahead.work, effort or Effort())

    def get_metrics(self) -> dict[str, float | int | None]:
        """The figures of the contract; makespan and bound are None where a task can never run."""
        with self.lock:
            count, now, load = self.backlog.count, self.clock(), self.load()
            ahead = outlook(self.backlog, now)
            made = self.planned(ahead.work, steady_effort(len(ahead.names)))
            busy = count["running"] / load.workers if load.workers else 0.0
            share = busy if load.busy is None else load.busy
            return {
                "total_tasks": count.total(),
                **count,
                "avg_completion_time_seconds": self.history.mean_seconds(),
                "throughput_per_hour": self.history.completed_lately(now),
                "worker_utilization_percent": round(100 * share, 2),
                "active_workers": count["running"],
                "total_workers": load.workers,
                "makespan_seconds": made.certificate.makespan,
                "makespan_lower_bound_seconds": made.certificate.lower_bound,
                "makespan_gap_percent": percent(made.certificate.gap),
            }

    def identify_bottlenecks(self) -> list[dict[str, object]]:
        """What holds work up, each with type, severity, description, suggestion and more."""
        with self.lock:
            load, lost = self.load(), self.backlog.unknown()
            ahead = outlook(self.backlog, self.clock())
        found = load_bottlenecks(load) + unknown_dependencies(lost)
        if ahead.names:
            replan = partial(self.planned, effort=steady_effort(len(ahead.names)))
            found += plan_bottlenecks(ahead.work, replan(ahead.work), ahead.names)
            found += gains(ahead.work, replan)
        return [asdict(each) for each in found]

    def planned(self, work: Work, effort: Effort) -> Plan:
        return plan(work, policy=self.policy, effort=effort)

    def load(self) -> Load:
        """The counts that bottlenecks are read from."""
        count, now = self.backlog.count, self.clock()
        hands = sum(len(names) for names in self.backlog.workers.values())
        begun = [(each.started_at or now, now) for each in self.backlog.running.values()]
        busy = busy_share(self.history.spans(now) + begun, hands, self.begun_at, now)
        return Load(
            count["queued"], count["pending"], hands, count["completed"], count["failed"], busy
        )

    def record(self, entry: Entry, now: float) -> None:
        """Remember a run; only success teaches how long its kind takes."""
        started, completed = entry.started_at or 0.0, entry.status == "completed"
        self.history.add((started, now), completed=completed)
        if completed:
            kind = self.tasks[entry.name].task_type
            self.learned[kind] = self.learned[kind].after(now - started)


def workers(prefix: str, count: int) -> list[str]:
    """Names for so many workers; none is allowed."""
    if not isinstance(count, int) or isinstance(count, bool) or count < 0:
        raise ValueError(f"{prefix}: the number of workers is {count!r}; it must be 0 or more")
    return [f"{prefix}-{each + 1}" for each in range(count)]


def same(stored: AITask, given: AITask) -> AITask:
    """The stored task, if the given one asks for nothing else."""
    if body(stored) != body(given):
        raise DifferentTask(f"task {given.task_id} is there already, with other values")
    return stored


def body(task: AITask) -> tuple[object, ...]:
    """What makes a task the same again: its dependencies in whatever order."""
    return task.task_type, task.priority, task.estimated_duration, frozenset(task.dependencies)


def in_order(backlog: Backlog, batch: Mapping[str, AITask]) -> list[str]:
    """The batch, each after what it depends on; raises Cyclic or UnknownDependency."""
    needs = {
        name: [each for each in entry.needs if each in backlog.open or each in batch]
        for name, entry in backlog.open.items()
    }
    ended = backlog.entries.keys() - backlog.open.keys()
    for name, task in batch.items():
        if name not in backlog.entries:
            needs[name] = [each for each in task.dependencies if each not in ended]
    return [name for name in sequence(*numbered(needs)) if name in batch]


def percent(share: float | None) -> float | None:
    return None if share is None else round(100 * share, 4)
