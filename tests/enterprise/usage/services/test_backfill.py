"""A backfill is previewed, applied if nothing changed since, and reverted row by row."""

import random
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine

from aethercrown.history.attribution import acting
from aethercrown.transitions import InvalidTransition
from enterprise.usage.models import (
    EventKey,
    UsageAdjustment,
    UsageAlert,
    UsageBackfill,
    UsageDay,
    UsageEvent,
    UsageHour,
    UsageMetric,
    UsagePolicy,
)
from enterprise.usage.reports import levels, rollups
from enterprise.usage.reports.backfills import BackfillRange, CurrentBill
from enterprise.usage.services import backfill, backfill_preview, booking, thresholds
from enterprise.usage.services.backfill import InvalidRange, PreviewOutdated, RowsDeleted
from enterprise.usage.services.backfill_preview import ClientEffect
from operations.decisions import services as decisions
from operations.decisions.models import Decision, FourEyesRule
from revenue.billing.models import DailyUse
from revenue.customers.models import Customer
from tests.enterprise.usage.conftest import (
    CALLS,
    HOUR,
    NOW,
    SEATS,
    days,
    event,
    limit,
    read,
    total,
    track,
)

pytestmark = pytest.mark.django_db
OLD = NOW - timedelta(days=60)
MORNING = NOW.replace(hour=9)


@pytest.fixture(autouse=True)
def clock():
    """Decisions are applied at the time of the process's clock."""
    with time_machine.travel(NOW, tick=False):
        yield


def preview(*events, replaced=None):
    return backfill.preview(list(events), replaced, by="ada", now=NOW)


def apply(row):
    return backfill.apply(row.pk, row.digest, by="ben", now=NOW)


def revert(row):
    return backfill.revert(row.pk, by="cleo", now=NOW)


def the_hour():
    return BackfillRange("acme", CALLS, MORNING, MORNING + HOUR)


def test_the_worked_replacement(client_row, calls):
    track(*(event(f"e{place}", 40, MORNING + timedelta(minutes=place)) for place in range(3)))
    new = [event("n1", 100, MORNING), event("n2", 50, MORNING)]
    row = preview(*new, replaced=the_hour())
    (day,) = row.preview["days"]
    assert (day["before"], day["after"], day["difference"]) == (120, 150, 30)
    assert total() == 120
    apply(row)
    assert total() == 150
    assert UsageEvent.objects.filter(backfill=row, source="backfill").count() == 3
    assert UsageHour.objects.get().count == 2
    revert(row)
    assert total() == 120
    assert UsageEvent.objects.filter(backfill=row).count() == 10
    assert UsageHour.objects.get().count == 3
    assert list(rollups.differences([MORNING])) == []
    with pytest.raises(InvalidTransition):
        revert(row)


def test_older_use_is_added_and_closed_periods_are_named(client_row, calls):
    row = preview(event("o1", 7, OLD), event("o2", -1, OLD), event("o1", 8, OLD))
    found = row.preview
    assert (found["accepted"], found["rejected"], found["conflict"]) == (1, 1, 1)
    assert [each["row"] for each in found["items"]] == [2, 3]
    assert found["closed_periods"][0]["period_start"] == "2027-01-01"
    assert not UsageEvent.objects.exists()
    assert not EventKey.objects.exists()
    applied = apply(row)
    assert (applied.state, applied.applied_by) == ("applied", "ben")
    assert days() == {("acme", CALLS, "2027-01-19"): 7}
    assert UsageAdjustment.objects.get().backfill == row


def test_what_would_be_billed_for_closed_periods_is_shown(client_row, calls):
    row = preview(event("o1", 7, OLD))
    (money,) = row.preview["adjustments"]
    assert (money["customer"], money["amount"]) == (client_row.pk, 0)
    assert not DailyUse.objects.exists()


