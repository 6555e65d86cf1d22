"""The automations that this code can run, by name; each app registers its own when it starts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from aethercrown.registry import Registry


def always() -> bool:
    return True


@dataclass(frozen=True, slots=True)
class RunContext:
    """One run of an automation; long work asks `may_continue` between steps, and stops."""

    automation: str
    run_id: int | None  # key of every effect, so that an attempt repeats none; None: a dry run
    planned_for: datetime
    now: datetime
    mode: str
    dry_run: bool
    may_continue: Callable[[], bool] = always  # False: another worker has it, or all is off


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run did: a sentence for people, the ids of its decisions, figures for the record."""

    summary: str
    decisions: tuple[int, ...] = ()
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AutomationSpec:
    """An automation in code. `perform` must be safe to repeat for the same run.

    What else staff can set for it is on the page at `settings_path`, which `settings_text` names.
    """

    name: str
    title: str
    perform: Callable[[RunContext], RunOutcome]
    queue: str = "default"
    settings_path: str = ""
    settings_text: str = ""


automation_registry = Registry[AutomationSpec]("automation")
