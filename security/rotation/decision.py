"""What is proposed for a key that is due, and what it should bring; pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote
from uuid import UUID

from operations.decisions.decision_types import MeasuredEffect
from operations.decisions.digest import digest
from operations.decisions.draft import Draft, ExpectedEffect
from operations.decisions.states import PROPOSAL_LIFETIME

AUTOMATION = KIND = "security.rotate_keys"
METHOD = "the interval of the key's level, begun up to a tenth of it early; 1"
SUBJECT = "key "  # an alert's subject is the bare name: that a key is overdue must not stop it
LEVEL = 0.9
HORIZON = timedelta(days=2)  # by then an approved rotation has happened, its failures mended
DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Turn:
    """A key whose time has come; its value of number `version` works since `since`."""

    key_id: str
    uuid: UUID
    level: str
    version: int
    since: datetime
    eligible_at: datetime
    due_at: datetime


def draft(turn: Turn, *, mode: str, now: datetime, run: int | None) -> Draft:
    """Rotate one key; it ends the present value's age, which is what somebody could have used.

    What nobody decided expires after 14 days and is put forward anew; so it is in another mode.
    """
    age = max(0.0, (now - turn.since) / DAY)
    asked_before = max(timedelta(0), now - turn.eligible_at) // PROPOSAL_LIFETIME
    return Draft(
        automation=AUTOMATION,
        kind=KIND,
        subject=f"{SUBJECT}{turn.key_id}",
        title=f"Rotate {turn.key_id} ({turn.level}), due on {turn.due_at:%Y-%m-%d}",
        before={"version": turn.version, "since": turn.since},
        after={"version": turn.version + 1, "due": turn.due_at},
        inputs_digest=digest(
            {
                "key": str(turn.uuid),
                "version": turn.version,
                "mode": mode,
                "asked_before": asked_before,
            }
        ),
        method=METHOD,
        expected=ExpectedEffect(
            "age that the old value ends with",
            age,
            age,
            age + HORIZON / DAY,
            LEVEL,
            HORIZON,
            "days",
        ),
        run_id=run,
        change_percent=0.0,  # no figure of the business moves
        data_as_of=now,
    )


def key_id(subject: str) -> str:
    """The key that a decision is about."""
    return subject.removeprefix(SUBJECT)


def page(subject: str) -> str:
    return f"/admin/security/managedsecret/?q={quote(key_id(subject))}"


def realised(
    expected: ExpectedEffect, since: datetime, ended_at: datetime | None
) -> MeasuredEffect:
    """The age at which the old value was replaced; 0 where it still is the current one."""
    age = 0.0 if ended_at is None else (ended_at - since) / DAY
    detail = {"rotated": ended_at is not None}
    return MeasuredEffect(age, None, None, detail, inside=expected.low <= age <= expected.high)