def test_alerts_that_it_would_raise_are_shown(client_row, calls):
    limit(client_row, calls, 100, OLD)
    row = preview(event("e1", 90, NOW - HOUR))
    assert [each["threshold"] for each in row.preview["alerts"]] == [80]
    assert not UsageAlert.objects.exists()
    apply(row)
    assert thresholds.evaluate_dirty(NOW) == 1
    assert UsageAlert.objects.count() == 1


def test_a_preview_that_is_out_of_date_is_not_applied(client_row, calls):
    row = preview(event("o1", 7, MORNING))
    track(event("e1", 1, MORNING))
    with pytest.raises(PreviewOutdated):
        apply(row)
    assert total() == 1
    again = preview(event("o1", 7, MORNING))
    apply(again)
    with pytest.raises(InvalidTransition):
        apply(again)
    with pytest.raises(InvalidTransition):
        revert(row)


def test_an_event_that_is_stored_is_a_duplicate_also_long_after(client_row, calls):
    track(event("e1", 7, MORNING))
    EventKey.objects.all().delete()  # its claim has expired
    row = preview(event("e1", 7, MORNING), event("e1", 8, MORNING))
    assert (row.preview["duplicate"], row.preview["conflict"]) == (1, 1)


def test_a_replacement_keeps_what_is_sent_again_and_refuses_what_is_outside(client_row, calls):
    track(event("e1", 40, MORNING), event("e2", 50, MORNING))
    row = preview(
        event("e1", 40, MORNING),
        event("n1", 1, MORNING + HOUR),
        event("n2", 1, MORNING, client="other"),
        event("n3", 1, MORNING, metric="widgets"),
        replaced=the_hour(),
    )
    assert (row.preview["duplicate"], row.preview["rejected"], row.preview["voided"]) == (1, 3, 1)
    apply(row)
    assert total() == 40


@pytest.mark.parametrize(
    ("replaced", "code"),
    [
        (BackfillRange("acme", CALLS, MORNING, MORNING), "min_value"),
        (BackfillRange("acme", CALLS, MORNING + HOUR, MORNING), "min_value"),
        (BackfillRange("nobody", CALLS, MORNING, MORNING + HOUR), "unknown_client"),
        (BackfillRange("acme", "widgets", MORNING, MORNING + HOUR), "unknown_metric"),
    ],
)
def test_a_range_that_is_none_is_refused(client_row, calls, replaced, code):
    with pytest.raises(InvalidRange) as raised:
        preview(event("e1", 1, MORNING), replaced=replaced)
    assert [each.code for each in raised.value.problems] == [code]


def test_a_range_with_too_many_events_is_refused(client_row, calls):
    track(event("e1", 1, MORNING), event("e2", 1, MORNING))
    with pytest.raises(InvalidRange, match="more than 1 events"):
        backfill.preview([event("n1", 1, MORNING)], the_hour(), by="ada", now=NOW, most=1)


def test_a_late_event_in_its_range_is_left_by_the_revert(client_row, calls):
    row = apply(preview(event("o1", 7, MORNING)))
    track(event("e1", 5, MORNING))
    revert(row)
    assert total() == 5


def test_the_latest_reading_is_looked_for_again(client_row, seats):
    read({SEATS: 40}, MORNING)
    row = apply(preview(event("g1", 60, MORNING + HOUR, metric=SEATS)))
    assert UsageDay.objects.get().last == 60
    revert(row)
    assert (UsageDay.objects.get().last, UsageHour.objects.get().last) == (40, 40)
    assert list(rollups.differences([MORNING, MORNING + HOUR])) == []


def test_a_booked_day_is_corrected_by_a_backfill_and_by_its_revert(client_row, calls):
    yesterday = NOW - timedelta(days=1)
    track(event("e1", 5, yesterday))
    assert booking.book_closed_days(NOW) == (1, [])
    row = apply(preview(event("o1", 7, yesterday)))
    assert booking.book_closed_days(NOW) == (1, [])
    revert(row)
    assert booking.book_closed_days(NOW) == (1, [])
    found = DailyUse.objects.order_by("pk").values_list("quantity", "is_correction")
    assert list(found) == [
        (Decimal(5), False),
        (Decimal(7), True),
        (Decimal(-7), True),
    ]


