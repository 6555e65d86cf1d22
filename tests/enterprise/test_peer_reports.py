"""What users of other products reported about clocks and workflows, tried on ours.

Pauses lost at a new target or counted twice over a weekend, holidays and single weekdays, reminders
sent again by each sweep, work finished twice, incidents left behind by a move.
"""

from datetime import UTC, date, datetime, timedelta

import pytest

from enterprise.onboarding.models import OnboardingFlow
from enterprise.onboarding.services import flows, follow, steps
from enterprise.sla import reports, services
from enterprise.sla.business_time import add, between
from enterprise.sla.models import SlaBreach
from enterprise.sla.services import ClockStart
from enterprise.sla.timeline import (
    PAUSE,
    RESUME,
    RETARGET,
    START,
    Timeline,
    TimelineEvent,
    next_threshold_at,
    passed,
    rebased,
)
from operations.messaging.models import Destination, Message
from tests.enterprise.onboarding.conftest import ACME
from tests.enterprise.oracle import HOUR, week

OFFICE = week("09:00-17:00")


def may(day, hour=0, minute=0):
    return datetime(2027, 5, day, hour, minute, tzinfo=UTC)


def clock(start, hours, *events, calendar=OFFICE):
    found = Timeline((TimelineEvent(START, start, hours * HOUR, calendar, start),))
    for event in events:
        found = rebased(found, event)
    return found


def test_a_wait_is_kept_when_the_target_changes_meanwhile():
    """GLPI 6902: the priority rises while the ticket waits, and its wait was forgotten."""
    found = clock(
        may(3, 9), 8,
        TimelineEvent(PAUSE, may(3, 10)),
        TimelineEvent(RETARGET, may(4, 10), 2 * HOUR),
        TimelineEvent(RESUME, may(5, 9)),
    )  # fmt: skip
    assert found.elapsed(may(5, 9)) == HOUR
    assert found.due_at(may(5, 9)) == may(5, 10)


def test_a_wait_over_a_weekend_adds_no_more_than_its_open_hours():
    """GLPI 10594 and 9082: Friday to Monday counted as three days, and ended in the night."""
    found = clock(
        may(7, 9), 16, TimelineEvent(PAUSE, may(7, 16)), TimelineEvent(RESUME, may(10, 10))
    )
    assert found.due_at(may(10, 10)) == may(11, 11)


def test_a_clock_that_begins_on_a_holiday_and_waits():
    """Frappe Helpdesk 2449: the wait was added to the time of creation, on a closed day."""
    holiday = week("09:00-17:00", special={date(2027, 5, 3): ""})
    found = clock(
        may(3, 12), 4,
        TimelineEvent(PAUSE, may(3, 14)), TimelineEvent(RESUME, may(4, 10)), calendar=holiday,
    )  # fmt: skip
    assert found.elapsed(may(4, 10)) == timedelta(0)
    assert found.due_at(may(4, 10)) == may(4, 14)


@pytest.mark.parametrize("day", range(7))
def test_a_week_with_one_open_day_counts_right_whichever_it_is(day):
    """osTicket 6739: without a Monday and a Thursday nothing was counted."""
    single = week("08:00-17:00", days=[day])
    opens = may(3 + day, 8)
    assert add(single, may(3), 10 * HOUR) == opens + timedelta(days=7, hours=1)
    assert between(single, may(3), may(31)) == 4 * 9 * HOUR


@pytest.mark.parametrize(
    ("start", "end", "minutes"), [((9, 10), (9, 40), 30), ((9, 10), (10, 40), 90)]
)
def test_a_shift_that_begins_at_midnight_of_utc(start, end, minutes):
    """Odoo 18166: ten hours east of UTC the first hour of a shift counted whole."""
    brisbane = week("09:00-17:00", zone="Australia/Brisbane")
    day = datetime(2027, 5, 11, 23, tzinfo=UTC) - 9 * HOUR
    first, last = (day + h * HOUR + timedelta(minutes=m) for h, m in (start, end))
    assert between(brisbane, first, last) == timedelta(minutes=minutes)


def test_holidays_and_a_weekend_in_48_hours_of_twelve_a_day():
    """Zammad 390: from 23:00 over two holidays and a weekend, counted on fingers."""
    special = {date(2027, 5, 7): "", date(2027, 5, 9): ""}
    shop = week("09:00-21:00", days=range(7), special=special)
    assert add(shop, may(5, 23), 48 * HOUR) == may(11, 21)


