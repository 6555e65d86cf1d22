"""The call that previews a month's invoice."""

from decimal import Decimal

import pytest
import time_machine

from revenue.billing.services import invoices
from revenue.customers import services as customers
from revenue.customers.models import Customer, SubscriptionChange
from security.apikeys import services as keys
from tests.callers import Caller
from tests.revenue.billing.conftest import MARCH, NOW, record_calls, subscribed

PREVIEW = "/api/v1/revenue/invoices/preview"


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def caller(published):
    return Caller(keys.create("crm", ["revenue:read"]).plaintext)


def asked(caller, **body):
    answer = caller.send(PREVIEW, body)
    assert answer.status_code == 200, answer.json()
    return answer.json()["data"]["invoice"]


def test_a_closed_month_is_answered_as_it_was_previewed(caller, customer):
    record_calls(customer, d0305=50_000)
    before = asked(caller, customer_id="acme", month="2026-03-17")
    assert (before["total"], before["is_complete"], before["is_issued"]) == (103.46, True, False)
    assert round(sum(each["amount"] for each in before["lines"]), 2) == before["total"]
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    after = asked(caller, customer_id="acme", month="2026-03-17")
    assert after == {**before, "is_issued": True, "not_given": []}


def test_the_running_month_is_previewed_where_none_is_named(caller, customer):
    found = asked(caller, customer_id="acme")
    assert (found["period_start"], found["is_complete"]) == ("2026-04-01", False)
    assert found["total"] == 94.05


def test_a_merged_record_answers_for_the_one_that_stays(caller, customer):
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    customers.merge(customer.pk, twin.pk, now=NOW)
    assert asked(caller, customer_id="twin")["customer_id"] == "acme"


def test_what_cannot_be_billed_says_why(caller, customer):
    assert caller.send(PREVIEW, {"customer_id": "nobody"}).status_code == 404
    bad = caller.send(PREVIEW, {"customer_id": "acme", "month": "2026-13-01"})
    assert bad.json()["errors"][0]["field"] == "month"
    legacy = Customer.objects.create(external_id="old", name="Old", currency="USD")
    subscribed(legacy)
    SubscriptionChange.objects.filter(subscription__customer=legacy).update(plan="legacy")
    unknown = caller.send(PREVIEW, {"customer_id": "old"})
    assert unknown.json()["errors"][0] == {
        "field": "plan",
        "code": "unknown_tier",
        "message": "of the customer's subscription must be an active plan: starter,"
        " professional, enterprise; not 'legacy'",
    }
    euro = Customer.objects.create(external_id="euro", name="E", currency="EUR")
    subscribed(euro, amount=Decimal(5))
    assert caller.send(PREVIEW, {"customer_id": "euro"}).status_code == 503
    assert Caller().send(PREVIEW, {"customer_id": "acme"}).status_code == 401