def test_backfills_reverted_in_any_order_leave_nothing(client_row, calls):
    draw = random.Random(5)  # noqa: S311 - a test's choice
    track(*(event(f"e{place}", place + 1, MORNING + place * HOUR / 2) for place in range(4)))
    before = (
        days(),
        list(UsageHour.objects.order_by("hour").values_list("hour", "quantity", "count")),
    )
    rows = []
    for place in range(6):
        new = [event(f"n{place}-{each}", draw.randint(1, 9), MORNING) for each in range(2)]
        replaced = the_hour() if place % 2 else None
        rows.append(apply(preview(*new, replaced=replaced)))
    draw.shuffle(rows)
    for row in rows:
        revert(row)
    after = (
        days(),
        list(UsageHour.objects.order_by("hour").values_list("hour", "quantity", "count")),
    )
    assert after == before
    assert UsageBackfill.objects.filter(state="reverted").count() == 6


def test_exact_decimals_survive_the_stored_input(client_row, calls):
    row = preview(event("o1", Decimal("0.000001"), MORNING), "no event")
    assert row.preview["rejected"] == 1
    apply(UsageBackfill.objects.get(pk=row.pk))
    assert total() == Decimal("0.000001")


def test_a_preview_creates_nothing_and_names_what_applying_would_create(db):
    row = preview(event("o1", 7, OLD, client="new", metric="widgets"))
    (day,) = row.preview["days"]
    assert (day["customer"], day["client_id"], day["metric"]) == (None, "new", "widgets")
    assert not Customer.objects.exists()
    assert not UsageMetric.objects.exists()
    apply(row)
    assert days() == {("new", "widgets", "2027-01-19"): 7}


def test_reverted_ids_may_be_sent_again(client_row, calls):
    revert(apply(preview(event("o1", 7, MORNING))))
    track(event("o1", 9, MORNING))
    assert total() == 9
    revert(apply(preview(event("o2", 7, MORNING))))
    assert preview(event("o2", 4, MORNING)).preview["accepted"] == 1


def test_an_event_that_was_replaced_counts_again_once_a_replacement_has_it(client_row, calls):
    track(event("e1", 40, MORNING))
    apply(preview(event("n1", 1, MORNING), replaced=the_hour()))
    assert total() == 1
    row = preview(event("e1", 40, MORNING), replaced=the_hour())
    assert (row.preview["accepted"], row.preview["voided"]) == (1, 1)
    revert(apply(row))
    assert total() == 1


def test_ids_of_two_sources_are_taken_out_of_their_own_hours(client_row, calls):
    later = MORNING + HOUR
    track(event("e1", 40, MORNING), event("e1", 50, later, source="crm"))
    whole = BackfillRange("acme", CALLS, MORNING, later + HOUR)
    row = apply(preview(event("n1", 1, MORNING), replaced=whole))
    hours: Any = UsageHour.objects.order_by("hour").values_list("quantity", "count")
    assert list(hours) == [(1, 1), (0, 0)]
    revert(row)
    assert list(hours.all()) == [(40, 1), (50, 1)]


def test_a_revert_counts_in_the_days_of_the_rows_also_after_a_move(client_row, calls):
    evening = MORNING.replace(hour=23) - timedelta(days=1)
    track(event("e1", 5, evening))
    row = apply(preview(event("o1", 7, evening)))
    Customer.objects.update(time_zone="Asia/Tokyo")
    revert(row)
    assert days() == {("acme", CALLS, "2027-03-19"): 5}


def test_an_id_taken_meanwhile_on_another_day_makes_the_preview_outdated(client_row, calls):
    row = preview(event("o1", 7, OLD))
    track(event("o1", 7, MORNING))
    with pytest.raises(PreviewOutdated, match="has changed since"):
        apply(row)
    assert Decision.objects.get().verdict == Decision.Verdict.STALE
    with pytest.raises(InvalidTransition):
        apply(row)


