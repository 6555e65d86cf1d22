"""The queue in memory: what waits, runs and ended, which task is next, and what to plan."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from math import inf

import numpy as np

from operations.scheduling import wait_reason
from operations.scheduling.planner import urgency
from operations.scheduling.planner.graph import CyclicDependency, Graph, trace_path
from operations.scheduling.planner.placement import Problem

NOT_QUEUED = (inf, inf)
STATUSES = ("pending", "queued", "running", "completed", "failed")


class UnknownTask(LookupError):
    """No task has this id."""


class NotRunning(ValueError):
    """The status of the task does not allow the step."""


@dataclass(slots=True, eq=False)
class BacklogTask:
    """A task in the backlog. Times are seconds of the caller's clock."""

    name: str
    needs: Sequence[str]
    pool: str
    weight: float
    estimate: float
    created_at: float
    number: int = 0
    status: str = "pending"
    unmet: int = 0  # needs that are not completed
    ready_at: float | None = None
    started_at: float | None = None
    ended_at: float | None = None
    worker: str | None = None
    slot: int = -1  # the worker's number in its pool
    error: str = ""
    chain_weight: float = 0.0  # of the best chain that starts here
    chain_seconds: float = 1.0
    position: tuple[float, float] = NOT_QUEUED  # in the queue, lowest first

    @property
    def has_ended(self) -> bool:
        return self.status in {"completed", "failed"}

    @property
    def has_started(self) -> bool:
        return self.started_at is not None

    def remaining_seconds(self, now: float) -> float:
        """What is left of it by its estimate."""
        done = 0.0 if self.started_at is None else now - self.started_at
        return max(0.0, self.estimate - done)

    def waited_seconds(self, now: float) -> float:
        """How long it has been ready without a worker."""
        since = self.ready_at if self.status == "queued" else None
        return 0.0 if since is None else max(0.0, now - since)


