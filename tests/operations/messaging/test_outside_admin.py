"""Addresses, sending rules and texts of mail in the admin."""

import pytest
from django.urls import reverse

from operations.messaging import services
from operations.messaging.models import MailTemplateVersion, RecipientAddress, SendingRule
from tests.operations.messaging.services.conftest import ADA, unwanted

__all__ = ["unwanted"]
pytestmark = pytest.mark.django_db
ADDRESS = "admin:operations_recipientaddress"
TEMPLATE = "admin:operations_mailtemplateversion"


def test_an_address_is_suppressed_found_and_allowed_again(admin_client):
    page = reverse(f"{ADDRESS}_suppress")
    assert "not even invoices" in admin_client.get(page).text
    assert admin_client.post(page, {"address": "nobody"}).status_code == 200
    assert admin_client.post(page, {"address": ADA}).status_code == 302
    row = RecipientAddress.objects.get()
    assert (row.suppression, row.suppression_reason) == ("all", "by_staff")
    listed = reverse(f"{ADDRESS}_changelist")
    assert f"address {row.pk}" in admin_client.get(listed, {"q": ADA.lower()}).text
    assert f"address {row.pk}<" not in admin_client.get(listed, {"q": "bob@example.org"}).text
    again = reverse(f"{ADDRESS}_allow_again", args=[row.pk])
    assert "Who unsubscribed" in admin_client.get(again).text
    for said in ("none", "none"):
        admin_client.post(again)
        row.refresh_from_db()
        assert row.suppression == said


def test_a_text_is_drafted_checked_and_published(admin_client):
    add = reverse(f"{TEMPLATE}_add")
    wrong = {"kind": "service", "locale": "", "subject": "{{ plan }}", "text": "x"}
    assert "There is no field plan" in admin_client.post(add, wrong).text
    good = wrong | {"subject": "For {{ contact_name }}"}
    assert admin_client.post(add, good).status_code == 302
    row = MailTemplateVersion.objects.get()
    page = reverse(f"{TEMPLATE}_change", args=[row.pk])
    assert "{{ total }}: how much" in admin_client.get(page).text
    better = {"subject": "For {{ contact_name }}", "text": "Better."}
    assert admin_client.post(page, better).status_code == 302
    assert MailTemplateVersion.objects.get().text == "Better."
    publish = reverse(f"{TEMPLATE}_publish", args=[row.pk])
    assert "Write every further mail" in admin_client.get(publish).text
    admin_client.post(publish)
    row.refresh_from_db()
    assert row.state == "published"
    assert "never changes" in admin_client.post(publish, follow=True).text
    assert 'name="subject"' not in admin_client.get(page).text
    assert admin_client.get(reverse(f"{TEMPLATE}_delete", args=[row.pk])).status_code == 403


def test_rules_are_edited_and_neither_added_nor_deleted(admin_client):
    row = SendingRule.objects.get(purpose="reminder")
    assert str(row) == "Sending rule of reminder mail"
    page = reverse("admin:operations_sendingrule_change", args=[row.pk])
    given = {
        "quiet_from": "22:00", "quiet_until": "07:00", "most_a_day": "2", "most_a_week": "",
        "longest_wait_hours": "24",
    }  # fmt: skip
    assert admin_client.post(page, given).status_code == 302
    row.refresh_from_db()
    assert (row.limits.most_a_day, row.limits.most_a_week) == (2, None)
    assert admin_client.get(reverse("admin:operations_sendingrule_add")).status_code == 403


def test_a_template_of_a_kind_that_is_gone_is_still_shown(admin_client):
    row = MailTemplateVersion.objects.create(kind="gone", number=1, subject="S", text="T")
    page = reverse(f"{TEMPLATE}_change", args=[row.pk])
    assert "unknown kind" in admin_client.get(page).text
    assert services.address_hash(ADA)