def test_what_is_older_than_the_kept_events_is_refused(client_row, calls):
    UsagePolicy.objects.create(pk=1, raw_months=2)
    row = preview(event("o1", 7, NOW - timedelta(days=100)))
    assert "from which events are kept" in row.preview["items"][0]["reason"]


def test_a_backfill_whose_events_were_deleted_is_not_reverted_in_part(client_row, calls):
    row = apply(preview(event("o1", 7, OLD), event("o2", 8, MORNING)))
    UsageEvent.objects.filter(event_id="o1").delete()
    with pytest.raises(RowsDeleted):
        revert(row)
    assert UsageBackfill.objects.get().state == "applied"


def test_a_gauge_day_that_was_booked_has_the_reading_before_it_after_the_revert(client_row, seats):
    yesterday = NOW - timedelta(days=1)
    read({SEATS: 40}, yesterday - timedelta(days=1))
    row = apply(preview(event("g1", 60, yesterday, metric=SEATS)))
    booking.book_closed_days(NOW)
    revert(row)
    booking.book_closed_days(NOW)
    found: Any = DailyUse.objects.order_by("pk").values_list("day", "quantity")
    assert [(each[0].day, each[1]) for each in found] == [(18, 40), (19, 60), (19, -20)]


def test_apply_and_revert_are_a_decision_that_is_measured(client_row, calls):
    row = apply(preview(event("o1", 7, MORNING)))
    decision = Decision.objects.get(kind="usage_backfill")
    assert (decision.status, decision.actor, decision.subject) == (
        "applied", "ben", f"backfill {row.pk}",
    )  # fmt: skip
    assert decision.after == {"api_calls of acme, 2027-03-20": 7}
    assert decisions.measure_due(NOW) == 1
    decisions.roll_back(decision.pk, actor="dora", now=NOW)
    row.refresh_from_db()
    assert (row.state, total()) == ("reverted", 0)


def test_where_four_eyes_are_demanded_another_person_applies_it(client_row, calls):
    FourEyesRule.objects.create(kind="usage_backfill", is_on=True)
    with acting("ada"):
        row = preview(event("o1", 7, MORNING))
    with pytest.raises(InvalidTransition):
        backfill.apply(row.pk, row.digest, by="ada", now=NOW)
    assert apply(row).state == "applied"


def test_the_values_of_a_unique_metric_are_previewed_and_taken_out(client_row, users):
    track(event("e1", 1, MORNING, metric=users.code, value="ann"))
    new = [
        event("o1", 1, MORNING, metric=users.code, value="bob"),
        event("o2", 1, MORNING, metric=users.code, value="ann"),
        event("o3", 1, MORNING, metric=users.code),
    ]
    row = preview(*new)
    (day,) = row.preview["days"]
    assert (day["before"], day["after"], row.preview["rejected"]) == (1, 2, 1)
    limit(client_row, users, 2, OLD)
    apply(row)
    (level,) = levels.levels_of([client_row.pk], NOW)[client_row.pk]
    assert level.used == 2
    revert(row)
    (level,) = levels.levels_of([client_row.pk], NOW)[client_row.pk]
    assert level.used == 1


def test_an_alert_of_a_gauge_is_previewed(client_row, seats):
    limit(client_row, seats, 100, OLD)
    read({SEATS: 40}, MORNING)
    row = preview(event("g1", 90, MORNING + HOUR, metric=SEATS))
    (day,) = row.preview["days"]
    assert (day["before"], day["after"]) == (40, 90)
    assert [each["threshold"] for each in row.preview["alerts"]] == [80]
    later = preview(
        event("g2", 10, MORNING, metric=SEATS),
        replaced=BackfillRange("acme", SEATS, MORNING, MORNING + HOUR),
    )
    assert later.preview["days"][0]["after"] == 10


def test_what_cannot_be_priced_is_null_with_the_reason():
    unknown = CurrentBill("", None, "No prices are published.")
    found = backfill_preview.adjustment(7, "acme", ClientEffect([], unknown, unknown))
    assert (found["amount"], found["reason"]) == (None, "No prices are published.")
