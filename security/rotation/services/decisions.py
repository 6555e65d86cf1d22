"""Putting rotations forward, and noting on a key that one is asked for."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect
from security.rotation import decision as turn
from security.rotation.decision import KIND, Turn
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.services import steps as stages

Stale = decisions.Stale
State = ManagedSecret.State


class Put(NamedTuple):
    """The decisions about some keys, and the keys whose rotation is asked for by now."""

    decisions: tuple[int, ...] = ()
    allowed: tuple[ManagedSecret, ...] = ()


def put_forward(
    keys: Iterable[ManagedSecret], *, mode: str, now: datetime, run: int | None = None
) -> Put:
    """A decision for each key, once for its turn; in mode auto it is approved where it may be."""
    numbers, allowed = [], []
    for key in keys:
        version = stages.current_version(key)
        if version is None:
            continue
        draft = turn.draft(_turn(key, version), mode=mode, now=now, run=run)
        decision = decisions.propose(draft, mode=mode, now=now)
        numbers.append(decision.pk)
        if decision.status in ASKED:
            allowed.append(key)
    return Put(tuple(numbers), tuple(allowed))


ASKED = ("applied", "measured")


def _turn(key: ManagedSecret, version: SecretVersion) -> Turn:
    since = version.current_at or version.created_at
    return Turn(key.key_id, key.uuid, key.level, version.number, since, key.eligible_at, key.due_at)


# --- As a decision ------------------------------------------------------------------------------
def ask(case: DecisionCase) -> None:
    """Approved: the key is to be rotated; Stale where it was, or where it may not be."""
    key = _held(case)
    if key.state != State.ACTIVE:
        raise Stale(f"{key} is {key.state}: it is not rotated by itself.")
    _write(key, stages.database_now())


def take_back(case: DecisionCase) -> None:
    """Ask no more, as long as nothing has begun; Stale afterwards: a new value is out."""
    key = _held(case)
    if SecretVersion.objects.filter(key=key, state=SecretVersion.State.PENDING).exists():
        raise Stale(f"The rotation of {key} has begun.")
    _write(key, None)


def _held(case: DecisionCase) -> ManagedSecret:
    """The key, locked, with the version that the decision saw."""
    name = turn.key_id(case.subject)
    key = ManagedSecret.objects.select_for_update().filter(key_id=name).first()
    if key is None:
        raise Stale(f"No key is called {name!r}.")
    version = stages.current_version(key)
    number = version.number if version else None
    if number != case.before["version"]:
        raise Stale(f"The current version of {key} is {number}, not {case.before['version']}.")
    return key


def _write(key: ManagedSecret, rotation_approved_at: datetime | None) -> None:
    ManagedSecret.objects.filter(pk=key.pk).update(rotation_approved_at=rotation_approved_at)
    word = "key.asked" if rotation_approved_at else "key.not_asked"
    stages.record_event(stages.Lease(key, key.fencing_token), word, {})


def measure(case: DecisionCase, _at: datetime) -> MeasuredEffect:
    """How old the value was when the next one took over."""
    later = SecretVersion.objects.filter(
        key__key_id=turn.key_id(case.subject),
        number__gt=case.before["version"],
        current_at__isnull=False,
    )
    found = later.order_by("number").values_list("current_at", flat=True).first()
    since = datetime.fromisoformat(case.before["since"])
    return turn.realised(case.expected, since, found)


KINDS = (DecisionType(KIND, "Rotation of a key", ask, take_back, measure, path=turn.page),)
