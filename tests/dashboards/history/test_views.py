"""The page of a row's history."""

import pytest
from django.contrib.auth.models import Group

from aethercrown.history.attribution import acting
from operations.automations.models import Automation, Run
from revenue.customers.models import Customer
from security.access.models import User
from security.access.roles import OPERATOR


@pytest.fixture
def changed(db):
    row = Automation.objects.get(name="marketing.optimize_budget")
    with acting("user:bob", "moved with the office"):
        row.zone = "Europe/Berlin"
        row.save()
    return row


def test_who_changed_what_stands_on_the_page_and_in_its_csv(page, changed):
    address = f"/dashboards/history/operations/automation/{changed.pk}"
    text = page.get(address).content.decode()
    for words in (f"History of {changed}", "bob", "Zone", "UTC", "Europe/Berlin"):
        assert words in text, words
    assert "Address" not in text, "only who may see the audit sees addresses"
    csv = b"".join(page.get(f"{address}?format=csv").streaming_content).decode()
    assert "Europe/Berlin" in csv


def test_who_sees_the_audit_sees_addresses_too(client, changed):
    client.force_login(User.objects.create_superuser("root"))
    assert ">Address<" in (
        client.get(f"/dashboards/history/operations/automation/{changed.pk}").content.decode()
    )


def test_a_row_that_was_never_changed_says_so(page):
    row = Customer.objects.create(external_id="a", name="Acme", currency="USD")
    row.history.all().delete()
    text = page.get(f"/dashboards/history/revenue/customer/{row.pk}").content.decode()
    assert "No change is recorded" in text


def test_what_has_no_history_and_what_is_not_theirs_is_refused(page, client, changed):
    run = Run.objects.first()
    for path in ("operations/automation/0", "no/such/1", "auth/permission/1", "sessions/session/1"):
        assert page.get(f"/dashboards/history/{path}").status_code == 404, path
    assert (
        run is None or page.get(f"/dashboards/history/operations/run/{run.pk}").status_code == 404
    )
    person = User.objects.get(username="vera")
    assert page.get(f"/dashboards/history/security/user/{person.pk}").status_code == 403
    operator = User.objects.create_user("olga")
    operator.groups.add(Group.objects.get(name=OPERATOR))
    client.force_login(operator)
    assert client.get(f"/dashboards/history/operations/automation/{changed.pk}").status_code == 200
