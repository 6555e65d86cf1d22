"""An offer goes out by mail to whoever decides and agreed to offers; else a person makes it."""

from datetime import timedelta

import pytest
import time_machine
from django.core import mail

from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale
from operations.decisions.models import Decision
from operations.messaging import services as outbox
from operations.messaging.models import Message
from revenue.customers import services as contacts
from revenue.customers.models import Customer
from revenue.upsell import reports, services
from tests.revenue.upsell.conftest import NOW, only, sweep

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def _now(settings):
    settings.EMAIL_URL = "smtp://localhost"
    settings.PUBLIC_URL = "https://crown.example.org"
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def found(grown):
    grown.contacts.all().delete()
    sweep()
    return only()


@pytest.fixture
def owner(found):
    made = contacts.add_contact(
        found.customer_id, name="Olga", email="olga@example.org", role="owner"
    )
    contacts.give_consent(made, source="form", now=NOW)
    return made


def deliver(now=NOW + DAY / 2):
    return outbox.deliver_due(clock=lambda: now)


def test_an_offer_is_mailed_once_with_its_plans_costs_and_last_day(found, owner):
    for _again in range(2):
        services.offer(found.pk, by="ada", now=NOW)
    assert only().delivery == "mail"
    assert deliver() == 1
    (sent,) = mail.outbox
    assert sent.subject == "An offer: Professional for Grown"
    for words in ("$108.90 a month", "on Starter the same\nuse costs $31.90", "1 May 2026"):
        assert words in sent.body
    assert "List-Unsubscribe" in sent.extra_headers
    (course,) = reports.offer_mails(found.pk)
    assert course.startswith("An offer: Professional for Grown, to Olga: sent")


def test_without_a_contact_who_agreed_the_account_manager_makes_it(found):
    contacts.add_contact(found.customer_id, name="O", email="o@example.org", role="owner")
    services.offer(found.pk, by="ada", now=NOW)
    assert (only().state, only().delivery) == ("offered", "in_person")
    assert not Message.objects.exists()
    rows = [each for each in Decision.objects.get().guardrails if not each["passed"]]
    assert [(each["name"], each["value"]) for each in rows] == [("contact_who_agreed", "none")]


def test_an_offer_that_ended_before_its_mail_went_does_not_go(found, owner):
    services.offer(found.pk, by="ada", now=NOW)
    services.decline(found.pk, by="ada", now=NOW)
    assert deliver() == 0
    assert Message.objects.get().error == "The offer is no longer open."


def test_an_offer_is_taken_back_until_it_was_mailed(found, owner):
    services.offer(found.pk, by="ada", now=NOW)
    decision = Decision.objects.get().pk
    decisions.roll_back(decision, actor="bob", now=NOW)
    assert (only().state, only().delivery) == ("open", "")
    assert Message.objects.get().state == "skipped"


def test_a_mailed_offer_is_withdrawn_and_the_customer_is_told(found, owner):
    services.offer(found.pk, by="ada", now=NOW)
    deliver()
    with pytest.raises(Stale, match="mailed already: withdraw it"):
        decisions.roll_back(Decision.objects.get().pk, actor="bob", now=NOW)
    services.withdraw(found.pk, by="ada", now=NOW + DAY)
    assert deliver(NOW + DAY) == 1
    assert mail.outbox[1].subject == "Our offer of Professional for Grown is withdrawn"


def test_who_left_since_is_not_told_of_the_withdrawal(found, owner):
    services.offer(found.pk, by="ada", now=NOW)
    deliver()
    owner.delete()
    services.withdraw(found.pk, by="ada", now=NOW + DAY)
    assert Message.objects.count() == 1


def test_a_merge_ends_a_mailed_offer_aloud(found, owner, grown):
    services.offer(found.pk, by="ada", now=NOW)
    deliver()
    kept = Customer.objects.create(external_id="kept", name="Kept", currency="USD")
    contacts.merge(kept.pk, grown.pk, now=NOW)
    assert deliver() == 1
    assert only().state == "withdrawn"
