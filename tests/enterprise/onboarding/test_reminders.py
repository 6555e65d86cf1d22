"""Reminders: when they come, in one mail, capped, and what ends them."""

from datetime import timedelta

import pytest
from django.db import connection

from enterprise.onboarding import mail_texts, states
from enterprise.onboarding.models import OnboardingStep, OnboardingTemplate, StepReminder
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import contacts, flows, follow, reminders, steps
from enterprise.onboarding.services.flows import NewCompany
from operations.alerts.models import Alert
from operations.messaging.models import Message
from revenue.customers.models import Contact
from tests.enterprise.onboarding.conftest import MONDAY

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def waiting(automated):
    """Documentation waits for the customer since Monday 09:00."""
    steps.move(automated.pk, "documentation_access", states.START, MONDAY)
    steps.move(automated.pk, "documentation_access", states.WAIT, MONDAY)
    return automated


def mails():
    return list(Message.objects.filter(mail_kind=mail_texts.REMINDER).order_by("pk"))


def test_the_first_comes_after_two_business_days_then_each_three(waiting, settings):
    settings.PUBLIC_URL = "https://crown.example.org"
    found = []
    for hours in range(0, 24 * 16, 3):
        now = MONDAY + timedelta(hours=hours)
        if reminders.send_due(now):
            found.append(now)
    assert [(each - MONDAY).days for each in found] == [2, 7, 10]  # Wed, Mon, Thu
    mail = mails()[0]
    assert "- documentation access" in mail.text
    assert "https://crown.example.org/onboarding/" in mail.text
    assert (mail.purpose, mail.person) == (
        "reminder",
        f"onboarding contact {waiting.contacts.get().pk}",
    )
    assert StepReminder.objects.count() == 3


def test_silence_after_the_last_is_a_blocker(waiting):
    for days in range(12):
        reminders.send_due(MONDAY + days * DAY)
        assert reminders.note_silence(MONDAY + days * DAY) == 0
    late = MONDAY + 15 * DAY  # three business days after Thursday the 13th
    assert reminders.note_silence(late) == 1
    assert reminders.note_silence(late) == 0
    kinds = [each["kind"] for each in reports.report_fields(waiting, late)["blockers"]]
    assert "customer_silent" in kinds
    assert Alert.objects.get(kind="customer silent").state == "open"
    steps.move(waiting.pk, "documentation_access", states.RESUME, late)
    follow.escalate(late)
    assert Alert.objects.get(kind="customer silent").state == "resolved"


def test_everything_that_waits_is_one_mail_and_a_day_has_one(waiting):
    steps.move(waiting.pk, "support_channel_setup", states.START, MONDAY)
    steps.move(waiting.pk, "support_channel_setup", states.WAIT, MONDAY)
    other = flows.create(NewCompany("Other", contact_email="IT@acme.example"), MONDAY)
    OnboardingStep.objects.filter(flow=other, name="account_creation").update(
        state=states.WAITING_CUSTOMER, waiting_since=MONDAY
    )
    assert reminders.send_due(MONDAY + 2 * DAY) == 1
    assert "- support channel setup" in mails()[0].text
    assert reminders.send_due(MONDAY + 2 * DAY + timedelta(hours=5)) == 0  # the other flow's waits
    assert reminders.send_due(MONDAY + 3 * DAY) == 1


def test_a_reminder_ends_with_its_step(waiting):
    reminders.send_due(MONDAY + 2 * DAY)
    key = mails()[0].event_key
    assert reminders.unwanted(key) == ""
    steps.move(waiting.pk, "documentation_access", states.RESUME, MONDAY + 2 * DAY)
    assert reminders.unwanted(key) == "documentation_access does not wait any more."
    assert reminders.send_due(MONDAY + 9 * DAY) == 0
    contacts.leave(waiting.contacts.get().pk, MONDAY)
    assert reminders.unwanted(key) == "The contact or the step is gone."


