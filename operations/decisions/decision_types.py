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
    """The measured effect of a decision, in the unit of its expected effect."""

    value: float
    low: float | None  # the uncertainty of the measurement, if known
    high: float | None
    detail: Mapping[str, Any]
    inside: bool  # the expected interval; the type takes the uncertainty into account


ShownChange = tuple[Mapping[str, Any], Mapping[str, Any]]  # before and after, by name


def shown_whole(before: Mapping[str, Any], after: Mapping[str, Any]) -> ShownChange:
    return before, after


@dataclass(frozen=True, slots=True)
class DecisionType:
    """The functions of one decision type; `apply` and `undo` run in the decision's transaction.

    Of a deferred type `apply` only orders what is decided: the decision stays approved until the
    type calls `services.mark_applied` in the transaction that does it. So does a decision for which
    `is_under_way` after `apply`, until `services.apply_approved`.

    One that `is_recorded` was taken outside, such as by a customer: a person enters it, and nobody
    approves it, so that four eyes are not demanded of it.
    """

    name: str
    title: str
    apply: Callable[[DecisionCase], None]  # raises Stale unless the subject equals `before`
    undo: Callable[[DecisionCase], None]  # raises Stale unless it equals `after`
    measure: Callable[[DecisionCase, datetime], MeasuredEffect | None]  # None: not known yet
    path: Callable[[str], str] = lambda _subject: ""  # of the subject's page
    is_deferred: bool = False
    is_recorded: bool = False
    is_under_way: Callable[[DecisionCase], bool] = lambda _case: False
    may_undo: Callable[[str], bool] = lambda _subject: True  # of an applied one, by its subject
    currency: Callable[[str], str] = lambda _subject: ""  # of the amounts it changes, by subject
    # what a person is shown of before and after, where they also have what only `undo` reads
    shown: Callable[[Mapping[str, Any], Mapping[str, Any]], ShownChange] = shown_whole


class Stale(Exception):
    """The subject has changed since the decision was made; nothing was done."""


@dataclass(frozen=True, slots=True)
class ApprovalKind:
    """Something that people approve though no automation decides it, such as new prices."""

    name: str
    title: str


approval_kind_registry = Registry[ApprovalKind]("kind of approval")
decision_type_registry = Registry[DecisionType]("decision type")
