"""The tasks of one submission before they are stored: checks, order, chains and rows. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, NamedTuple

import numpy as np

from operations.scheduling.planner import urgency
from operations.scheduling.planner.graph import (
    Graph,
    UnknownDependency,
    number_tasks,
    topological_order,
)
from operations.scheduling.task_spec import MAX_ESTIMATE_SECONDS, AITask, TaskPriority

TASK_FIELDS = {"task_id", "task_type", "priority", "estimated_duration", "dependencies"}
CALLS = frozenset({"schedule", "metrics", "assign", "heartbeat"})
TASK_CALLS = frozenset({"complete", "retry", "cancel"})
NUMBERS = {int, float, Decimal}
MAX_DEPENDENCIES = 1_000
MAX_NAME_LENGTH = 255
DEPENDENCY = "dependency"  # why a task failed whose dependency has failed
PENDING, QUEUED, COMPLETED, FAILED = "pending", "queued", "completed", "failed"
Needs = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chain:
    """The sums of weights and seconds of the best chain of work that starts at a task."""

    weight: float
    seconds: float

    def before(self, weight: float, seconds: float) -> "Chain":
        """The chain with one more task at its start."""
        return Chain(weight + self.weight, seconds + self.seconds)

    def is_better_than(self, other: "Chain") -> bool:
        """Whether the weight per second is higher."""
        return self.weight * other.seconds > other.weight * self.seconds


def check_dependencies(batch: Mapping[str, AITask], stored: Collection[str]) -> None:
    """Raise UnknownDependency unless every dependency is in the batch or stored."""
    missing = [
        (task.task_id, need)
        for task in batch.values()
        for need in task.dependencies
        if need not in batch and need not in stored
    ]
    if missing:
        raise UnknownDependency(missing)


def check_acyclic(batch: Mapping[str, AITask], stored: Needs) -> None:
    """Raise CyclicDependency; `stored` holds the dependencies of stored tasks."""
    needs = {name: task.dependencies for name, task in batch.items()}
    known = {**needs, **{name: each for name, each in stored.items() if name not in needs}}
    inner = {name: [need for need in each if need in known] for name, each in known.items()}
    topological_order(*number_tasks(inner))


def in_order(batch: Mapping[str, AITask]) -> list[str]:
    """The batch, dependencies first. Raises CyclicDependency with the names."""
    return topological_order(*batch_graph(batch))


def batch_graph(batch: Mapping[str, AITask]) -> tuple[list[str], Graph]:
    """The names and the graph of the batch, without dependencies on other tasks."""
    return number_tasks(
        {
            name: [need for need in task.dependencies if need in batch]
            for name, task in batch.items()
        }
    )


def chains(batch: Mapping[str, AITask], estimates: Mapping[str, float]) -> dict[str, Chain]:
    """The best chain that starts at each task, within the batch."""
    names, graph = batch_graph(batch)
    weights = np.array([urgency.weight(batch[name].priority) for name in names], dtype=np.float64)
    seconds = np.array([estimates[name] for name in names], dtype=np.float64)
    best_weights, best_seconds = urgency.best_chains(graph, weights, seconds)
    found = zip(names, best_weights, best_seconds, strict=True)
    return {name: Chain(weight, seconds) for name, weight, seconds in found}


@dataclass(frozen=True, slots=True)
class TaskState:
    """A stored task that has not started: its own weight and seconds, and its best chain."""

    weight: float
    seconds: float
    chain: Chain


def inherited_chains(
    offers: Iterable[tuple[int, Chain]],
    states: Mapping[int, TaskState],
    needs: Mapping[int, Sequence[int]],
) -> dict[int, Chain]:
    """The better chains of stored tasks on which more urgent new tasks depend, by their id.

    Each offer is the id of a stored task and the chain of a new task that depends on it. The
    dependencies of stored tasks (`needs`) inherit in turn.
    """
    found: dict[int, Chain] = {}
    queue = list(offers)
    for number, after in queue:  # grows while it is read
        row = states.get(number)
        if row is None:
            continue
        seconds = min(max(row.seconds, urgency.MIN_DURATION_SECONDS), urgency.MAX_DURATION_SECONDS)
        longer = after.before(row.weight, seconds)
        if longer.is_better_than(found.get(number, row.chain)):
            found[number] = longer
            queue.extend((need, longer) for need in needs.get(number, ()))
    return found


def parse_valid(data: Any) -> dict[str, Any] | None:
    """A task that is valid at first sight, as the serializer would read it; None if unsure."""
    if not isinstance(data, dict) or not data.keys() <= TASK_FIELDS:
        return None
    seconds, needs = data.get("estimated_duration"), data.get("dependencies", [])
    if seconds is None or type(seconds) not in NUMBERS or not 0 <= seconds <= MAX_ESTIMATE_SECONDS:
        return None
    if type(needs) is not list or len(needs) > MAX_DEPENDENCIES:
        return None
    names = (data.get("task_id"), data.get("task_type"), *needs)
    if not all(map(is_valid_name, names)) or unreachable(data["task_id"]):
        return None
    try:
        priority = TaskPriority.of(data.get("priority"))
    except ValueError:
        return None
    return {**data, "priority": priority, "estimated_duration": float(seconds)}


def duplicate_errors(given: Sequence[Any]) -> list[tuple[str, str, str]]:
    """(path in the body, code, message) of every id that stands there a second time."""
    first: dict[str, int] = {}
    return [
        (f"tasks[{place}].task_id", "duplicate", f"is {values['task_id']}, as tasks[{seen}] is")
        for place, values in enumerate(given)
        if (seen := first.setdefault(values["task_id"], place)) != place
    ]


def unreachable(task_id: str) -> str:
    """Why no path can name this id; empty if one can."""
    if task_id in CALLS:
        return f"must not be {task_id}, which is the name of a call"
    *_, last = parts = task_id.split("/")
    if len(parts) > 1 and last in TASK_CALLS:
        return f"must not end in /{last}, which is the name of a call"
    if any(part in {"", ".", ".."} for part in parts):
        return "must not begin or end with a slash, nor have an empty part, . or .."
    return ""


def is_valid_name(name: Any) -> bool:
    return type(name) is str and 0 < len(name) <= MAX_NAME_LENGTH and name == name.strip()


def unknown_dependency_errors(
    given: Sequence[Any], paths: Sequence[str], error: UnknownDependency
) -> list[tuple[str, str, str]]:
    """(path in the body, code, message) of every unknown dependency."""
    missing = set(error.missing)
    return [
        (f"{path}dependencies[{place}]", "unknown_task", f"there is no task {need}")
        for values, path in zip(given, paths, strict=True)
        for place, need in enumerate(values.get("dependencies", ()))
        if (values["task_id"], need) in missing
    ]


class NewTaskRow(NamedTuple):
    """A new row by its columns; the times follow from the status."""

    task_id: str
    task_type: str
    priority: int
    estimated_duration: float
    estimate_used: float
    pool_id: int
    status: str
    unmet_dependencies: int
    chain_weight: float
    chain_seconds: float
    queue_key: float | None
    error: str
    failure: str


COLUMNS = (
    *(*NewTaskRow._fields, "created_at", "ready_at", "completed_at"),
    *("previous_worker", "attempt", "planned_worker"),
)


def new_rows(
    tasks: Mapping[str, AITask],
    order: Sequence[str],
    stored_states: Mapping[str, str],
    computed: Mapping[str, tuple[float, int, Chain]],
    now: float,
) -> dict[str, NewTaskRow]:
    """The row of each new task, in the order of `order`.

    `stored_states` are the statuses of stored tasks on which new ones depend, `computed` the
    estimate, the pool and the chain of each new task, `now` seconds.
    """
    made: dict[str, NewTaskRow] = {}
    for name in order:
        task = tasks[name]
        states = [
            (need, made[need].status if need in made else stored_states[need])
            for need in task.dependencies
        ]
        status, error = initial_status(states)
        estimate, pool, chain = computed[name]
        made[name] = NewTaskRow(
            name,
            task.task_type,
            int(task.priority),
            float(task.estimated_duration),
            float(estimate),
            pool,
            status,
            0 if error else sum(state != COMPLETED for _, state in states),
            chain.weight,
            chain.seconds,
            urgency.queue_key(now, chain.weight / chain.seconds) if status == QUEUED else None,
            error,
            DEPENDENCY if error else "",
        )
    return made


def initial_status(needs: Iterable[tuple[str, str]]) -> tuple[str, str]:
    """(status, error) of a new task, given the names and statuses of its dependencies."""
    status = QUEUED
    for name, state in needs:
        if state == FAILED:
            return FAILED, f"dependency {name} failed"
        if state != COMPLETED:
            status = PENDING
    return status, ""


def values(row: NewTaskRow, now: Any) -> tuple[Any, ...]:
    """The values of COLUMNS; `now` as the database takes it."""
    ready_at, ended_at = (now if row.status == each else None for each in (QUEUED, FAILED))
    return (*row, now, ready_at, ended_at, "", 0, "")
