"""The decision proposed for a key that is due, and its expected and measured effect. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from operations.decisions.decision_types import MeasuredEffect
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect
from operations.decisions.states import PROPOSAL_LIFETIME

AUTOMATION = DECISION_TYPE = "security.rotate_keys"
METHOD = "the interval of the key's level, started up to a tenth of it early; 1"
# An alert's subject is the key's name alone; another subject here keeps the alert "overdue" from
# blocking the rotation that would resolve it.
SUBJECT_PREFIX = "key "
CONFIDENCE_LEVEL = 0.9
HORIZON = timedelta(days=2)  # an approved rotation is done by then, retries included
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class DueRotation:
    """A key that is due; its version `version` has been current since `since`."""

    key_id: str
    uuid: UUID
    level: str
    version: int
    since: datetime
    eligible_at: datetime
    due_at: datetime


def draft(due: DueRotation, *, mode: str, now: datetime, run: int | None) -> Draft:
    """The proposal to rotate one key; its effect is the age at which the old value ends.

    A proposal that expired after 14 days without a decision is proposed again, and so is one
    in another mode: both are part of the digest of the inputs.
    """
    age = max(0.0, (now - due.since) / DAY)
    expired_before = max(timedelta(0), now - due.eligible_at) // PROPOSAL_LIFETIME
    inputs = {
        "key": str(due.uuid),
        "version": due.version,
        "mode": mode,
        "expired_before": expired_before,
    }
    return Draft(
        automation=AUTOMATION,
        kind=DECISION_TYPE,
        subject=f"{SUBJECT_PREFIX}{due.key_id}",
        title=f"Rotate {due.key_id} ({due.level}), due on {due.due_at:%Y-%m-%d}",
        before={"version": due.version, "since": due.since},
        after={"version": due.version + 1, "due": due.due_at},
        inputs_digest=digest(inputs),
        method=METHOD,
        expected=ExpectedEffect(
            "age that the old value ends with",
            age,
            age,
            age + HORIZON / DAY,
            CONFIDENCE_LEVEL,
            HORIZON,
            "days",
        ),
        run_id=run,
        change_percent=0.0,  # a rotation changes no business figure
        data_as_of=now,
    )


def key_id(subject: str) -> str:
    """The key that a decision is about."""
    return subject.removeprefix(SUBJECT_PREFIX)


def admin_path(subject: str) -> str:
    return f"/admin/security/managedsecret/?q={quote(key_id(subject))}"


def measured_effect(
    expected: ExpectedEffect, since: datetime, replaced_at: datetime | None
) -> MeasuredEffect:
    """The age in days at which the old value was replaced; 0 if it is still current."""
    age = 0.0 if replaced_at is None else (replaced_at - since) / DAY
    detail = {"rotated": replaced_at is not None}
    return MeasuredEffect(age, None, None, detail, inside=expected.low <= age <= expected.high)
