"""When mail goes out: consent, suppression, quiet hours across clock changes, and caps."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from operations.messaging.outside.sending_times import (
    ConsentState,
    RecipientFacts,
    SendingLimits,
    SuppressionScope,
    next_allowed,
    verdict,
)

NOON = datetime(2026, 6, 10, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
BERLIN = ZoneInfo("Europe/Berlin")
KNOWN = RecipientFacts(ConsentState.GIVEN, SuppressionScope.NONE, UTC)
OPEN = SendingLimits()
NIGHT = SendingLimits(quiet_from=time(20), quiet_until=time(8))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("facts", "limits", "reason"),
    [
        ({"unwanted": "It was paid."}, {}, "It was paid."),
        ({"suppression": SuppressionScope.ALL}, {}, "Nothing is sent to this address."),
        (
            {"suppression": SuppressionScope.MARKETING},
            {"is_marketing": True},
            "The recipient unsubscribed.",
        ),
        ({"suppression": SuppressionScope.MARKETING}, {}, ""),
        (
            {"consent": ConsentState.UNKNOWN},
            {"needs_consent": True},
            "The recipient has not agreed to such mail.",
        ),
        ({"consent": ConsentState.UNKNOWN}, {}, ""),
        ({}, {"needs_consent": True, "is_marketing": True}, ""),
    ],
)
def test_what_may_not_go_out_does_not_wait_either(facts, limits, reason):
    found = verdict(NOON, replace(KNOWN, **facts), replace(OPEN, **limits))
    assert (found.reason, found.until, found.is_go) == (reason, None, not reason)


@pytest.mark.parametrize(
    ("now", "zone", "until"),
    [
        ("2026-06-10T21:30", UTC, "2026-06-11T08:00"),
        ("2026-06-10T03:00", UTC, "2026-06-10T08:00"),
        ("2026-06-10T19:00", BERLIN, "2026-06-11T06:00"),  # 21:00 there
        ("2026-06-10T20:00", UTC, "2026-06-11T08:00"),
    ],
)
def test_quiet_hours_hold_a_mail_until_their_end_in_the_recipients_zone(now, zone, until):
    found = verdict(at(now), replace(KNOWN, zone=zone), NIGHT)
    assert (found.reason, found.until) == ("quiet hours", at(until))


@pytest.mark.parametrize("now", ["2026-06-10T08:00", "2026-06-10T19:59"])
def test_outside_quiet_hours_it_goes(now):
    assert verdict(at(now), KNOWN, NIGHT).is_go


def test_quiet_hours_within_one_day():
    lunch = SendingLimits(quiet_from=time(12), quiet_until=time(14))
    assert verdict(NOON, KNOWN, lunch).until == NOON + 2 * HOUR
    assert verdict(NOON + 2 * HOUR, KNOWN, lunch).is_go


@pytest.mark.parametrize(
    ("now", "ends", "until"),
    [
        # 29 March 2026: 02:00 becomes 03:00, so 02:30 does not exist; the first instant after it
        ("2026-03-29T00:10", time(2, 30), "2026-03-29T01:00"),
        # 25 October 2026: 03:00 becomes 02:00, so 02:30 comes twice; the first
        ("2026-10-24T23:30", time(2, 30), "2026-10-25T00:30"),
    ],
)
def test_an_end_that_clocks_skip_or_repeat(now, ends, until):
    limits = SendingLimits(quiet_from=time(0, 30), quiet_until=ends)
    assert verdict(at(now), replace(KNOWN, zone=BERLIN), limits).until == at(until)


def test_a_cap_holds_until_the_oldest_that_counts_is_past():
    limits = SendingLimits(most_a_day=1, most_a_week=2)
    one = replace(KNOWN, sent=[NOON - 3 * HOUR])
    assert verdict(NOON, one, limits).until == NOON + 21 * HOUR
    assert verdict(NOON, one, limits).reason == "frequency cap"
    two = replace(KNOWN, sent=[NOON - 2 * DAY, NOON - 6 * DAY])
    assert verdict(NOON, two, limits).until == NOON + DAY
    assert verdict(NOON + DAY, two, limits).is_go


def test_after_a_cap_come_quiet_hours():
    limits = replace(NIGHT, most_a_day=1)
    found = verdict(NOON, replace(KNOWN, sent=[at("2026-06-10T02:00")]), limits)
    assert (found.reason, found.until) == ("frequency cap", at("2026-06-11T08:00"))


def test_what_would_wait_too_long_is_not_sent():
    limits = SendingLimits(most_a_week=1, longest_wait=72 * HOUR)
    found = verdict(NOON, replace(KNOWN, sent=[NOON - HOUR]), limits)
    assert found.until is None
    assert "longer than 72 hours" in found.reason
    since = replace(KNOWN, sent=[NOON - 6 * DAY], waits_since=NOON - 60 * HOUR)
    assert "expired" in verdict(NOON, since, limits).reason
    assert verdict(NOON, replace(since, waits_since=None), limits).until == NOON + DAY


hours = st.integers(0, 23).map(time)
moments = st.integers(0, 14 * 24 * 60).map(
    lambda minutes: NOON - DAY * 7 + timedelta(minutes=minutes)
)


@given(hours, hours, st.lists(moments, max_size=6), moments, st.sampled_from([1, 2, None]))
def test_the_allowed_moment_is_allowed(begins, ends, sent, now, most):
    limits = SendingLimits(
        quiet_from=begins, quiet_until=ends, most_a_day=most, most_a_week=3, longest_wait=99 * DAY
    )
    facts = replace(KNOWN, zone=BERLIN, sent=[each for each in sent if each <= now])
    _, allowed = next_allowed(now, facts, limits)
    assert allowed >= now
    assert next_allowed(allowed, facts, limits) == ("", allowed)
