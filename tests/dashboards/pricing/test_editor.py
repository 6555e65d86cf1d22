"""Editing a draft: what a browser posts, tiers as rows, stale forms, and what is published."""

import re
from datetime import date
from html.parser import HTMLParser

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from revenue.pricing import reports, services
from revenue.pricing.models import PriceBookVersion, PricingPlan
from security.access.models import User
from security.access.roles import ADMINISTRATOR, APPROVER
from tests.operations.people import messages_of
from tests.revenue.pricing.conftest import NOON, TODAY, add_charge, published

__all__ = ["published"]


class FormReader(HTMLParser):
    """The fields of a page's editor as a browser would post them."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self.buttons: list[str] = []
        self._inside = False
        self._select = self._textarea = ""

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag == "form":
            self._inside = "editor" in (given.get("class") or "")
        name = given.get("name") or ""
        if not self._inside:
            return
        if tag == "input" and (given.get("type") != "checkbox" or "checked" in given):
            self.fields[name] = given.get("value") or ""
        elif tag == "select":
            self._select = name
            self.fields[name] = ""
        elif tag == "option" and self._select and "selected" in given:
            self.fields[self._select] = given.get("value") or ""
        elif tag == "textarea":
            self._textarea = name
            self.fields[name] = ""
        elif tag == "button":
            self.buttons.append(given.get("value") or "")

    def handle_data(self, data):
        if self._textarea:
            self.fields[self._textarea] += data

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = False
        elif tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._textarea = ""


def form_of(answer):
    reader = FormReader()
    reader.feed(answer.content.decode())
    return reader.fields


@pytest.fixture
def client(db):
    person = User.objects.create_user("ada", password="a-long-password-1")  # noqa: S106 - made up
    person.groups.add(Group.objects.get(name=ADMINISTRATOR))
    browser = Client()
    browser.force_login(person)
    return browser


@pytest.fixture
def draft(published):
    made = services.draft("standard", effective_from=TODAY, now=NOON)
    add_charge(made)
    return made


def path(version, rest="/edit"):
    return f"/dashboards/pricing/versions/{version.pk}{rest}"


def test_a_draft_is_opened_changed_worked_out_and_published_on_pages(client, published):
    shown = client.get("/dashboards/pricing").content.decode()
    assert ">New version<" in shown
    opened = client.post("/dashboards/pricing/books/standard/draft", follow=True)
    version = PriceBookVersion.objects.get(number=2)
    assert opened.redirect_chain[-1][0] == path(version)
    twice = client.post("/dashboards/pricing/books/standard/draft", follow=True)
    assert PriceBookVersion.objects.count() == 2
    assert "is a draft already" in messages_of(twice)[0]
    data = {**form_of(twice), "plan.starter.base_price": "35", "do": "work_out"}
    worked = client.post(path(version), data, follow=True)
    text = worked.content.decode()
    assert worked.redirect_chain[-1][0] == path(version, "")
    assert "Starter: base price" in text
    assert "$29.00" in text
    assert "$35.00" in text
    asked = client.get(path(version, "?step=publish")).content.decode()
    assert "Publish standard version 2? It can never be changed afterwards" in asked
    [seen] = re.findall(r'name="seen" value="(\w+)"', asked)
    for _ in range(2):  # a second press is no second publication
        done = client.post(path(version, ""), {"step": "publish", "seen": seen}, follow=True)
        assert messages_of(done)[0].startswith("Published standard version 2, from")
    version.refresh_from_db()
    assert (version.state, version.published_by) == ("published", "user:ada")
    assert client.get(path(version)).headers["Location"] == path(version, "")


def test_tiers_are_rows_that_are_added_and_removed_without_scripts(client, draft):
    data = form_of(client.get(path(draft)))
    data |= {"charge.0.model": "volume", "do": "show"}
    shown = client.post(path(draft), data)
    assert 'id="charge-0-unit"' not in shown.content.decode()
    data = form_of(shown)
    assert data["charge.0.tier_count"] == "1"
    data = form_of(client.post(path(draft), {**data, "do": "add_tier:0"}))
    data |= {"charge.0.tier.0.up_to": "1000", "charge.0.tier.0.unit": "0.01"}
    data |= {"charge.0.tier.1.unit": "0.005", "charge.0.use": "2000", "do": "show"}
    shown = client.post(path(draft), data)
    assert "A use of 2,000 costs 10.00 USD." in shown.content.decode()
    assert draft.charges.get().model == "per_unit"  # nothing is stored yet
    saved = client.post(path(draft), {**form_of(shown), "do": "save"})
    assert saved.status_code == 302
    stored = draft.charges.get()
    assert (stored.model, stored.metric) == ("volume", "api_calls")
    assert stored.price["tiers"] == [
        {"up_to": "1000", "unit": "0.01"},
        {"up_to": None, "unit": "0.005"},
    ]
    count = stored.history.count()
    same = client.get(path(draft))
    client.post(path(draft), {**form_of(same), "do": "save"})
    assert stored.history.count() == count  # what is as it was gets no entry
    gone = client.post(path(draft), {**form_of(client.get(path(draft))), "do": "remove:0"})
    client.post(path(draft), {**form_of(gone), "do": "save"})
    assert not draft.charges.exists()


def test_bounds_of_tiers_rise_and_a_last_bound_is_never_dropped(client, draft):
    """As in lago-front 111, stripe-python 428 and flexprice-front 1243."""
    data = form_of(client.get(path(draft)))
    data = form_of(client.post(path(draft), data | {"charge.0.model": "graduated", "do": "show"}))
    data = form_of(client.post(path(draft), {**data, "do": "add_tier:0"}))
    data |= {"charge.0.tier.0.up_to": "1000", "charge.0.tier.0.unit": "0.01"}
    data |= {"charge.0.tier.1.up_to": "1000", "charge.0.tier.1.unit": "0.005"}
    same = client.post(path(draft), {**data, "do": "save"})
    assert same.status_code == 400
    assert "above" in same.content.decode()
    ended = client.post(path(draft), {**data, "charge.0.tier.1.up_to": "5000", "do": "save"})
    kept = ended if ended.status_code == 400 else client.get(path(draft))
    assert form_of(kept)["charge.0.tier.1.up_to"] == "5000"


def test_charges_and_plans_are_added_and_taken_out(client, draft):
    data = form_of(
        client.post(path(draft), {**form_of(client.get(path(draft))), "do": "add_charge"})
    )
    data |= {"charge.1.plan": "professional", "charge.1.metric": "storage_gb"}
    data |= {"charge.1.title": "Storage", "charge.1.unit": "0.2", "plan.starter.base_price": ""}
    data |= {"charge.0.plan": "enterprise", "do": "save", "notes": "Why"}
    assert client.post(path(draft), data).status_code == 302
    assert [each.position for each in draft.charges.order_by("pk")] == [1, 2]
    assert set(draft.prices.values_list("plan__code", flat=True)) == {"professional", "enterprise"}
    draft.refresh_from_db()
    assert draft.notes == "Why"


def test_only_metrics_that_are_measured_or_named_can_be_chosen(client, draft):
    data = form_of(client.get(path(draft)))
    wrong = client.post(path(draft), {**data, "charge.0.metric": "unmetered", "do": "save"})
    assert wrong.status_code == 400
    text = wrong.content.decode()
    assert "choose a metric that is measured" in text
    assert "1 of the fields below" in text
    assert "storage gb" in text


def test_what_somebody_else_saved_meanwhile_is_not_overwritten_unseen(client, draft):
    data = form_of(client.get(path(draft)))
    draft.prices.filter(plan__code="starter").update(base_price=31)
    data |= {"plan.starter.base_price": "35", "do": "save"}
    stale = client.post(path(draft), data)
    assert stale.status_code == 400
    assert "was changed by somebody else since you opened it" in stale.content.decode()
    again = form_of(stale)
    assert again["plan.starter.base_price"] == "35"  # kept
    assert client.post(path(draft), {**again, "do": "save"}).status_code == 302
    assert draft.prices.get(plan__code="starter").base_price == 35


def test_a_form_that_is_sent_twice_is_stored_once_and_is_no_conflict(client, draft):
    data = form_of(
        client.post(path(draft), {**form_of(client.get(path(draft))), "do": "add_charge"})
    )
    data |= {"charge.1.plan": "starter", "charge.1.metric": "api_calls", "do": "save"}
    data |= {"charge.1.title": "More", "charge.1.unit": "1", "plan.starter.base_price": "35"}
    for _ in range(2):
        assert client.post(path(draft), data).status_code == 302
    assert [each.title for each in draft.charges.order_by("position")] == ["Calls", "More"]


def test_a_draft_published_meanwhile_keeps_what_was_entered(client, draft):
    data = form_of(client.get(path(draft)))
    services.publish(draft.pk, actor="bob", now=NOON)
    gone = client.post(path(draft), {**data, "do": "save"}, follow=True)
    assert "is published: it is no longer edited" in messages_of(gone)[0]


def test_what_was_changed_since_it_was_looked_at_is_not_published(client, draft):
    answer = client.post(path(draft, ""), {"step": "publish", "seen": "old"}, follow=True)
    assert "was changed since you looked at it" in messages_of(answer)[0]
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_version_with_a_problem_is_not_published_and_says_why(client, draft):
    draft.charges.update(price={"unit": "x"})
    text = client.get(path(draft, "?step=publish")).content.decode()
    assert "must be a number" in text
    data = {"step": "publish", "seen": reports.draft_state(draft)}
    refused = client.post(path(draft, ""), data, follow=True)
    assert "must be a number" in messages_of(refused)[0]


def test_who_may_only_look_edits_and_publishes_nothing(page, draft):
    shown = page.get(path(draft, "?step=publish")).content.decode()
    assert "/edit" not in shown
    assert "It can never be changed" not in shown
    assert page.get(path(draft)).status_code == 403
    assert page.post("/dashboards/pricing/books/standard/draft").status_code == 403
    assert page.post(path(draft, ""), {"step": "publish"}).status_code == 403
    assert page.get("/dashboards/pricing/plans/starter").status_code == 403
    assert "New version" not in page.get("/dashboards/pricing").content.decode()


def test_an_approver_publishes_what_another_wrote(page, viewer, draft):
    viewer.groups.add(Group.objects.get(name=APPROVER))
    data = {"step": "publish", "seen": reports.draft_state(draft)}
    page.post(path(draft, ""), data)
    draft.refresh_from_db()
    assert draft.state == "published"


def test_features_are_rows_and_a_stale_form_is_said(client, published):
    where = "/dashboards/pricing/plans/starter"
    data = form_of(client.get(where))
    assert data["name"] == "Starter"
    del data["feature"]
    more = client.post(where, {**data, "feature": ["One", "", " Two "], "do": "add_row"})
    assert more.status_code == 200
    saved = client.post(where, {**data, "feature": ["One", "", " Two "]}, follow=True)
    assert messages_of(saved) == ["Saved Starter."]
    assert PricingPlan.objects.get(code="starter").features == ["One", "Two"]
    again = client.post(where, {**data, "feature": ["One", "", " Two "]}, follow=True)
    assert messages_of(again) == ["Saved Starter."]  # sent twice
    stale = client.post(where, {**data, "feature": ["Three"]})
    assert "was changed by somebody else" in stale.content.decode()
    assert 'value="Three"' in stale.content.decode()
    wrong = client.post(where, {"name": "", "feature": ["x" * 201] * 31})
    assert wrong.status_code == 400
    text = wrong.content.decode()
    for words in ("needs 1 to 100", "at most 30 features", "at most 200 characters"):
        assert words in text


def test_an_unknown_address_is_not_found_and_a_get_makes_no_draft(client, published):
    assert client.get("/dashboards/pricing/versions/99/edit").status_code == 404
    assert client.get("/dashboards/pricing/plans/none").status_code == 404
    assert client.post("/dashboards/pricing/books/none/draft").status_code == 404
    got = client.get("/dashboards/pricing/books/standard/draft")
    assert got.headers["Location"] == "/dashboards/pricing"
    assert PriceBookVersion.objects.count() == 1


def test_the_editor_costs_few_queries(client, draft, django_assert_max_num_queries):
    for number in range(20):
        add_charge(draft, title=f"Charge {number}")
    with django_assert_max_num_queries(25):
        assert client.get(path(draft)).status_code == 200


def test_the_first_day_is_what_was_entered(client, draft):
    data = form_of(client.get(path(draft)))
    client.post(path(draft), {**data, "effective_from": "2026-05-01", "do": "save"})
    draft.refresh_from_db()
    assert draft.effective_from == date(2026, 5, 1)
