"""Use on days without a plan is billed, waived or left, as a person chooses."""

from datetime import date
from decimal import Decimal

import pytest
from django.db import Error, transaction

from revenue.billing.models import UnbilledUseChoice
from revenue.billing.reports import bills, invoice_run, previews
from revenue.billing.services import invoices, unbilled_use
from revenue.billing.unbilled_use import UseChoice
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry
from revenue.pricing import services as pricing
from revenue.pricing.models import PlanCharge
from revenue.pricing.reports import NothingPublished
from tests.revenue.billing.conftest import (
    APRIL,
    MARCH,
    MARCH_MONTH,
    NOW,
    record_calls,
    subscribed,
)

FIRST, LAST = date(2026, 3, 20), date(2026, 3, 31)


@pytest.fixture
def left(published, meters):
    """A customer who left on 16 March and used more since; starter charges calls."""
    draft = pricing.draft("standard", effective_from=MARCH, now=NOW)
    PlanCharge.objects.create(
        version=draft, plan=draft.prices.get(plan__code="starter").plan, metric="api_calls",
        title="Calls", model="per_unit", price={"unit": "0.01"},
    )  # fmt: skip
    pricing.publish(draft.pk, actor="ada", now=NOW)
    made = Customer.objects.create(external_id="gone", name="Gone", currency="USD")
    subscription = subscribed(made, plan="professional", since=MARCH)
    customers.end(subscription.pk, on=date(2026, 3, 16), now=NOW)
    record_calls(made, d0305=60_000, d0322=70_000)
    return made


def choose(customer, choice, first=FIRST, last=LAST, **more):
    return unbilled_use.choose(customer.pk, first, last, choice, by="user:1", now=NOW, **more)


def unbilled(customer):
    found, _ = previews.preview(customer, MARCH)
    return [(each.quantity, each.reason) for each in found.unbilled]


def test_use_after_the_end_is_listed_until_it_is_waived_or_billed(left):
    before, _ = previews.preview(left, MARCH)
    assert unbilled(left) == [(70_000, "no plan in force")]
    waived = choose(left, UseChoice.WAIVE)
    assert str(waived) == "Waive: 20 Mar 2026 to 31 Mar 2026"
    assert unbilled(left) == [(70_000, "waived")]
    assert previews.preview(left, MARCH)[0].total == before.total
    made = choose(left, UseChoice.BILL)
    assert (made.plan, made.end_day) == ("professional", APRIL)
    assert unbilled(left) == []
    choose(left, UseChoice.LEAVE)
    assert unbilled(left) == [(70_000, "no plan in force")]


def test_billed_use_of_a_closed_month_is_an_adjustment_and_stays_billed(left):
    issued = invoices.issue(left.pk, MARCH, by="ada", now=NOW)
    found = bills.bill("gone", MARCH, NOW)
    assert [each.reason for each in found.unbilled] == ["no plan in force"]
    choose(left, UseChoice.BILL, plan="starter")
    assert bills.bill("gone", MARCH, NOW).unbilled == ()
    (adjusted,) = previews.preview(left, APRIL)[0].adjustments
    assert (adjusted.month.key, adjusted.amount) == (issued.pk, Decimal(700))
    assert list(invoice_run.due_customers("USD", MARCH_MONTH)) == []


def test_a_customer_who_never_had_an_invoice_is_due_once_use_is_billed(published, meters):
    own = Customer.objects.create(external_id="own", name="Own", currency="USD")
    record_calls(own, d0322=5)
    assert not invoice_run.due_customers("USD", MARCH_MONTH).exists()
    choose(own, UseChoice.BILL, plan="starter")
    assert list(invoice_run.due_customers("USD", MARCH_MONTH)) == [own]


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"first": APRIL}, "last_day", "before the first day"),
        ({"last": date(2026, 4, 21)}, "last_day", "after today"),
        ({"first": date(2026, 3, 23)}, "first_day", "used nothing"),
        ({"first": date(2026, 3, 5)}, "first_day", "A plan is in force on 2026-03-05"),
        ({"plan": "gold"}, "plan", "gold is in no price book in force. Known: enterprise"),
    ],
)
def test_wrong_days_and_plans_are_refused(left, given, field, words):
    with pytest.raises(InvalidEntry, match=words) as caught:
        choose(left, UseChoice.BILL, **given)
    assert caught.value.field == field
    assert not UnbilledUseChoice.objects.exists()


def test_use_that_no_bill_adjusts_any_more_is_waived_but_not_billed(left):
    record_calls(left, d0110=5, d0205=5)
    invoices.issue(left.pk, MARCH, by="ada", now=NOW)
    early = date(2026, 2, 5)
    with pytest.raises(InvalidEntry, match="Bills before 2026-03-01 are not adjusted") as caught:
        choose(left, UseChoice.BILL, early, early, plan="starter")
    assert caught.value.field == "first_day"
    assert choose(left, UseChoice.WAIVE, early, early).choice == UseChoice.WAIVE


def test_a_plan_is_priced_in_each_month_of_the_days(left):
    record_calls(left, d0405=5)
    made = choose(left, UseChoice.BILL, last=date(2026, 4, 5), plan="starter")
    assert made.plan == "starter"
    euros = Customer.objects.create(external_id="eur", name="Euro", currency="EUR")
    record_calls(euros, d0322=5)
    with pytest.raises(NothingPublished):
        choose(euros, UseChoice.BILL, plan="starter")


def test_without_an_earlier_plan_one_is_named(published, meters):
    own = Customer.objects.create(external_id="own", name="Own", currency="USD")
    record_calls(own, d0322=5)
    with pytest.raises(InvalidEntry, match="There was no plan before these days"):
        choose(own, UseChoice.BILL)


def test_a_choice_is_never_changed(left):
    choose(left, UseChoice.WAIVE)
    with pytest.raises(Error), transaction.atomic():
        UnbilledUseChoice.objects.update(choice=UseChoice.LEAVE)


def test_the_choice_for_a_merged_record_counts_for_the_kept_one(left):
    choose(left, UseChoice.WAIVE)
    kept = Customer.objects.create(external_id="kept", name="Kept", currency="USD")
    customers.merge(kept.pk, left.pk, now=NOW)
    assert unbilled(kept) == [(Decimal(70_000), "waived")]
