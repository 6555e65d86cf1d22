"""The automations that exist, found by name; each app registers its own when it starts."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime

from aethercrown import registry


def always() -> bool:
    """The guard of a run that nobody can take away."""
    return True


@dataclass(frozen=True, slots=True)
class RunContext:
    """One planned time of one automation, as its `perform` sees it.

    `run_id` keys every effect, so that a second attempt repeats none; it is None in a dry run.
    `held` answers False once another worker took the run over or the switch went off: long
    work asks it between steps and then stops.
    """

    automation: str
    run_id: int | None
    planned_for: datetime
    now: datetime
    mode: str
    dry_run: bool
    held: Callable[[], bool] = always


@dataclass(frozen=True, slots=True)
class RunOutcome:
    """What a run did: one sentence for people, the decisions it made, figures for the record."""

    summary: str
    decisions: tuple[int, ...] = ()
    detail: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class AutomationSpec:
    """Something that runs by itself: `perform` is safe to repeat for the same run."""

    name: str
    title: str
    perform: Callable[[RunContext], RunOutcome]
    queue: str = "default"


class UnknownAutomation(LookupError):
    """No automation has this name."""


class NameTaken(ValueError):
    """Two automations ask for one name."""


_known: dict[str, AutomationSpec] = {}


def register(automation: AutomationSpec) -> None:
    """Make an automation known; registering the same one again changes nothing."""
    if _known.setdefault(automation.name, automation) != automation:
        raise NameTaken(f"An automation called {automation.name} is registered already.")


def named(name: str) -> AutomationSpec:
    try:
        return _known[name]
    except KeyError:
        known = ", ".join(names()) or "none"
        raise UnknownAutomation(f"No automation is called {name}. Known: {known}.") from None


def names() -> tuple[str, ...]:
    """Every known name, in the fixed order in which all are run."""
    return tuple(sorted(_known))


def apart(automations: Iterable[AutomationSpec] = ()) -> AbstractContextManager[None]:
    """Within the block only `automations` are known, and what is registered in it; for tests."""
    return registry.apart(_known, automations)
