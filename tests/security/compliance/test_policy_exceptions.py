from datetime import UTC, datetime, timedelta

import pytest

from security.compliance.policy_exceptions import KeySummary, VersionSummary, of_keys, of_versions

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
KEY = KeySummary("a", "high", "active", NOON + DAY, 0, "")
VERSION = VersionSummary("a", 1, "retired", NOON - 50 * DAY, NOON - DAY, None, 60 * DAY)


def kinds(found):
    return [each.kind for each in found]


def test_a_key_in_time_and_its_versions_are_no_exception():
    assert kinds(of_keys([KEY], NOON)) == []
    assert kinds(of_versions([VERSION], NOON)) == []


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"due_at": NOON}, ["overdue"]),
        ({"due_at": NOON, "state": "revoked"}, []),
        ({"state": "paused"}, ["paused"]),
        ({"state": "failed", "due_at": NOON - DAY}, ["overdue", "no value"]),
        ({"fail_count": 2, "last_error": "refused"}, ["failing"]),
    ],
)
def test_what_is_wrong_with_a_key_is_named(change, found):
    assert kinds(of_keys([KEY._replace(**change)], NOON)) == found


@pytest.mark.parametrize(
    ("change", "found"),
    [
        ({"state": "compromised"}, ["compromised"]),
        ({"state": "failed", "current_at": None}, ["failed"]),
        ({"extended_at": NOON}, ["extended"]),
        ({"interval": 40 * DAY}, ["current too long"]),
        ({"replaced_at": None}, []),
        ({"replaced_at": None, "interval": 40 * DAY}, ["current too long"]),
    ],
)
def test_what_is_wrong_with_a_version_is_named(change, found):
    assert kinds(of_versions([VERSION._replace(**change)], NOON)) == found


def test_an_exception_says_the_numbers():
    (late,) = of_keys([KEY._replace(due_at=NOON - 3 * DAY)], NOON)
    assert late.message == "high, due for 3 days."
    (kept,) = of_versions([VERSION._replace(interval=30 * DAY)], NOON)
    assert kept.message == "Current for 49 days; the interval is 30."
