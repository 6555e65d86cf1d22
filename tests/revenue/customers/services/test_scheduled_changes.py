"""What is agreed ahead is recorded on its day, or refused aloud; an end ends what is scheduled."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps

from aethercrown.transitions import InvalidTransition
from revenue.customers import reports, services
from revenue.customers.models import ScheduledChange
from revenue.customers.services import InvalidEntry
from revenue.pricing.seeding import seed_default_book
from tests.revenue.customers.conftest import NOW

MARCH_1, APRIL_1, MAY_1 = (date(2026, month, 1) for month in (3, 4, 5))
ON_APRIL_1 = datetime(2026, 4, 1, 2, 10, tzinfo=UTC)


@pytest.fixture
def running(subscribe):
    return subscribe(MARCH_1, "100", plan="pro", quantity=2)


def schedule(subscription, on=APRIL_1, **terms):
    return services.schedule_change(subscription.pk, on=on, by="user:ada", now=NOW, **terms)


def fresh(row):
    row.refresh_from_db()
    return row


def test_a_change_is_recorded_on_its_day_and_what_it_does_not_name_stays(running):
    row = schedule(running, quantity=3, note="As agreed.")
    assert (str(row), row.words) == ("change on 1 Apr 2026", "quantity 3")
    assert services.record_due_changes(now=NOW).recorded == 0
    services.change(running.pk, on=date(2026, 3, 10), now=NOW, amount=Decimal(120))
    assert services.record_due_changes(now=ON_APRIL_1).recorded == 1
    assert services.record_due_changes(now=ON_APRIL_1).recorded == 0
    assert (fresh(running).quantity, running.price, running.amount) == (3, 120, 360)
    made = running.changes.latest("on")
    assert (made.on, made.note, made.recorded_by) == (APRIL_1, "As agreed.", "user:ada")
    assert fresh(row).state == "recorded"
    with pytest.raises(InvalidTransition, match="is recorded"):
        services.cancel_scheduled(row.pk, by="user:bob", now=NOW)


def test_a_late_run_records_it_on_its_day_beside_what_was_recorded_for_it(running):
    schedule(running, price=Decimal(1200), interval="year")
    late = datetime(2026, 4, 5, tzinfo=UTC)
    services.change(running.pk, on=APRIL_1, now=late, quantity=1)
    assert services.record_due_changes(now=late).recorded == 1
    assert (fresh(running).interval, running.price, running.quantity) == ("year", 1200, 1)
    assert running.changes.latest("on", "pk").on == APRIL_1


@pytest.mark.parametrize(
    ("terms", "amount", "words"),
    [
        ({"price": Decimal(90)}, 180, "amount 90"),
        ({"coupon_percent": Decimal(50), "coupon": "X"}, 100, "coupon X, coupon of 50%"),
        (
            {"coupon_amount": Decimal(20), "coupon_until": MAY_1},
            180,
            "coupon of 20, until 1 May 2026",
        ),
        ({"new_state": "paused"}, 0, "paused"),
        ({"new_state": "ended"}, 0, "ended"),
        ({"plan": "starter"}, 58, "plan starter"),
        ({"basis": "list", "plan": "starter"}, 58, "plan starter, list price"),
    ],
)
def test_each_term_can_be_scheduled(running, terms, amount, words):
    seed_default_book(apps)
    row = schedule(running, **terms)
    assert row.words == words
    assert reports.scheduled_of(running.customer_id, 5) == [row]
    services.record_due_changes(now=ON_APRIL_1)
    assert fresh(row).state == "recorded"
    assert fresh(running).amount == amount


def test_what_cannot_be_scheduled_is_refused_by_field(running):
    for wrong, field in (
        ({"on": NOW.date(), "quantity": 2}, "on"),
        ({}, "on"),
        ({"quantity": 0}, "quantity"),
        ({"coupon_amount": Decimal(1), "coupon_percent": Decimal(1)}, "coupon_amount"),
        ({"coupon_percent": Decimal(5), "coupon_until": APRIL_1}, "coupon_until"),
        ({"plan": "no such plan"}, "amount"),
        ({"interval": "fortnight"}, "every"),
    ):
        given: dict[str, Any] = {"on": APRIL_1, **wrong}
        with pytest.raises(InvalidEntry) as refused:
            schedule(running, **given)
        assert refused.value.field == field, wrong
    assert not ScheduledChange.objects.exists()


def test_one_change_a_day_and_none_beyond_an_end(running):
    schedule(running, quantity=3)
    with pytest.raises(InvalidEntry, match="is scheduled already; cancel it first"):
        schedule(running, quantity=4)
    with pytest.raises(InvalidEntry, match="which is after the end"):
        schedule(running, date(2026, 3, 30), new_state="ended")
    schedule(running, MAY_1, new_state="ended")
    with pytest.raises(InvalidEntry, match="which is before"):
        schedule(running, date(2026, 5, 2), quantity=4)


def test_a_cancelled_one_is_not_recorded(running):
    row = schedule(running, quantity=3)
    for _again in range(2):
        services.cancel_scheduled(row.pk, by="user:bob", now=NOW)
    assert services.record_due_changes(now=ON_APRIL_1).recorded == 0
    assert (fresh(row).state, row.closed_by) == ("cancelled", "user:bob")


def test_an_end_cancels_what_was_scheduled(running):
    row = schedule(running, quantity=3)
    services.end(running.pk, on=date(2026, 3, 12), now=NOW)
    assert (fresh(row).state, row.reason) == ("cancelled", "The subscription ended before.")
    with pytest.raises(InvalidEntry, match="ended on 2026-03-12"):
        schedule(running, MAY_1, quantity=3)


def test_what_is_impossible_by_then_is_refused_with_its_reason(running):
    seed_default_book(apps)
    row = schedule(running, new_state="ended")
    services.change(running.pk, on=date(2026, 4, 2), now=datetime(2026, 4, 2, tzinfo=UTC),
                    quantity=5)  # fmt: skip
    found = services.record_due_changes(now=datetime(2026, 4, 3, tzinfo=UTC))
    assert found.recorded == 0
    assert fresh(row).state == "refused"
    assert found.refused == [(row.pk, row.reason)]
    assert "before the last change" in row.reason
    assert fresh(running).quantity == 5


def test_an_erasure_cancels_and_blanks_what_is_scheduled(running):
    row = schedule(running, quantity=3, note="for Ada")
    services.erase(running.customer_id, now=NOW)
    assert (fresh(row).state, row.note, row.scheduled_by) == ("cancelled", "", "")


def test_another_worker_may_have_recorded_it(running):
    from revenue.customers.services import scheduled_changes  # noqa: PLC0415

    row = schedule(running, quantity=3)
    services.record_due_changes(now=ON_APRIL_1)
    assert scheduled_changes._record(row.pk, ON_APRIL_1).state == "recorded"
    assert running.changes.count() == 2