class Backlog:
    """Tasks, and workers by pool; with `strict` a higher priority class always goes first."""

    def __init__(self, pools: Mapping[str, Iterable[str]], *, strict: bool = False) -> None:
        self.strict = strict
        self.workers = {pool: tuple(names) for pool, names in pools.items()}
        self.idle = {pool: list(range(len(names))) for pool, names in self.workers.items()}
        self.tasks: dict[str, BacklogTask] = {}
        self.open: dict[str, BacklogTask] = {}  # those that have not ended
        self.waiters: defaultdict[str, list[str]] = defaultdict(list)
        self.queues: defaultdict[str, list[tuple[tuple[float, float], int, str]]]
        self.queues = defaultdict(list)
        self.stale: set[str] = set()  # tasks whose chains are to be computed again
        self.running: dict[str, BacklogTask] = {}
        self.count = Counter(dict.fromkeys(STATUSES, 0))

    def task(self, name: str) -> BacklogTask:
        """The task of that name. Raises UnknownTask."""
        if name not in self.tasks:
            raise UnknownTask(f"there is no task {name}")
        return self.tasks[name]

    def add(self, task: BacklogTask) -> None:
        """Add a task; its dependencies may be added later. Raises CyclicDependency."""
        self.check_acyclic(task)
        task.number = len(self.tasks)
        self.tasks[task.name] = self.open[task.name] = task
        self.count[task.status] += 1
        self.stale.add(task.name)
        found = {name: self.tasks[name].status for name in task.needs if name in self.tasks}
        task.unmet = sum(found.get(name) != "completed" for name in task.needs)
        for name in task.needs:
            self.waiters[name].append(task.name)
        failed = next((name for name, status in found.items() if status == "failed"), None)
        if failed is not None:
            self.fail(task, f"dependency {failed} failed", task.created_at)
        elif not task.unmet:
            self.make_ready(task, task.created_at)

    def check_acyclic(self, task: BacklogTask) -> None:
        """Raise CyclicDependency if a dependency of the new task already waits for it."""
        if not any(name in self.tasks for name in task.needs):
            return
        previous = {task.name: task.name}
        queue = [task.name]
        for name in queue:  # grows while it is read
            if name in task.needs:
                raise CyclicDependency([trace_path(previous, task.name, name)])
            for waiter in self.waiters.get(name, ()):
                if waiter not in previous:
                    previous[waiter] = name
                    queue.append(waiter)

    def assign(self, now: float) -> Iterator[BacklogTask]:
        """Start the first task of its pool's queue on every free worker."""
        self.refresh_chains()
        for pool, idle in self.idle.items():
            queue = self.queues[pool]
            while idle and queue:
                position, _, name = heappop(queue)
                task = self.tasks[name]
                if task.status != "queued" or task.position != position:
                    continue  # an outdated position
                task.slot = heappop(idle)
                task.worker = self.workers[pool][task.slot]
                task.started_at = now
                self.running[task.name] = task
                self.set_status(task, "running")
                yield task

    def finish(self, task: BacklogTask, error: str | None, now: float) -> None:
        """End a running task and free its worker, once only. Raises NotRunning."""
        if task.has_started and task.status == ("completed" if error is None else "failed"):
            return
        if task.status != "running":
            raise NotRunning(f"task {task.name} is {task.status}, not running")
        del self.running[task.name]
        heappush(self.idle[task.pool], task.slot)
        if error is not None:
            self.fail(task, error, now)
            return
        task.ended_at = now
        self.set_status(task, "completed")
        for name in self.waiters[task.name]:
            waiter = self.tasks[name]
            waiter.unmet -= 1
            if not waiter.unmet and not waiter.has_ended:
                self.make_ready(waiter, now)

    def fail(self, task: BacklogTask, error: str, now: float) -> None:
        """Fail a task and all that depend on it, directly or indirectly."""
        queue = [(task, error)]
        for each, why in queue:  # grows while it is read
            if each.has_ended:
                continue
            each.error, each.ended_at = why, now
            self.set_status(each, "failed")
            self.stale.update(name for name in each.needs if name in self.tasks)
            reason = f"dependency {each.name} failed"
            queue.extend((self.tasks[name], reason) for name in self.waiters[each.name])

    def make_ready(self, task: BacklogTask, now: float) -> None:
        task.ready_at = now
        self.set_status(task, "queued")
        self.enqueue(task)

    def set_status(self, task: BacklogTask, status: str) -> None:
        self.count[task.status] -= 1
        self.count[status] += 1
        task.status = status
        if task.has_ended:
            del self.open[task.name]

    def enqueue(self, task: BacklogTask) -> None:
        """Put a ready task at its position; its older position is outdated from now on."""
        if task.ready_at is None or task.name in self.stale:
            return
        first = -task.weight if self.strict else 0.0
        ratio = task.chain_weight / task.chain_seconds
        position = (first, urgency.queue_key(task.ready_at, ratio))
        if position != task.position:
            task.position = position
            heappush(self.queues[task.pool], (position, task.number, task.name))

    def refresh_chains(self) -> None:
        """Compute again the chains of stale tasks and of all their dependencies, backwards."""
        affected = self.affected()
        self.stale.clear()
        after = {name: sum(each in affected for each in self.waiters[name]) for name in affected}
        queue = [name for name, count in after.items() if not count]
        for name in queue:  # grows while it is read
            task = self.tasks[name]
            self.update_chain(task)
            if task.status == "queued":
                self.enqueue(task)
            for need in affected.intersection(task.needs):
                after[need] -= 1
                if not after[need]:
                    queue.append(need)

    def affected(self) -> set[str]:
        """Stale tasks, and their direct and indirect dependencies that have not started."""
        queue = list(self.stale)
        affected = set(queue)
        for name in queue:  # grows while it is read
            for need in self.tasks[name].needs:
                task = self.tasks.get(need)
                if task and need not in affected and not task.has_started:
                    affected.add(need)
                    queue.append(need)
        return affected

    def update_chain(self, task: BacklogTask) -> None:
        """Set the best chain from here, as `urgency.best_chains` computes it."""
        weight = task.weight
        seconds = min(
            max(task.estimate, urgency.MIN_DURATION_SECONDS), urgency.MAX_DURATION_SECONDS
        )
        task.chain_weight, task.chain_seconds = weight, seconds
        for name in self.waiters[task.name]:
            waiter = self.tasks[name]
            if waiter.has_ended:
                continue  # it failed
            longer, costlier = weight + waiter.chain_weight, seconds + waiter.chain_seconds
            if longer * task.chain_seconds > task.chain_weight * costlier:
                task.chain_weight, task.chain_seconds = longer, costlier

    def unknown_dependencies(self) -> list[tuple[str, str]]:
        """Every (task, dependency) whose dependency has not been added."""
        return [
            (task, need)
            for need, tasks in self.waiters.items()
            if need not in self.tasks
            for task in tasks
            if not self.tasks[task].has_ended
        ]

    def explain(self, task: BacklogTask) -> str:
        """What a task waits for, or how it ended, in words."""
        if task.status == "pending":
            return wait_reason.blocked(self.unmet_names(task))
        if task.status != "queued":
            return f"{task.status}: {task.error}" if task.error else task.status
        if not self.workers[task.pool]:
            return wait_reason.no_worker(task.pool)
        return wait_reason.behind(self.count_ahead(task))

    def count_ahead(self, task: BacklogTask) -> int:
        """How many ready tasks of its pool go before a ready task."""
        self.refresh_chains()
        own = (task.position, task.number)
        return sum(
            other.status == "queued"
            and other.pool == task.pool
            and (other.position, other.number) < own
            for other in self.open.values()
        )

    def unmet_names(self, task: BacklogTask) -> list[str]:
        """The dependencies that are not completed."""
        return [
            name if name in self.tasks else f"{name} (unknown)"
            for name in task.needs
            if name not in self.tasks or self.tasks[name].status != "completed"
        ]


def planning_problem(backlog: Backlog, now: float) -> tuple[list[str], Problem]:
    """The names of all open tasks, and the problem from `now`, without unknown dependencies."""
    open_ = list(backlog.open.values())
    number = {each.name: place for place, each in enumerate(open_)}
    needs = [[number[name] for name in each.needs if name in number] for each in open_]
    pools = list(backlog.workers)
    pool = {name: place for place, name in enumerate(pools)}
    slots = [pool[name] for name, workers in backlog.workers.items() for _ in workers]
    offset = {name: slots.index(place) if place in slots else 0 for name, place in pool.items()}
    problem = Problem(
        Graph.from_needs(needs),
        np.array([e.remaining_seconds(now) for e in open_], np.float64),
        np.array([each.weight for each in open_], dtype=np.float64),
        slots,
        np.array([pool[each.pool] for each in open_], dtype=np.int64),
        np.array([e.waited_seconds(now) for e in open_], np.float64),
        {number[e.name]: offset[e.pool] + e.slot for e in open_ if e.status == "running"},
        pools,
    )
    return [each.name for each in open_], problem