def test_without_a_contact_nobody_is_reminded_and_it_is_a_blocker(waiting):
    contacts.leave(waiting.contacts.get().pk, MONDAY)
    assert reminders.send_due(MONDAY + 9 * DAY) == 0
    assert reminders.note_silence(MONDAY + 90 * DAY) == 0
    kinds = [each["kind"] for each in reports.report_fields(waiting, MONDAY)["blockers"]]
    assert "no customer contact" in kinds


def test_a_template_may_have_no_reminders(waiting):
    OnboardingTemplate.objects.update(reminders_most=0)
    assert reminders.send_due(MONDAY + 9 * DAY) == 0


def test_a_link_is_mailed_where_the_address_of_the_site_is_known(automated, settings):
    contact = automated.contacts.get()
    assert not reminders.send_link(contact.pk, MONDAY)
    settings.PUBLIC_URL = "https://crown.example.org"
    assert reminders.send_link(contact.pk, MONDAY)
    mail = Message.objects.get(mail_kind=mail_texts.LINK)
    assert "https://crown.example.org/onboarding/" in mail.text


def test_the_customer_knows_the_contacts_too(automated):
    ada = contacts.add(automated.pk, "Ada", "ada@acme.example", "technical")
    found = Contact.objects.filter(customer=automated.customer_id).values_list("email", "role")
    assert set(found) == {("it@acme.example", "owner"), (ada.email, "technical")}


def test_a_mail_for_several_steps_goes_out_while_one_of_them_waits(waiting):
    steps.move(waiting.pk, "support_channel_setup", states.START, MONDAY)
    steps.move(waiting.pk, "support_channel_setup", states.WAIT, MONDAY)
    reminders.send_due(MONDAY + 2 * DAY)
    key = mails()[0].event_key
    steps.move(waiting.pk, "documentation_access", states.RESUME, MONDAY + 2 * DAY)
    assert reminders.unwanted(key) == ""
    flows.put_on_hold(waiting.pk, MONDAY + 2 * DAY)
    assert reminders.unwanted(key)


def test_a_reminder_of_an_earlier_opening_is_unwanted(waiting):
    reminders.send_due(MONDAY + 2 * DAY)
    key = mails()[0].event_key
    steps.complete(waiting.pk, "documentation_access", MONDAY + 2 * DAY)
    flows.reopen_step(waiting.pk, "documentation_access", MONDAY + 2 * DAY)
    steps.move(waiting.pk, "documentation_access", states.START, MONDAY + 2 * DAY)
    steps.move(waiting.pk, "documentation_access", states.WAIT, MONDAY + 2 * DAY)
    assert reminders.unwanted(key)


def test_silence_ends_with_the_flow(waiting):
    OnboardingStep.objects.filter(name="documentation_access").update(silent_since=MONDAY)
    reminders._tell(waiting.steps.get(name="documentation_access"), MONDAY)
    follow.escalate(MONDAY)
    assert Alert.objects.get(kind="customer silent").state == "open"
    flows.cancel(waiting.pk, MONDAY)
    follow.escalate(MONDAY)
    assert Alert.objects.get(kind="customer silent").state == "resolved"


def test_the_queries_do_not_grow_with_the_steps(waiting, django_assert_max_num_queries):
    steps.move(waiting.pk, "support_channel_setup", states.START, MONDAY)
    steps.move(waiting.pk, "support_channel_setup", states.WAIT, MONDAY)
    with django_assert_max_num_queries(6):
        reminders.send_due(MONDAY)


def test_of_two_workers_at_the_same_moment_one_notes_the_silence(waiting):
    """The other is done between the reading and the writing of this one."""
    for days in range(12):
        reminders.send_due(MONDAY + days * DAY)
    late = MONDAY + 15 * DAY
    others: list[int] = []

    def other_first(execute, sql, *rest):
        if sql.startswith("UPDATE") and not others:
            others.append(0)
            others[0] = reminders.note_silence(late)
        return execute(sql, *rest)

    with connection.execute_wrapper(other_first):
        assert reminders.note_silence(late) == 0
    assert others == [1]
    assert Alert.objects.get(kind="customer silent").count == 1
