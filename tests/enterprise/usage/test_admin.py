"""Usage in the admin: a backfill by hand, limits that are only added, confirmed metrics."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from enterprise.usage import admin as screens
from enterprise.usage.models import UsageBackfill, UsageEvent, UsageLimit, UsageMetric, UsagePolicy
from tests.enterprise.usage.conftest import CALLS, HOUR, event, track

pytestmark = pytest.mark.django_db


def at(name, *args):
    return reverse(f"admin:enterprise_{name}", args=args)


def body(*events, **more):
    return {"events": json.dumps({"events": list(events)}), "mode": "add", **more}


def test_a_backfill_is_previewed_applied_and_reverted_by_hand(admin_client, client_row, calls):
    now = timezone.now()
    form = at("usagebackfill_preview_backfill")
    assert "Preview a backfill" in admin_client.get(form).content.decode()
    admin_client.post(form, body(event("o1", 7, now - 1000 * HOUR), event("o2", -1, now)))
    row = UsageBackfill.objects.get()
    page = admin_client.get(at("usagebackfill_change", row.pk)).content.decode()
    assert "1 event accepted, 1 event rejected" in page
    assert f"{CALLS} of acme, " in page
    assert "Adjustments bill acme $0.00 in the open month." in page
    for step, state in (("apply_backfill", "applied"), ("revert_backfill", "reverted")):
        address = at(f"usagebackfill_{step}", row.pk)
        assert row.preview["days"][0]["day"]
        assert admin_client.get(address).status_code == 200
        admin_client.post(address)
        assert UsageBackfill.objects.get().state == state
    answer = admin_client.post(at("usagebackfill_revert_backfill", row.pk), follow=True)
    assert "cannot become reverted" in answer.content.decode()


def test_a_backfill_is_previewed_from_a_csv_file(admin_client, client_row, calls):
    at = (timezone.now() - 1000 * HOUR).isoformat()
    text = f"event_id,client_id,metric,quantity,timestamp\no1,acme,{CALLS},7,{at}\n"
    form = reverse("admin:enterprise_usagebackfill_preview_backfill")
    assert 'enctype="multipart/form-data"' in admin_client.get(form).content.decode()
    file = SimpleUploadedFile("lost.csv", text.encode())
    admin_client.post(form, {"file": file, "mode": "add"})
    assert UsageBackfill.objects.get().preview["accepted"] == 1


@pytest.mark.parametrize(
    ("form", "words"),
    [
        ({"events": "{", "mode": "add"}, "no such JSON"),
        ({"events": "event_id;client_id\n1;2", "mode": "add"}, "no such CSV"),
        ({"mode": "add"}, "Either text or a file is needed"),
        ({"file": SimpleUploadedFile("x.csv", b"\xff"), "mode": "add"}, "not UTF-8"),
        (
            {"file": SimpleUploadedFile("x.csv", b"a" * 2_100_000), "mode": "add"},
            "larger than 2 MiB",
        ),
        ({"events": '{"events": []}', "mode": "add"}, "1 to 5,000"),
        (body(5, mode="replace"), "A replacement needs it."),
        (
            body(5, mode="replace", client="acme", metric=CALLS, start="now", end="then"),
            "must be a time",
        ),
        (
            body(
                5,
                mode="replace",
                client="acme",
                metric=CALLS,
                start="2027-03-01T00:00:00Z",
                end="2027-03-01T00:00:00Z",
            ),
            "must be after",
        ),
    ],
)
def test_what_is_wrong_with_a_backfill_is_said(admin_client, client_row, calls, form, words):
    answer = admin_client.post(at("usagebackfill_preview_backfill"), form)
    assert words in answer.content.decode()
    assert not UsageBackfill.objects.exists()


def test_a_limit_is_added_in_the_persons_name_and_never_changed(admin_client, client_row, calls):
    form = {
        "customer": client_row.pk,
        "metric": calls.pk,
        "quantity": "250",
        "valid_from_0": "2027-03-01",
        "valid_from_1": "00:00:00",
    }
    admin_client.post(at("usagelimit_add"), form)
    row = UsageLimit.objects.get()
    assert (row.quantity, row.source) == (250, "staff")
    assert row.recorded_by
    assert admin_client.post(at("usagelimit_delete", row.pk)).status_code == 403


def test_a_metric_is_confirmed_and_keeps_its_kind_once_used(admin_client, client_row):
    track(event("e1", metric="widgets"))
    row = UsageMetric.objects.get()
    empty = {"thresholds-TOTAL_FORMS": 0, "thresholds-INITIAL_FORMS": 0}
    form = {"title": "Widgets", "unit": "", "is_confirmed": "on", "kind": "gauge", **empty}
    admin_client.post(at("usagemetric_change", row.pk), form)
    row.refresh_from_db()
    assert (row.title, row.is_confirmed, row.kind) == ("Widgets", True, "counter")
    new = {**form, "code": "seats", "aggregation": "sum"}
    assert (
        "A gauge takes its last reading"
        in admin_client.post(at("usagemetric_add"), new).content.decode()
    )
    admin_client.post(at("usagemetric_add"), {**new, "aggregation": "last"})
    assert UsageMetric.objects.filter(code="seats", kind="gauge").exists()


def test_the_policy_is_one_row(admin_client):
    admin_client.post(at("usagepolicy_add"), {"raw_months": 6})
    assert UsagePolicy.objects.get().pk == 1
    assert admin_client.get(at("usagepolicy_add")).status_code == 403


def test_events_are_imported_from_a_file(admin_client, client_row):
    assert admin_client.get(at("usageevent_changelist")).status_code == 200
    assert screens.UsageEventAdmin.import_kinds == ("usage-events",)
    assert not UsageEvent.objects.exists()


def test_what_adjustments_bill_is_said_in_money_or_why_it_is_not_known():
    known = {"client_id": "acme", "amount": 12.5, "currency": "USD", "reason": ""}
    assert screens.adjustment_sentence(known) == "Adjustments bill acme $12.50 in the open month."
    unknown = {**known, "amount": None, "reason": "No prices are published."}
    assert screens.adjustment_sentence(unknown).endswith("No prices are published.")
