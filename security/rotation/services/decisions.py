"""Rotations as decisions: propose them, and apply, undo and measure the approved ones."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple
from urllib.parse import quote

from aethercrown.formatting import date_text
from aethercrown.transitions import InvalidTransition
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect
from operations.decisions.states import PROPOSAL_LIFETIME
from security.rotation import reports
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.services import steps

AUTOMATION = DECISION_TYPE = steps.DECISION_TYPE
EFFECT = "age that the old value ends with"
METHOD = "the interval of the key's level, started up to a tenth of it early; 1"
SUBJECT_PREFIX = steps.SUBJECT_PREFIX
CONFIDENCE_LEVEL = 0.9
HORIZON = timedelta(days=2)  # an approved rotation is done by then, retries included
DAY = timedelta(days=1)
SAME_MOMENT = timedelta(seconds=1)  # a decision keeps its times to a thousandth of a second
PROPOSE = "propose"
State = ManagedSecret.State
APPROVED_STATUSES = ("approved", "applied", "measured")


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
        draft = draft_rotation(key, version, mode=mode, now=now, run=run)
        decision = decisions.propose(draft, mode=mode, now=now)
        ids.append(decision.pk)
        if decision.status in APPROVED_STATUSES:
            approved.append(key)
    return Proposed(tuple(ids), tuple(approved))


def draft_rotation(
    key: ManagedSecret, version: SecretVersion, *, mode: str, now: datetime, run: int | None
) -> Draft:
    """The proposal to rotate one key; its effect is the age at which the old value ends.

    A proposal that expired after 14 days without a decision is proposed again, and so is one
    in another mode: both are part of the digest of the inputs.
    """
    since = version.current_at or version.created_at
    age = max(0.0, (now - since) / DAY)
    expired_before = max(timedelta(0), now - key.eligible_at) // PROPOSAL_LIFETIME
    inputs = {
        "key": str(key.uuid),
        "version": version.number,
        "mode": mode,
        "expired_before": expired_before,
    }
    oldest = age + HORIZON / DAY
    return Draft(
        automation=AUTOMATION,
        kind=DECISION_TYPE,
        subject=steps.decision_subject(key),
        title=f"Rotate {key} ({key.level}), due on {date_text(key.due_at)}",
        before={"version": version.number, "since": since},
        after={"version": version.number + 1, "due": key.due_at},
        inputs_digest=digest(inputs),
        method=METHOD,
        expected=ExpectedEffect(EFFECT, age, age, oldest, CONFIDENCE_LEVEL, HORIZON, "days"),
        run_id=run,
        change_percent=0.0,  # a rotation changes no business figure
        data_as_of=now,
    )


# --- The decision type --------------------------------------------------------------------------
def apply(case: DecisionCase) -> None:
    """Mark the key for rotation. Raises Stale if it was rotated since, or is not active.

    Where four eyes are demanded, one that a person rotates is marked too: it may be rotated now.

    Raises InvalidTransition if nobody would get the new value: then a person rotates it.
    """
    key = _locked_key(case)
    by_hand = not reports.may_rotate_itself(key)
    if by_hand and not decisions.needs_four_eyes(DECISION_TYPE):
        raise InvalidTransition(
            f"{key} has no delivery channel that was tested: press Rotate now on its page, and "
            "pass the new value on."
        )
    if key.state != State.ACTIVE:
        raise Stale(f"{key} is {key.state}: it is not rotated automatically.")
    steps.note_approval(key, steps.database_now())


def undo(case: DecisionCase) -> None:
    """Remove the mark. Raises Stale once the rotation has begun."""
    key = _locked_key(case)
    if steps.pending_version(key) is not None:
        raise Stale(f"The rotation of {key} has begun.")
    steps.note_approval(key, None)


def _locked_key(case: DecisionCase) -> ManagedSecret:
    """The key, locked. Raises Stale if its current version is not the decision's.

    The name of a revoked key is free: another that has it now has another first moment.
    """
    name = key_id(case.subject)
    live = ManagedSecret.objects.filter(key_id=name, state__in=reports.LIVE_STATES)
    key = live.select_for_update().first()
    if key is None:
        raise Stale(f"No key is called {name!r}.")
    version = steps.current_version(key)
    number = version.number if version else None
    if number != case.before["version"]:
        raise Stale(f"The current version of {key} is {number}, not {case.before['version']}.")
    if version and not _began_at(version, case):
        raise Stale(f"{key} was revoked since; another key has its name now.")
    return key


def _began_at(version: SecretVersion, case: DecisionCase) -> bool:
    """Whether it is the version that was current when the decision was proposed."""
    since = datetime.fromisoformat(case.before["since"])
    return abs((version.current_at or version.created_at) - since) < SAME_MOMENT


def measure(case: DecisionCase, at: datetime) -> MeasuredEffect:
    """The age of the old value when it was replaced, or `at`, if it was not."""
    named = SecretVersion.objects.filter(key__key_id=key_id(case.subject))
    same = named.filter(number=case.before["version"]).select_related("key")
    keys = {each.key for each in same if _began_at(each, case)}
    later = named.filter(key__in=keys, number__gt=case.before["version"], current_at__isnull=False)
    replaced_at = later.order_by("number").values_list("current_at", flat=True).first()
    since = datetime.fromisoformat(case.before["since"])
    return measured_effect(case.expected, since, replaced_at, at)


def key_id(subject: str) -> str:
    """The key that a decision is about."""
    return subject.removeprefix(SUBJECT_PREFIX)


def admin_path(subject: str) -> str:
    return f"/admin/security/managedsecret/?q={quote(key_id(subject))}"


def measured_effect(
    expected: ExpectedEffect, since: datetime, replaced_at: datetime | None, at: datetime
) -> MeasuredEffect:
    """The age in days at which the old value was replaced; `at` and not inside if it was not."""
    age = ((replaced_at or at) - since) / DAY
    is_rotated = replaced_at is not None
    inside = is_rotated and expected.low <= age <= expected.high
    return MeasuredEffect(age, None, None, {"rotated": is_rotated}, inside=inside)


KEY_ROTATION = DecisionType(
    DECISION_TYPE, "Rotation of a key", apply, undo, measure, path=admin_path, is_deferred=True
)
