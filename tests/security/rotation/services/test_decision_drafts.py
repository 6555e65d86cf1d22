from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.services import decisions
from security.rotation.services.decisions import DAY

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
KEY = ManagedSecret(key_id="billing", uuid=UUID(int=7), level="high",
                    eligible_at=NOON - DAY, due_at=NOON + 2 * DAY)  # fmt: skip
VERSION = SecretVersion(key=KEY, number=3, current_at=NOON - 58 * DAY)


def made(*, mode="propose", now=NOON):
    return decisions.draft_rotation(KEY, VERSION, mode=mode, now=now, run=5)


def test_a_draft_names_the_rotation_and_the_age_of_the_old_value():
    draft = made()
    assert draft.subject == "key billing"
    assert draft.title == "Rotate billing (high), due on 3 Mar 2026"
    assert draft.before == {"version": 3, "since": NOON - 58 * DAY}
    assert draft.after == {"version": 4, "due": NOON + 2 * DAY}
    expected = draft.expected
    assert (expected.estimate, expected.low, expected.high) == (58.0, 58.0, 60.0)
    assert (draft.run_id, draft.change_percent, draft.data_as_of) == (5, 0.0, NOON)


def test_a_rotation_is_proposed_once_per_mode_until_it_expires():
    digest = made().inputs_digest
    assert made(now=NOON + 12 * DAY).inputs_digest == digest
    assert made(now=NOON + 14 * DAY).inputs_digest != digest
    assert made(mode="auto").inputs_digest != digest


def test_a_clock_set_back_gives_no_negative_age():
    draft = made(now=NOON - 90 * DAY)
    assert draft.expected.estimate == 0.0
    assert draft.inputs_digest == made().inputs_digest


@pytest.mark.parametrize(
    ("ended", "age", "inside"),
    [(59, 59.0, True), (61, 61.0, False), (None, 60.0, False)],
)
def test_the_measured_effect_is_the_age_at_which_the_old_value_ended(ended, age, inside):
    since = NOON - 58 * DAY
    at = None if ended is None else since + timedelta(days=ended)
    found = decisions.measured_effect(made().expected, since, at, since + timedelta(days=60))
    assert (found.value, found.inside, found.detail) == (
        age,
        inside,
        {"rotated": ended is not None},
    )


def test_the_page_of_a_decision_is_the_key_in_the_admin():
    assert decisions.admin_path("key a:b@c") == "/admin/security/managedsecret/?q=a%3Ab%40c"
