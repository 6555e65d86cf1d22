"""A subscription that begins on a day to come is in force from that day on, and nothing before."""

import io
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from importlib import import_module

import pytest
import time_machine
from django.apps import apps
from django.urls import reverse

from operations.imports import services as imports
from operations.jobs import services as jobs
from revenue.billing.reports.previews import preview
from revenue.billing.services import invoices, list_prices
from revenue.customers import reports, services
from revenue.customers.models import Customer, Subscription
from revenue.mrr.reports import consistency
from revenue.pricing.seeding import seed_default_book
from revenue.upsell.reports.sweep import candidates

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
START = date(2026, 4, 16)
ON_IT = datetime(2026, 4, 16, 3, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def acme(db):
    seed_default_book(apps)
    return Customer.objects.create(external_id="acme", name="Acme", currency="USD")


def agreed(customer, on=START, **more) -> Subscription:
    given = {"amount": Decimal(90), "plan": "professional", "now": NOW, **more}
    return services.record_subscription(
        customer.pk, external_id=f"s-{on}", currency="USD", started_on=on, **given
    )


def present(row):
    row.refresh_from_db()
    return row.state, row.amount, row.next_step_on


def mrr(at):
    with time_machine.travel(at, tick=False):
        assert consistency.differing_customers(today=at.date()) == (0, [])
        return reports.current_mrr("USD")[0]


def taken(kind, content):
    """An import, and what was said before it was stored."""
    record = imports.create_draft(kind, "a.csv", io.BytesIO(content.encode()), actor="x", now=NOW)
    with imports.check_draft(record, NOW) as found:
        said = [*found.findings.warnings, *(each.reason for each in found.findings.faults)]
        if not found.is_storable:
            return said
    imports.start(record.pk, caller="user:ada", now=NOW)
    with time_machine.travel(NOW, tick=False):
        jobs.run_next(clock=lambda: NOW)
    record.refresh_from_db()
    assert record.state == "current", record.error
    return said


def test_it_counts_from_its_first_day_in_mrr_bill_and_offers(acme):
    row = agreed(acme)
    assert present(row) == ("future", 0, START)
    assert (mrr(NOW), reports.active_plans([acme.pk])) == (0, {})
    assert candidates(0, 10, NOW.date()) == []
    assert preview(acme, NOW.date())[0].total == 0
    assert preview(acme, START)[0].total == 45  # 15 of 30 days
    assert list_prices.take_due_steps(now=ON_IT - timedelta(days=1)) == 0
    assert list_prices.take_due_steps(now=ON_IT) == 1
    assert present(row) == ("active", 90, None)
    assert mrr(ON_IT) == 90
    assert [each.plan for each in candidates(0, 10, START)] == ["professional"]
    issued = invoices.issue(acme.pk, START, by="ada", now=datetime(2026, 5, 3, tzinfo=UTC))
    assert issued.total == 45


def test_a_list_price_is_that_of_its_first_day_and_a_trial_begins_then(acme):
    row = agreed(acme, amount=None, state="trial", trial_until=START + timedelta(days=14))
    assert present(row) == ("future", 0, START)
    assert (row.basis, row.price) == ("list", 99)
    list_prices.take_due_steps(now=ON_IT)
    assert present(row) == ("trial", 0, START + timedelta(days=14))
    list_prices.take_due_steps(now=ON_IT + timedelta(days=14))
    assert present(row) == ("active", 99, None)


def test_before_its_day_it_is_adjusted_or_withdrawn_and_not_changed(acme):
    row = agreed(acme)
    services.adjust(row.pk, on=START, amount=Decimal(80), now=NOW, note="Agreed at 80.")
    assert present(row) == ("future", 0, START)
    for call, field in (
        (lambda: services.change(row.pk, on=START, now=NOW, amount=Decimal(1)), "on"),
        (lambda: services.end(row.pk, on=START, now=NOW), "ended_on"),
        (lambda: services.schedule_change(row.pk, on=START, by="a", now=NOW, quantity=2), "on"),
        (lambda: agreed(acme, NOW.date() + timedelta(days=1099)), "started_on"),
        (lambda: agreed(acme, NOW.date(), state="future"), "state"),
    ):
        with pytest.raises(services.InvalidEntry) as error:
            call()
        assert error.value.field == field
    later = START + timedelta(days=30)
    services.schedule_change(row.pk, on=later, by="ada", now=NOW, quantity=2)
    services.adjust(row.pk, on=START, amount=None, now=NOW, note="Withdrawn.", state="ended")
    assert (*present(row), row.ended_on) == ("ended", 0, None, START)
    assert not reports.scheduled_of(acme.pk, 9)
    assert list_prices.take_due_steps(now=ON_IT) == 0
    assert mrr(ON_IT) == 0


def test_files_may_have_starts_to_come_and_say_how_many(acme):
    head = "subscription,customer,amount,currency,started_on\n"
    said = taken("subscriptions", f"{head}a,acme,90,USD,2026-04-16\nb,acme,5,USD,2026-03-01\n")
    assert said == ["1 row with a start to come: in force from that day on."]
    assert mrr(NOW) == 5
    list_prices.take_due_steps(now=ON_IT)
    assert mrr(ON_IT) == 95
    said = taken("subscriptions", f"{head}c,acme,90,USD,2206-04-16\n")
    assert said[-1] == "2206-04-16 is more than three years ahead"


def test_an_imported_trial_ends_by_itself(acme):
    head = "subscription,customer,amount,every,currency,status,started_on,trial_until\n"
    row = "t,acme,90,month,USD,trialing,2026-03-10,2026-04-10\n"
    taken("subscriptions-export", head + row)
    trial = Subscription.objects.get()
    assert present(trial) == ("trial", 0, date(2026, 4, 10))
    Subscription.objects.update(next_step_on=None)  # as an earlier version imported it
    import_module("revenue.migrations.0018_end_imported_trials").say_when(apps, None)
    assert present(trial) == ("trial", 0, date(2026, 4, 10))
    list_prices.take_due_steps(now=ON_IT)
    assert present(trial) == ("active", 90, None)
    assert mrr(ON_IT) == 90


def test_the_admin_records_one_ahead(admin_client, acme):
    given = {
        "external_id": "new", "customer": acme.pk, "plan": "starter", "state": "active",
        "basis": "negotiated", "price": "20", "interval": "month", "quantity": "1",
        "currency": "USD",
    }  # fmt: skip
    add = reverse("admin:revenue_subscription_add")
    with time_machine.travel(NOW, tick=False):
        refused = admin_client.post(add, {**given, "started_on": "2206-04-16"})
        assert "is more than three years ahead" in refused.content.decode()
        assert admin_client.post(add, {**given, "started_on": "2026-04-16"}).status_code == 302
    assert present(Subscription.objects.get()) == ("future", 0, START)
