"""Putting rotations forward, and noting on a key that one is asked for."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

from operations.decisions import services as decisions
from operations.decisions.decision_types import Case, Kind, Realised
from security.rotation import decision as turn
from security.rotation.decision import KIND, Turn
from security.rotation.models import Key, Version
from security.rotation.services import steps as stages

Stale = decisions.Stale
State = Key.State


class Put(NamedTuple):
    """The decisions about some keys, and the keys whose rotation is asked for by now."""

    decisions: tuple[int, ...] = ()
    allowed: tuple[Key, ...] = ()


def put_forward(keys: Iterable[Key], *, mode: str, now: datetime, run: int | None = None) -> Put:
    """A decision for each key, once for its turn; in mode auto it is approved where it may be."""
    numbers, allowed = [], []
    for key in keys:
        version = stages.current(key)
        if version is None:
            continue
        draft = turn.draft(_turn(key, version), mode=mode, now=now, run=run)
        decision = decisions.propose(draft, mode=mode, now=now)
        numbers.append(decision.pk)
        if decision.status in ASKED:
            allowed.append(key)
    return Put(tuple(numbers), tuple(allowed))


ASKED = ("applied", "measured")


def _turn(key: Key, version: Version) -> Turn:
    since = version.current_at or version.created_at
    return Turn(
        key.key_id, key.uuid, key.level, version.number, since, key.starts_at, key.next_rotation_at
    )


# --- As a decision ------------------------------------------------------------------------------
def ask(case: Case) -> None:
    """Approved: the key is to be rotated; Stale where it was, or where it may not be."""
    key = _held(case)
    if key.state != State.ACTIVE:
        raise Stale(f"{key} is {key.state}: it is not rotated by itself.")
    _write(key, stages.database_now())


def take_back(case: Case) -> None:
    """Ask no more, as long as nothing has begun; Stale afterwards: a new value is out."""
    key = _held(case)
    if Version.objects.filter(key=key, state=Version.State.PENDING).exists():
        raise Stale(f"The rotation of {key} has begun.")
    _write(key, None)


def _held(case: Case) -> Key:
    """The key, locked, with the version that the decision saw."""
    name = turn.key_id(case.subject)
    key = Key.objects.select_for_update().filter(key_id=name).first()
    if key is None:
        raise Stale(f"No key is called {name!r}.")
    version = stages.current(key)
    number = version.number if version else None
    if number != case.before["version"]:
        raise Stale(f"The current version of {key} is {number}, not {case.before['version']}.")
    return key


def _write(key: Key, asked_at: datetime | None) -> None:
    Key.objects.filter(pk=key.pk).update(asked_at=asked_at)
    word = "key.asked" if asked_at else "key.not_asked"
    stages.tell(stages.Claim(key, key.fence), word, {})


def measure(case: Case, _at: datetime) -> Realised:
    """How old the value was when the next one took over."""
    later = Version.objects.filter(
        key__key_id=turn.key_id(case.subject),
        number__gt=case.before["version"],
        current_at__isnull=False,
    )
    found = later.order_by("number").values_list("current_at", flat=True).first()
    since = datetime.fromisoformat(case.before["since"])
    return turn.realised(case.expected, since, found)


KINDS = (Kind(KIND, "Rotation of a key", ask, take_back, measure, path=turn.page),)
