"""The screens of pricing: drafts edited, versions published, quotes asked about."""

import re

import pytest
from django.urls import reverse

from operations.decisions.models import Decision
from revenue.pricing.models import PriceBook, PriceBookVersion
from tests.operations.people import messages_of, staff
from tests.revenue.pricing.conftest import add_charge

VERSIONS = "/admin/revenue/pricebookversion/"


def page(row):
    return reverse(f"admin:revenue_{row._meta.model_name}_change", args=[row.pk])


def act(client, path, action, row):
    return client.post(path, {"action": action, "_selected_action": [row.pk]}, follow=True)


def form_of(client, path):
    """What a browser would post back unchanged."""
    context = client.get(path).context
    forms = [context["adminform"].form]
    data = {}
    for each in context["inline_admin_formsets"]:
        forms += [each.formset.management_form, *each.formset.forms]
    for form in forms:
        for field in form:
            value = field.value()
            data[field.html_name] = "" if value is None else value
    return data


def test_a_draft_is_made_from_its_book(admin_client, published):
    shown = act(admin_client, "/admin/revenue/pricebook/", "draft", PriceBook.objects.get())
    assert "standard version 2" in messages_of(shown)[0]
    assert PriceBookVersion.objects.get(number=2).is_draft


def test_a_drafts_rows_are_edited(admin_client, draft):
    data = form_of(admin_client, page(draft))
    data["prices-0-base_price"] = "35"
    assert admin_client.post(page(draft), data).status_code == 302
    assert draft.prices.filter(base_price=35).count() == 1


def test_a_charge_is_edited_in_plain_fields_and_a_wrong_one_is_named(admin_client, draft):
    add_charge(draft)
    data = form_of(admin_client, page(draft))
    assert data["charges-0-unit"] == "0.001"
    data |= {"charges-0-model": "volume", "charges-0-unit": "", "charges-0-tiers": "9, 2\n5, 1\n"}
    shown = admin_client.post(page(draft), data).content.decode()
    assert "Line 2: up_to must be above 9, not 5" in shown
    data["charges-0-unit"] = "1"
    shown = admin_client.post(page(draft), data).content.decode()
    assert "is not used by volume; leave it empty" in shown
    data |= {"charges-0-unit": "", "charges-0-tiers": "9, 2\n, 1, 5", "charges-0-minimum": "3"}
    assert admin_client.post(page(draft), data).status_code == 302
    assert draft.charges.get().price == {
        "tiers": [{"up_to": "9", "unit": "2"}, {"up_to": None, "unit": "1", "flat": "5"}],
        "minimum": "3",
    }


def test_a_charge_is_previewed_below_its_fields(admin_client, draft):
    row = add_charge(draft)
    data = form_of(admin_client, page(draft))
    assert (
        "In USD, a use of 1 costs 0.00; 10 costs 0.01"
        in admin_client.get(page(draft)).content.decode()
    )
    text = admin_client.get(page(draft)).content.decode()
    [button] = re.findall(r'name="(\w+)"[^>]*>\s*Save and work out', text)
    data |= {"charges-0-unit": "0.25", "charges-0-use": "1000", button: ""}
    found = admin_client.post(page(draft), data)
    assert f"use_of_{row.pk}=1000" in found.headers["Location"]
    shown = admin_client.get(found.headers["Location"]).content.decode()
    assert "A use of 1,000 costs 250.00 USD." in shown
    assert draft.charges.get().price == {"unit": "0.25"}
    before = draft.charges.get().history.count()
    data |= {"charges-0-use": "-4"}
    shown = admin_client.post(page(draft), data, follow=True).content.decode()
    assert "use must be 0 or more" in shown
    assert draft.charges.get().history.count() == before  # a preview is no change


def test_a_published_versions_charges_are_told_in_words(admin_client, draft):
    add_charge(draft, model="volume", price={"tiers": [{"up_to": 9, "unit": 2}, {"unit": 1}]})
    admin_client.post(reverse("admin:revenue_pricebookversion_publish_one", args=[draft.pk]))
    shown = admin_client.get(page(draft)).content.decode()
    assert "tiers: 9, 2\n, 1" in shown


def test_a_version_is_published_and_retired_by_buttons(admin_client, draft):
    path = reverse("admin:revenue_pricebookversion_publish_one", args=[draft.pk])
    assert "can never be changed" in admin_client.get(path).content.decode()
    shown = admin_client.post(path, follow=True)
    assert "Published standard version 2." in messages_of(shown)
    retire = reverse("admin:revenue_pricebookversion_retire_one", args=[draft.pk])
    assert "prices nothing new" in admin_client.get(retire).content.decode()
    admin_client.post(retire)
    assert PriceBookVersion.objects.get(pk=draft.pk).state == "retired"


def test_a_published_version_is_only_read(admin_client, published):
    shown = admin_client.get(page(published))
    assert shown.status_code == 200
    assert not shown.context["has_change_permission"]
    assert admin_client.post(page(published), {"notes": "x"}).status_code == 403


def test_publishing_and_retiring_are_actions(admin_client, draft):
    def told(action):
        return messages_of(act(admin_client, VERSIONS, action, draft))[0]

    assert told("publish") == "Published standard version 2."
    assert "is published; it cannot become published" in told("publish")
    assert told("retire") == "Retired standard version 2."
    assert "is retired; it cannot become retired" in told("retire")


def test_what_stands_against_a_draft_is_shown(admin_client, draft):
    draft.prices.filter(plan__code="starter").update(base_price="35.005")
    assert "has more than the 2 decimals of USD" in admin_client.get(page(draft)).content.decode()
    shown = act(admin_client, VERSIONS, "publish", draft)
    assert "starter.base_price" in messages_of(shown)[0]


def test_who_may_not_approve_cannot_publish(client, draft):
    person = staff(client, "revenue.view_pricebookversion", "revenue.change_pricebookversion")
    act(person, VERSIONS, "publish", draft)
    draft.refresh_from_db()
    assert draft.is_draft


def test_a_quote_is_read_and_another_price_asked_for(admin_client, quoted):
    assert "Line by line" in admin_client.get(page(quoted)).content.decode()
    path = reverse("admin:revenue_quote_request_override", args=[quoted.pk])
    assert "A person decides." in admin_client.get(path).content.decode()
    wrong = admin_client.post(path, {"amount": "1.001", "reason": "x"})
    assert "at most 2 decimals" in wrong.content.decode()
    shown = admin_client.post(path, {"amount": "70", "reason": "large"}, follow=True)
    assert "waits" in messages_of(shown)[0]
    assert Decision.objects.get().after == {"agreed_price": "70"}


def test_who_may_not_see_quotes_cannot_ask(client, quoted):
    person = staff(client, "security.operate")
    assert (
        person.get(reverse("admin:revenue_quote_request_override", args=[quoted.pk])).status_code
        == 403
    )


@pytest.mark.parametrize("name", ["pricingplan", "pricebook", "pricebookversion", "quote"])
def test_every_list_opens(admin_client, quoted, name):
    assert admin_client.get(f"/admin/revenue/{name}/").status_code == 200


def test_codes_stay_once_given(admin_client, published):
    plan = published.prices.first().plan
    for row in (plan, published.book):
        shown = admin_client.get(page(row)).context["adminform"]
        assert "code" in shown.readonly_fields
    assert admin_client.get("/admin/revenue/pricingplan/add/").status_code == 200
    assert admin_client.get("/admin/revenue/pricebook/add/").status_code == 200
