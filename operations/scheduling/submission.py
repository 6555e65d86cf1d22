"""What one call submits: each task once, in an order that allows it, with the chain it begins."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import numpy as np

from operations.scheduling.planner.graph import Graph, UnknownDependency, numbered, sequence
from operations.scheduling.planner.urgency import LONGEST, SHORTEST, best_chains, weight
from operations.scheduling.scheduler import same
from operations.scheduling.task_spec import LONGEST_ESTIMATE, AITask, TaskPriority

TASK_FIELDS = {"task_id", "task_type", "priority", "estimated_duration", "dependencies"}
NUMBERS = {int, float, Decimal}
MOST_NEEDS = 1_000
LONGEST_NAME = 255
Needs = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Chain:
    """The weights and the seconds of the best chain of work that a task begins."""

    gain: float
    cost: float

    def before(self, weight: float, seconds: float) -> "Chain":
        """The chain with one more task at its beginning."""
        return Chain(weight + self.gain, seconds + self.cost)

    def beats(self, gain: float, cost: float) -> bool:
        return self.gain * cost > gain * self.cost


def distinct(tasks: Iterable[AITask]) -> dict[str, AITask]:
    """The tasks by id; raises DifferentTask where one id stands for two."""
    batch: dict[str, AITask] = {}
    for task in tasks:
        same(batch.setdefault(task.task_id, task), task)
    return batch


def refuse_unknown(batch: Mapping[str, AITask], stored: Collection[str]) -> None:
    """Every dependency must be in the batch or stored."""
    missing = [
        (task.task_id, need)
        for task in batch.values()
        for need in task.dependencies
        if need not in batch and need not in stored
    ]
    if missing:
        raise UnknownDependency(missing)


def refuse_cycle(batch: Mapping[str, AITask], stored: Needs) -> None:
    """Raises Cyclic, naming the tasks in order; `stored` says what stored tasks need."""
    needs = {name: task.dependencies for name, task in batch.items()}
    known = {**needs, **{name: each for name, each in stored.items() if name not in needs}}
    sequence(*numbered({name: [n for n in each if n in known] for name, each in known.items()}))


def in_order(batch: Mapping[str, AITask]) -> list[str]:
    """The batch, each after what it needs of it; raises Cyclic, naming the tasks in order."""
    return sequence(*graph(batch))


def graph(batch: Mapping[str, AITask]) -> tuple[list[str], Graph]:
    """The batch as numbers; what it needs from outside is left out."""
    return numbered(
        {
            name: [need for need in task.dependencies if need in batch]
            for name, task in batch.items()
        }
    )


def chains(batch: Mapping[str, AITask], estimates: Mapping[str, float]) -> dict[str, Chain]:
    """The best chain that each task of the batch begins within it."""
    names, links = graph(batch)
    weights = np.array([weight(batch[name].priority) for name in names], dtype=np.float64)
    seconds = np.array([estimates[name] for name in names], dtype=np.float64)
    gains, costs = best_chains(links, weights, seconds)
    found = zip(names, gains, costs, strict=True)
    return {name: Chain(gain, cost) for name, gain, cost in found}


@dataclass(frozen=True, slots=True)
class Standing:
    """A stored task that has not begun: its own weight and seconds, and its best chain."""

    weight: float
    seconds: float
    chain: Chain


def hurried(
    offers: Iterable[tuple[int, Chain]],
    standing: Mapping[int, Standing],
    needs: Mapping[int, Sequence[int]],
) -> dict[int, Chain]:
    """The better chains of stored tasks that free more urgent new work, and of what they need.

    Each offer is a stored task's number with the chain that begins right after it.
    """
    found: dict[int, Chain] = {}
    line = list(offers)
    for number, after in line:  # grows while it is read
        row = standing.get(number)
        if row is None:
            continue
        longer = after.before(row.weight, min(max(row.seconds, SHORTEST), LONGEST))
        best = found.get(number, row.chain)
        if longer.beats(best.gain, best.cost):
            found[number] = longer
            line.extend((need, longer) for need in needs.get(number, ()))
    return found


def obvious(data: Any) -> dict[str, Any] | None:
    """A plainly valid task, as the fields would read it; None where they have to look."""
    if not isinstance(data, dict) or not data.keys() <= TASK_FIELDS:
        return None
    seconds, needs = data.get("estimated_duration"), data.get("dependencies", [])
    if seconds is None or type(seconds) not in NUMBERS or not 0 <= seconds <= LONGEST_ESTIMATE:
        return None
    if type(needs) is not list or len(needs) > MOST_NEEDS:
        return None
    if not all(map(plain, (data.get("task_id"), data.get("task_type"), *needs))):
        return None
    try:
        priority = TaskPriority.of(data.get("priority"))
    except ValueError:
        return None
    return {**data, "priority": priority, "estimated_duration": float(seconds)}


def plain(name: Any) -> bool:
    return type(name) is str and 0 < len(name) <= LONGEST_NAME and name == name.strip()


def unknown(
    given: Sequence[Any], where: Sequence[str], error: UnknownDependency
) -> list[tuple[str, str, str]]:
    """Every dependency that is nowhere, with its place in the body."""
    missing = set(error.missing)
    return [
        (f"{path}dependencies[{place}]", "unknown_task", f"there is no task {need}")
        for values, path in zip(given, where, strict=True)
        for place, need in enumerate(values.get("dependencies", ()))
        if (values["task_id"], need) in missing
    ]
