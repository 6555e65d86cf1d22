"""One AI task as submitted, its priority, and its bar in the plan."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

from aethercrown.formatting import number_text
from operations.scheduling.planner.graph import CyclicDependency

MAX_ESTIMATE_SECONDS = 30 * 86_400.0


class InvalidTask(ValueError):
    """A value is invalid; `field` names it."""

    def __init__(self, field: str, given: object, rule: str) -> None:
        self.field = field
        super().__init__(f"{field} is {given!r}; it must be {rule}")


class TaskPriority(IntEnum):
    """How urgent a task is; each step weighs twice the one below."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    CRITICAL = 4

    @classmethod
    def of(cls, given: object) -> "TaskPriority":
        """From 1..4 or low, medium, high, critical. Raises InvalidTask."""
        if isinstance(given, str) and given.upper() in cls.__members__:
            return cls[given.upper()]
        if isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= 4:
            return cls(given)
        raise InvalidTask("priority", given, "1 to 4, or low, medium, high or critical")


@dataclass(frozen=True, slots=True)
class AITask:
    """Work of `estimated_duration` seconds. Raises InvalidTask, or CyclicDependency on itself."""

    task_id: str
    task_type: str
    priority: TaskPriority
    estimated_duration: float
    dependencies: Sequence[str] = ()

    def __post_init__(self) -> None:
        check_text("task_id", self.task_id)
        check_text("task_type", self.task_type)
        object.__setattr__(self, "priority", TaskPriority.of(self.priority))
        check_duration(self.estimated_duration)
        object.__setattr__(self, "dependencies", unique_names(self.dependencies))
        if self.task_id in self.dependencies:
            raise CyclicDependency([[self.task_id]])


@dataclass(frozen=True, slots=True)
class GanttTask:
    """A running or planned task with its worker, start and end."""

    task_id: str
    task_type: str
    priority: str
    status: str
    worker: str
    start: datetime
    end: datetime


def check_text(field: str, given: object) -> None:
    if not isinstance(given, str) or not given.strip():
        raise InvalidTask(field, given, "a text that is not blank")


def check_duration(given: float) -> None:
    number = isinstance(given, int | float) and not isinstance(given, bool)
    if not (number and 0 <= given <= MAX_ESTIMATE_SECONDS):  # NaN fails this too
        rule = f"a number of seconds from 0 to {number_text(MAX_ESTIMATE_SECONDS)} (30 days)"
        raise InvalidTask("estimated_duration", given, rule)


def unique_names(given: object) -> tuple[str, ...]:
    """Dependencies, each once, in the order given; empty for None."""
    if given is None:
        return ()
    if not isinstance(given, list | tuple | set | frozenset):
        raise InvalidTask("dependencies", given, "a list of task ids")
    for each in given:
        check_text("dependencies", each)
    return tuple(dict.fromkeys(given))
