"""The kinds of decision: how each is applied, undone and measured, found by name."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aethercrown import registry
from operations.decisions.draft import ExpectedEffect


@dataclass(frozen=True, slots=True)
class DecisionCase:
    """One decision, as its kind sees it; `before` and `after` are plain JSON."""

    decision_id: int
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    expected: ExpectedEffect
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class MeasuredEffect:
    """What a decision brought, in the unit of its expectation.

    `inside` says whether the promised interval held it, allowing for the doubt [low, high] of
    the measurement as the kind sees fit.
    """

    value: float
    low: float | None
    high: float | None
    detail: Mapping[str, Any]
    inside: bool


def nowhere(_subject: str) -> str:
    """The path of a subject that has no page."""
    return ""


@dataclass(frozen=True, slots=True)
class DecisionType:
    """How one kind of decision acts; `apply` and `undo` run inside the decision's transaction.

    `apply` raises Stale when the subject no longer equals `before`, `undo` when it no longer
    equals `after`. `measure` returns None while the truth is not known yet. `path` gives the
    address of the subject's page. Without `apply_on_approval` an approved decision waits until
    `services.apply` is called for it.
    """

    name: str
    title: str
    apply: Callable[[DecisionCase], None]
    undo: Callable[[DecisionCase], None]
    measure: Callable[[DecisionCase, datetime], MeasuredEffect | None]
    apply_on_approval: bool = True
    path: Callable[[str], str] = nowhere


class Stale(Exception):
    """The subject changed since the decision was made; nothing was done."""


class UnknownKind(LookupError):
    """No kind of decision has this name."""


class NameTaken(ValueError):
    """Two kinds of decision ask for one name."""


_known: dict[str, DecisionType] = {}


def register(kind: DecisionType) -> None:
    """Make a kind known; registering the same one again changes nothing."""
    if _known.setdefault(kind.name, kind) != kind:
        raise NameTaken(f"A kind of decision called {kind.name} is registered already.")


def named(name: str) -> DecisionType:
    try:
        return _known[name]
    except KeyError:
        known = ", ".join(names()) or "none"
        raise UnknownKind(f"No kind of decision is called {name}. Known: {known}.") from None


def names() -> tuple[str, ...]:
    return tuple(sorted(_known))


def apart(kinds: Iterable[DecisionType] = ()) -> AbstractContextManager[None]:
    """Within the block only `kinds` are known, and what is registered in it; for tests."""
    return registry.apart(_known, kinds)
