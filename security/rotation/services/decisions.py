"""Rotations as decisions: propose them, and apply, undo and measure the approved ones."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from operations.decisions import services as decisions
from operations.decisions.decision_types import (
    DecisionCase,
    DecisionType,
    MeasuredEffect,
    Stale,
)
from security.rotation import decision as rotation_decision
from security.rotation.decision import DECISION_TYPE, DueRotation
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.services import steps

State = ManagedSecret.State
APPROVED_STATUSES = ("applied", "measured")


class Proposed(NamedTuple):
    """The decisions about some keys, and those of the keys whose rotation is approved."""

    decisions: tuple[int, ...] = ()
    approved: tuple[ManagedSecret, ...] = ()


def propose(
    keys: Iterable[ManagedSecret], *, mode: str, now: datetime, run: int | None = None
) -> Proposed:
    """Propose a decision for each key, once per due rotation; mode auto approves it if allowed."""
    ids, approved = [], []
    for key in keys:
        version = steps.current_version(key)
        if version is None:
            continue
        draft = rotation_decision.draft(_due_rotation(key, version), mode=mode, now=now, run=run)
        decision = decisions.propose(draft, mode=mode, now=now)
        ids.append(decision.pk)
        if decision.status in APPROVED_STATUSES:
            approved.append(key)
    return Proposed(tuple(ids), tuple(approved))


def _due_rotation(key: ManagedSecret, version: SecretVersion) -> DueRotation:
    return DueRotation(
        key.key_id,
        key.uuid,
        key.level,
        version=version.number,
        since=version.current_at or version.created_at,
        eligible_at=key.eligible_at,
        due_at=key.due_at,
    )


# --- The decision type --------------------------------------------------------------------------
def apply(case: DecisionCase) -> None:
    """Mark the key for rotation. Raises Stale if it was rotated since, or is not active."""
    key = _locked_key(case)
    if key.state != State.ACTIVE:
        raise Stale(f"{key} is {key.state}: it is not rotated automatically.")
    _set_approval(key, steps.database_now())


def undo(case: DecisionCase) -> None:
    """Remove the mark. Raises Stale once the rotation has begun."""
    key = _locked_key(case)
    if SecretVersion.objects.filter(key=key, state=SecretVersion.State.PENDING).exists():
        raise Stale(f"The rotation of {key} has begun.")
    _set_approval(key, None)


def _locked_key(case: DecisionCase) -> ManagedSecret:
    """The key, locked. Raises Stale if its current version is not the decision's."""
    name = rotation_decision.key_id(case.subject)
    key = ManagedSecret.objects.select_for_update().filter(key_id=name).first()
    if key is None:
        raise Stale(f"No key is called {name!r}.")
    version = steps.current_version(key)
    number = version.number if version else None
    if number != case.before["version"]:
        raise Stale(f"The current version of {key} is {number}, not {case.before['version']}.")
    return key


def _set_approval(key: ManagedSecret, at: datetime | None) -> None:
    ManagedSecret.objects.filter(pk=key.pk).update(rotation_approved_at=at)
    event = "key.rotation_approved" if at else "key.approval_withdrawn"
    steps.record_event(steps.Lease(key, key.fencing_token), event, {})


def measure(case: DecisionCase, _at: datetime) -> MeasuredEffect:
    """The age of the old value when it was replaced."""
    later = SecretVersion.objects.filter(
        key__key_id=rotation_decision.key_id(case.subject),
        number__gt=case.before["version"],
        current_at__isnull=False,
    )
    replaced_at = later.order_by("number").values_list("current_at", flat=True).first()
    since = datetime.fromisoformat(case.before["since"])
    return rotation_decision.measured_effect(case.expected, since, replaced_at)


DECISION_TYPES = (
    DecisionType(
        DECISION_TYPE,
        "Rotation of a key",
        apply,
        undo,
        measure,
        path=rotation_decision.admin_path,
    ),
)