def test_friday_afternoon_and_an_hour_is_monday_morning():
    """Chatwoot 13392: wall time in place of business hours."""
    assert add(OFFICE, may(7, 16, 30), HOUR) == may(10, 9, 30)


def test_a_week_without_closed_hours_loses_no_minute_at_midnight():
    """Zammad 3180: a day that was open around the clock was closed for its last minute."""
    always = week("00:00-24:00", days=range(7))
    assert between(always, may(3), may(10)) == 7 * 24 * HOUR
    assert add(always, may(3, 23), 2 * HOUR) == may(4, 1)


def test_a_warning_before_the_end_falls_into_open_hours_of_the_next_day():
    """GLPI 22678: an hour before the end was midnight, where the target reached into a new day."""
    found = clock(may(3, 17), 4, calendar=week("08:00-18:00"))
    assert found.due_at(may(3, 17)) == may(4, 11)
    assert next_threshold_at(found, [75], may(3, 17)) == may(4, 10)


def test_a_lunch_break_ends_nothing_and_counts_nothing():
    """osTicket 6847: with a closed hour at noon the end of the target was wrong."""
    office = week("09:00-13:00, 14:00-18:00")
    assert add(office, may(3, 12), 2 * HOUR) == may(3, 15)
    assert add(office, may(3, 13, 30), HOUR) == may(3, 15)
    assert between(office, may(3, 9), may(4, 9)) == 8 * HOUR


def test_a_ticket_of_the_night_counts_from_the_next_opening():
    """GLPI 687: a ticket made outside of the hours had a duration of zero."""
    found = clock(may(7, 20), 4)
    assert found.elapsed(may(10, 10)) == HOUR
    assert found.due_at(may(7, 20)) == may(10, 13)


def test_nothing_is_violated_while_the_customer_is_waited_for():
    """GLPI 24481: pending with a reason, and violated all the same."""
    found = clock(may(3, 9), 8, TimelineEvent(PAUSE, may(3, 16)))
    assert (found.due_at(may(28)), next_threshold_at(found, [100], may(28))) == (None, None)
    assert passed(found, [75, 100], may(28)) == [75]


def test_an_overdue_ticket_with_a_longer_target_is_no_longer_overdue():
    """osTicket 5160 and 686: still overdue after the plan was changed, until it was saved again."""
    found = clock(may(3, 9), 2, TimelineEvent(RETARGET, may(3, 14), 16 * HOUR))
    assert passed(found, [100], may(3, 14)) == []
    assert found.due_at(may(3, 14)) == may(4, 17)


@pytest.mark.django_db
def test_a_breach_is_told_once_however_often_the_sweep_runs():
    """GLPI 1996 and 2408: hundreds of mails after the time to resolve was over."""
    Destination.objects.create(
        name="Support", channel="email", address="help@example.org", least_severity="info"
    )
    version = reports.calendar_in_force("24/7")
    start = ClockStart("response", "ticket 1", "Answer", HOUR, version, "UTC")
    services.open_clock(start, may(3, 9))
    for minute in range(0, 600, 15):
        services.record_due(may(3, 9) + timedelta(minutes=minute))
    assert SlaBreach.objects.count() == 4
    assert Message.objects.count() == 3  # 90 and 100 % were found together: the highest is sent


@pytest.mark.django_db
def test_a_clock_that_was_met_and_is_opened_late_has_not_failed():
    """ERPNext 28550: closed in time, opened again much later, and at once failed."""
    version = reports.calendar_in_force("24/7")
    made = services.open_clock(
        ClockStart("response", "ticket 1", "Answer", HOUR, version, "UTC"), may(3, 9)
    )
    services.stop_clock(made.pk, may(3, 9, 30))
    again = services.reopen_clock(made.pk, may(30, 9))
    assert (again.outcome, again.due_at) == ("open", may(30, 10))


@pytest.mark.django_db
def test_a_customer_who_stays_silent_makes_nothing_overdue():
    """osTicket 1684: answered, the customer disappears, and the ticket is overdue."""
    made = flows.create(ACME, may(3, 9))
    steps.complete(made.pk, "account_creation", may(3, 9))
    steps.move(made.pk, "documentation_access", "start", may(3, 9))
    steps.move(made.pk, "documentation_access", "wait", may(3, 9))
    OnboardingFlow.objects.get().steps.exclude(name="documentation_access").update(due_at=None)
    assert follow.escalate(may(28, 9)) == 0
