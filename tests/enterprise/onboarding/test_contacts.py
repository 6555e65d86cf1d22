"""Contacts: signed links, the public page, what a contact may do, erasure and merge."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.test import Client

from aethercrown.transitions import InvalidTransition
from enterprise.onboarding import states
from enterprise.onboarding.models import IssuedKeySecret, OnboardingContact, OnboardingFlow
from enterprise.onboarding.services import (
    automation,
    contacts,
    flows,
    personal_data,
    restored_links,
    steps,
)
from revenue.customers import services as customers
from revenue.customers.models import Customer
from security.apikeys.models import ApiKey
from tests.enterprise.onboarding.conftest import HOUR, MONDAY, states_of

pytestmark = pytest.mark.django_db
LATER = MONDAY + HOUR


@pytest.fixture(autouse=True)
def _monday():
    with time_machine.travel(LATER, tick=False):
        yield


@pytest.fixture
def owner(automated):
    return automated.contacts.get()


@pytest.fixture
def waiting(automated):
    """Documentation waits for the technical contact."""
    steps.move(automated.pk, "documentation_access", states.START, LATER)
    steps.move(automated.pk, "documentation_access", states.WAIT, LATER)
    automated.steps.filter(name="documentation_access").update(contact_role="technical")
    return automated


def test_a_link_shows_steps_and_no_keys_or_notes(client, automated, owner):
    automated.steps.filter(order=1).update(notes="internal words")
    answer = client.get(contacts.path(owner))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert "api key generation" in text
    assert "internal words" not in text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["X-Robots-Tag"] == "noindex"
    assert answer.headers["Referrer-Policy"] == "no-referrer"


def test_wrong_expired_and_revoked_links_are_the_same_404(client, owner):
    good = contacts.path(owner)
    found = [client.get("/onboarding/abc"), client.get(good[:-2])]
    with time_machine.travel(LATER + timedelta(days=31)):
        found.append(client.get(good))
    contacts.revoke_link(owner.pk)
    found.append(client.get(good))
    assert [each.status_code for each in found] == [404] * 4
    fresh = contacts.path(OnboardingContact.objects.get())
    assert client.get(fresh).status_code == 200
    contacts.revoke_all(owner.flow_id)
    assert client.get(fresh).status_code == 404


def test_after_a_restore_a_link_that_was_ended_since_stays_ended(client, owner):
    ended = contacts.path(owner)
    contacts.revoke_link(owner.pk)
    before = json.loads(json.dumps(restored_links.snapshot()))
    present = contacts.path(OnboardingContact.objects.get())
    OnboardingContact.objects.update(link_generation=owner.link_generation)  # as in the back-up
    told = restored_links.BACKUP_HOOK.compare(before)
    assert told == ["1 link of contacts, ended since, ended again."]
    assert [client.get(each).status_code for each in (ended, present)] == [404, 200]
    assert restored_links.compare(before) == restored_links.compare({}) == []


def test_who_has_left_opens_nothing_and_the_owner_stands_in(client, owner, waiting):
    step = waiting.steps.get(name="documentation_access")
    ada = contacts.add(waiting.pk, "Ada", "Ada@acme.example", "technical")
    assert contacts.contact_for(waiting, step) == ada
    link = contacts.path(ada)
    contacts.leave(ada.pk, LATER)
    contacts.leave(ada.pk, LATER)
    assert client.get(link).status_code == 404
    assert contacts.contact_for(waiting, step) == owner
    contacts.leave(owner.pk, LATER)
    assert contacts.contact_for(waiting, step) is None


def test_a_contact_completes_only_what_waits_for_them(client, owner, waiting):
    ada = contacts.add(waiting.pk, "Ada", "ada@acme.example", "technical")
    assert contacts.add(waiting.pk, "Ada M", "ada@acme.example", "technical").pk == ada.pk
    viewer = contacts.add(waiting.pk, "Vi", "vi@acme.example", "viewer")
    for other in (owner, viewer):
        refused = client.post(contacts.path(other), {"step": "documentation_access"})
        assert refused.status_code == 409
    assert b"This is done" in client.get(contacts.path(ada)).content
    done = client.post(contacts.path(ada), {"step": "documentation_access"})
    assert done.status_code == 302
    assert states_of(waiting)["documentation_access"] == "done"
    entry = waiting.transitions.filter(event="complete").last()
    assert entry.actor == f"contact:{ada.pk}"
    assert client.post(contacts.path(ada), {"step": "nothing"}).status_code == 409


def test_a_post_needs_the_token_of_the_form(owner):
    strict = Client(enforce_csrf_checks=True)
    assert strict.post(contacts.path(owner), {"key": "1"}).status_code == 403
    assert IssuedKeySecret.objects.get().fetched_at is None


def test_the_key_is_shown_once(client, owner):
    link = contacts.path(owner)
    assert b"Show the key" in client.get(link).content
    shown = client.post(link, {"key": "1"})
    assert b"_live_" in shown.content
    assert shown.headers["Cache-Control"] == "no-store"
    assert client.post(link, {"key": "1"}).status_code == 409
    assert b"Show the key" not in client.get(link).content


def test_viewers_and_late_comers_get_no_key(automated, owner):
    viewer = contacts.add(automated.pk, "Vi", "vi@acme.example", "viewer")
    with pytest.raises(contacts.SecretGone):
        contacts.fetch_secret(viewer, LATER)
    late = LATER + timedelta(days=31)
    with pytest.raises(contacts.SecretGone):
        contacts.fetch_secret(owner, late)
    assert contacts.delete_expired_secrets(late) == 1
    assert IssuedKeySecret.objects.get().sealed == ""


def test_an_erasure_leaves_no_name_and_no_key(automated, owner):
    automated.steps.filter(order=1).update(notes="Spoke to Ada")
    exported = personal_data.export([automated.customer_id])["onboarding"][0]
    assert exported["contacts"][0]["email"] == "it@acme.example"
    assert exported["notes"] == {"account_creation": "Spoke to Ada"}
    customers.erase(automated.customer_id, now=LATER)
    flow = OnboardingFlow.objects.get()
    assert flow.company_name == f"erased-{flow.pk}"
    assert not flow.contacts.exists()
    assert not OnboardingContact.history.exists()
    assert not flow.steps.exclude(notes="").exists()
    assert ApiKey.objects.get(customer=flow.customer_id).revoked_at is not None


def test_a_merge_takes_flows_and_keys_along(automated):
    kept, _ = customers.find_or_create("Acme Holding", currency="USD", now=LATER)
    customers.merge(kept.pk, automated.customer_id, now=LATER)
    assert OnboardingFlow.objects.get().customer == kept
    assert ApiKey.objects.get(customer__isnull=False).customer == kept.pk


def test_everybody_of_the_role_may_complete_and_twice_is_no_error(client, waiting):
    contacts.add(waiting.pk, "Ada", "ada@acme.example", "technical")
    bo = contacts.add(waiting.pk, "Bo", "bo@acme.example", "technical")
    for _ in range(2):
        done = client.post(contacts.path(bo), {"step": "documentation_access"})
        assert done.status_code == 302
    assert waiting.transitions.filter(event="complete", step="documentation_access").count() == 1


def test_nobody_completes_a_step_that_went_on_meanwhile(owner, waiting):
    ada = contacts.add(waiting.pk, "Ada", "ada@acme.example", "technical")
    steps.move(waiting.pk, "documentation_access", states.RESUME, LATER)
    with pytest.raises(InvalidTransition, match="in progress"):
        steps.complete(waiting.pk, "documentation_access", LATER, only_from=states.WAITING_CUSTOMER)
    with pytest.raises(contacts.NotForContact):
        contacts.complete(ada, "documentation_access", LATER)


def test_on_hold_a_contact_completes_nothing(client, waiting):
    ada = contacts.add(waiting.pk, "Ada", "ada@acme.example", "technical")
    flows.put_on_hold(waiting.pk, LATER)
    assert b"This is done" not in client.get(contacts.path(ada)).content
    refused = client.post(contacts.path(ada), {"step": "documentation_access"})
    assert refused.status_code == 409


def test_another_address_ends_the_links_that_the_old_one_has(client, owner, waiting):
    link = contacts.path(owner)
    contacts.change(owner.pk, "It", "it@acme.example", "owner", "UTC")
    assert client.get(link).status_code == 200
    contacts.change(owner.pk, "It", "New@acme.example", "owner", "UTC")
    assert client.get(link).status_code == 404
    contacts.add(waiting.pk, "Ada", "ada@acme.example", "technical")
    with pytest.raises(contacts.KnownContact):
        contacts.change(owner.pk, "It", "ada@acme.example", "owner", "UTC")


def test_an_erased_customer_gets_no_other_key(flow):
    """The erasure comes before the key: automation would make it afterwards."""
    steps.complete(flow.pk, "account_creation", MONDAY)
    flows.put_on_hold(flow.pk, MONDAY)
    customers.erase(Customer.objects.get().pk, now=LATER)
    assert OnboardingFlow.objects.get().status == "cancelled"
    assert automation.run_due(lambda: LATER) == 0
    assert not ApiKey.objects.filter(customer__isnull=False).exists()


def test_a_contact_may_change_before_the_customer_exists(flow):
    owner = flow.contacts.get()
    contacts.change(owner.pk, " Ada ", "Ada@acme.example", "owner", "Europe/Berlin")
    owner.refresh_from_db()
    assert (owner.name, owner.email, owner.zone) == ("Ada", "ada@acme.example", "Europe/Berlin")
    assert not Customer.objects.exists()
