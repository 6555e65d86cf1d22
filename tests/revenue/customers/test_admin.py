"""The admin's screens of customers: changes go through services, the ledger is only read."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from revenue.customers import services
from revenue.customers.models import Customer, Payment, Subscription
from revenue.mrr.models import MrrMovement
from revenue.mrr.reports import consistency
from security.access.models import User
from security.access.roles import ADMINISTRATOR, OPERATOR, VIEWER
from tests.revenue.customers.conftest import mrr

HOME = "/admin/revenue"
ADD = f"{HOME}/subscription/add/"

pytestmark = pytest.mark.django_db


def browser(role):
    person = User.objects.create_user(role, is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def operator():
    return browser(OPERATOR)


def day(ago=0):
    return (timezone.localdate() - timedelta(days=ago)).isoformat()


def new(customer, **more):
    return {
        "external_id": "s1",
        "customer": customer.pk,
        "plan": "pro",
        "state": "active",
        "basis": "negotiated",
        "price": "100.50",
        "interval": "month",
        "quantity": "1",
        "currency": "USD",
        "started_on": day(20),
        **more,
    }


@pytest.fixture
def running(customer, operator):
    assert operator.post(ADD, new(customer)).status_code == 302
    return Subscription.objects.get()


TERMS = {
    "state": "active",
    "basis": "negotiated",
    "interval": "month",
    "quantity": "1",
    "coupon_percent": "0",
    "coupon_amount": "0",
}


def book(client, subscription, **row):
    """Add a change to a subscription on its page."""
    first = subscription.changes.count()
    form = {"changes-TOTAL_FORMS": first + 1, "changes-INITIAL_FORMS": first}
    form |= {"scheduled-TOTAL_FORMS": 0, "scheduled-INITIAL_FORMS": 0}
    for place, each in enumerate(subscription.changes.all()):
        form |= {f"changes-{place}-id": each.pk, f"changes-{place}-subscription": subscription.pk}
    given = {"on": day(), "price": "0", "plan": "", "note": "", **TERMS, **row}
    form |= {f"changes-{first}-{name}": value for name, value in given.items()}
    form |= {f"changes-{first}-subscription": subscription.pk}
    return client.post(f"{HOME}/subscription/{subscription.pk}/change/", form)


@pytest.mark.parametrize("model", ["customer", "subscription", "mrrmovement", "payment"])
def test_every_list_opens(operator, running, model):
    assert operator.get(f"{HOME}/{model}/").status_code == 200
    assert operator.get(f"{HOME}/{model}/export-csv/").status_code == 200
    if model != "payment":
        row = {"customer": Customer, "subscription": Subscription, "mrrmovement": MrrMovement}[
            model
        ]
        assert (
            operator.get(f"{HOME}/{model}/{row._default_manager.get().pk}/change/").status_code
            == 200
        )


def test_a_new_subscription_is_booked(operator, running):
    assert (running.amount, running.currency) == (Decimal("100.5"), "USD")
    assert MrrMovement.objects.get().amount == Decimal("100.5")
    assert operator.get(ADD).status_code == 200


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"currency": "EUR"}, "Acme pays in USD"),
        ({"currency": "ZZZ"}, "not an ISO 4217 currency code"),
        ({"started_on": "2999-01-01"}, "is more than three years ahead"),
        ({"price": "-1"}, "greater than or equal to 0"),
        ({"price": "2000000000"}, "less than or equal to 1000000000"),
        ({"price": "1000000000", "quantity": "1001"}, "The fee of all units must be at most"),
        ({"price": "much"}, "Enter a number"),
        ({"price": ""}, "This field is required"),
        ({"basis": "list"}, "There is no list price of pro in USD"),
        ({"basis": "list", "plan": ""}, "There is no list price of no plan in USD"),
        ({"basis": "list", "started_on": ""}, "This field is required"),
    ],
)
def test_a_wrong_subscription_is_told_beside_its_field(operator, customer, wrong, words):
    assert words in operator.post(ADD, new(customer, **wrong)).content.decode()
    assert not Subscription.objects.exists()


def test_a_closed_customer_gets_no_subscription(operator, customer):
    services.erase(customer.pk, now=timezone.now())
    assert "was merged or erased" in operator.post(ADD, new(customer)).content.decode()
    assert not Subscription.objects.exists()


def test_a_further_change_starts_with_the_terms_in_force(operator, running):
    book(operator, running, on=day(10), price="1200", interval="year", coupon_percent="20")
    page = operator.get(f"{HOME}/subscription/{running.pk}/change/")
    form = page.context["inline_admin_formsets"][0].formset.empty_form
    shown = {name: form[name].value() for name in ("state", "basis", "price", "interval")}
    shown |= {name: form[name].value() for name in ("plan", "coupon_percent", "quantity")}
    book(operator, running, **{**shown, "on": day(5), "quantity": "2"})
    running.refresh_from_db()
    assert (running.plan, running.interval, running.amount) == ("pro", "year", 160)


def test_changes_ends_and_adjustments_are_booked(operator, running):
    assert book(operator, running, on=day(10), price="120", plan="max").status_code == 302
    running.refresh_from_db()
    assert (running.amount, running.plan) == (120, "max")
    assert book(operator, running, on=day(10), price="110", note="typed wrong").status_code == 302
    assert book(operator, running, on=day(5), state="ended").status_code == 302
    running.refresh_from_db()
    assert running.ended_on == timezone.localdate() - timedelta(days=5)
    assert MrrMovement.objects.filter(is_adjustment=True).count() == 1
    assert consistency.differing_customers() == (0, [])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"on": day(21), "price": "1"}, "Before the start"),
        ({"on": "2999-01-01", "price": "1"}, "After today"),
        ({"on": day(21), "state": "ended"}, "Before the start"),
        ({"on": day(20), "price": "1"}, "This adjusts what"),
        ({"on": "", "price": "1"}, "This field is required"),
    ],
)
def test_a_wrong_change_is_told_beside_its_field(operator, running, row, words):
    assert words in book(operator, running, **row).content.decode()
    assert running.changes.count() == 1


def test_an_ended_subscription_takes_no_change(operator, running):
    book(operator, running, on=day(5), state="ended")
    assert "The subscription ended on" in book(operator, running, price="1").content.decode()


def test_what_became_wrong_meanwhile_is_told(operator, running):
    Customer.objects.update(erased_at=timezone.now())
    assert book(operator, running, on=day(3), price="1").status_code == 302
    assert "was erased on" in operator.get(f"{HOME}/subscription/").content.decode()
    assert running.changes.count() == 1


def test_the_ledger_is_not_edited_here(operator, running):
    row = MrrMovement.objects.get()
    path = f"{HOME}/mrrmovement/{row.pk}"
    assert operator.post(f"{path}/change/", {"amount": "1"}).status_code == 403
    assert operator.post(f"{path}/delete/", {"post": "yes"}).status_code == 403
    assert operator.get(f"{HOME}/mrrmovement/add/").status_code == 403


def act(client, action, *rows):
    form = {"action": action, "_selected_action": [each.pk for each in rows]}
    return client.post(f"{HOME}/customer/", form, follow=True)


def test_two_customers_are_merged_into_the_older(operator, customer, running):
    other = Customer.objects.create(external_id="b", name="B", currency="USD")
    assert "Choose two customers" in act(operator, "merge", other).content.decode()
    assert "b was merged into acme" in act(operator, "merge", other, customer).content.decode()
    other.refresh_from_db()
    assert other.merged_into == customer
    assert "was merged into" in act(operator, "merge", other, customer).content.decode()


def test_everything_kept_of_a_customer_is_downloaded(operator, customer, running):
    answer = act(operator, "download_data", customer)
    assert [each["external_id"] for each in answer.json()["subscriptions"]] == ["s1"]
    other = Customer.objects.create(external_id="b", name="B")
    assert "Choose one customer" in act(operator, "download_data", customer, other).content.decode()


def test_personal_data_are_erased_by_who_may_delete(customer, running):
    other = Customer.objects.create(external_id="b", name="B")
    chief = browser(ADMINISTRATOR)
    assert "Choose one customer" in act(chief, "erase", customer, other).content.decode()
    assert "were erased" in act(chief, "erase", customer).content.decode()
    customer.refresh_from_db()
    assert customer.name == f"Erased customer {customer.pk}"
    act(browser(VIEWER), "erase", other)
    other.refresh_from_db()
    assert other.name == "B"


def test_a_payment_in_another_currency_is_refused(operator, customer):
    form = {
        "external_id": "p1",
        "customer": customer.pk,
        "kind": "payment",
        "paid_on": day(),
        "amount": "5",
        "currency": "EUR",
    }
    page = operator.post(f"{HOME}/payment/add/", form).content.decode()
    assert "Acme pays in USD" in page
    operator.post(f"{HOME}/payment/add/", {**form, "currency": "USD"})
    assert Payment.objects.get().amount == 5


def test_a_payment_after_today_is_refused(operator, customer):
    form = {
        "external_id": "p9",
        "customer": customer.pk,
        "kind": "payment",
        "paid_on": day(-2),
        "amount": "5",
        "currency": "USD",
    }
    page = operator.post(f"{HOME}/payment/add/", form).content.decode()
    assert f"{day(-2)} is after today; record it on its day." in page
    assert not Payment.objects.exists()
    assert operator.post(f"{HOME}/payment/add/", {**form, "paid_on": ""}).status_code == 200
    operator.post(f"{HOME}/payment/add/", {**form, "paid_on": day()})
    assert Payment.objects.count() == 1


def test_a_row_is_titled_as_it_is_written(operator, customer):
    Customer.objects.filter(pk=customer.pk).update(name="acme-7")
    page = operator.get(f"{HOME}/customer/{customer.pk}/change/").content.decode()
    assert "acme-7" in page
    assert "Acme-7" not in page
    assert "Customers" in page


def test_customers_come_from_a_file_after_a_preview(operator):
    content = b"external_id,tenure_months,monthly,churned\nx,2,10,no\n"
    form = {"kind": "customers-wide", "currency": "USD", "columns": ""}
    file = SimpleUploadedFile("c.csv", content, "text/csv")
    page = operator.post(f"{HOME}/customer/import-csv/", {**form, "file": file})
    assert "1 good row; nothing is stored yet" in page.content.decode()
    packed = page.context["content"]
    operator.post(f"{HOME}/customer/import-csv/", {**form, "step": "store", "file": packed})
    assert mrr("USD", timezone.localdate()) == 10


@pytest.mark.parametrize(
    ("wrong", "words"),
    [({"time_zone": "Mars/Base"}, "is not a time zone"), ({"currency": "ZZZ"}, "ISO 4217")],
)
def test_a_wrong_customer_is_told_beside_its_field(operator, wrong, words):
    form = {"external_id": "x", "name": "X", "currency": "USD", "time_zone": "UTC", **wrong}
    assert words in operator.post(f"{HOME}/customer/add/", form).content.decode()
    assert not Customer.objects.exists()
