"""Decision types: how decisions of each are applied, undone and measured, by name."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from aethercrown.registry import Registry
from operations.decisions.draft import ExpectedEffect


@dataclass(frozen=True, slots=True)
class DecisionCase:
    """A decision as its type's functions get it; `before` and `after` are plain JSON."""

    decision_id: int
    subject: str
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    expected: ExpectedEffect
    applied_at: datetime | None


@dataclass(frozen=True, slots=True)
class MeasuredEffect:
    """The measured effect of a decision, in the unit of its expected effect.

    [low, high] is the uncertainty of the measurement, if known. `inside` is whether the expected
    interval holds the value, with that uncertainty taken into account as the type sees fit.
    """

    value: float
    low: float | None
    high: float | None
    detail: Mapping[str, Any]
    inside: bool


@dataclass(frozen=True, slots=True)
class DecisionType:
    """The functions of one decision type; `apply` and `undo` run in the decision's transaction.

    `apply` raises Stale if the subject no longer equals `before`, `undo` if it no longer equals
    `after`. `measure` returns None while the effect cannot be known yet. `path` returns the path
    of the subject's page.
    """

    name: str
    title: str
    apply: Callable[[DecisionCase], None]
    undo: Callable[[DecisionCase], None]
    measure: Callable[[DecisionCase, datetime], MeasuredEffect | None]
    path: Callable[[str], str] = lambda _subject: ""


class Stale(Exception):
    """The subject has changed since the decision was made; nothing was done."""


decision_type_registry = Registry[DecisionType]("decision type")
