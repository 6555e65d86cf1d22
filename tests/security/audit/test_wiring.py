"""What the security officer must be able to read later stands in the chain, by whom."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.core.management import CommandError, call_command
from django.http import HttpResponse
from django.test import Client, RequestFactory

from aethercrown.history.attribution import AttributionMiddleware, acting, current_actor
from security.access.models import User
from security.apikeys import services as apikeys
from security.audit.models import Event
from tests.aethercrown.histories import history_of

pytestmark = pytest.mark.django_db


def told(stream):
    return list(Event.objects.filter(stream=stream).order_by("seq").values_list("event", "actor"))


@pytest.fixture
def admin(db):
    return User.objects.create_superuser("anna")


def test_an_api_key_tells_its_life():
    with acting("user:anna"):
        first = apikeys.create("shop", ["all"]).key
        second = apikeys.rotate(first.pk).key
        apikeys.revoke(second.pk)
        apikeys.revoke(second.pk)
    by_anna = [("apikey.created", "user:anna"), ("apikey.rotated", "user:anna")]
    assert told(f"apikey:{first.pk}") == by_anna
    assert told(f"apikey:{second.pk}") == [by_anna[0], ("apikey.revoked", "user:anna")]
    assert first.digest not in json.dumps(list(Event.objects.values_list("detail", flat=True)))


def test_exports_are_told(capsys):
    call_command("export_data", "channels")
    assert told("exports") == [("rows.exported", "")]
    assert Event.objects.get(stream="exports").subject == "channels"


def test_what_a_person_changes_in_the_admin_has_his_name_and_address(admin, rf):
    group = Group.objects.create(name="night shift")
    client = Client(REMOTE_ADDR="203.0.113.7")
    client.force_login(admin)
    request = rf.get("/")
    request.user = admin

    def view(_request):
        group.name = "day shift"
        group.save()

    AttributionMiddleware(view)(request)
    row = history_of(group).first()
    assert (row.history_user_id, row.history_address) == ("user:anna", "127.0.0.1")
    assert told("history:auth.group")[-1] == ("history.changed", "user:anna")


def test_what_a_key_changes_has_the_keys_name():
    request: Any = RequestFactory().get("/")  # who signs in sets its credential
    request.credential = apikeys.Credential(12, "shop", frozenset())
    seen = []

    def view(_request):
        seen.append(current_actor().actor)
        return HttpResponse()

    AttributionMiddleware(view)(request)
    AttributionMiddleware(view)(RequestFactory().get("/"))
    assert seen == ["key:12 shop", ""]


def test_the_past_of_a_row_is_a_page_of_the_admin(admin):
    group = Group.objects.create(name="night shift")
    group.name = "day shift"
    with acting("user:bob", "Too dark", "203.0.113.9"):
        group.save()
    client = Client()
    client.force_login(admin)
    page = client.get(f"/admin/auth/group/{group.pk}/history/").content.decode()
    for words in ("user:bob", "Too dark", "203.0.113.9", "night shift</del> <ins>day shift"):
        assert words in page
    answer = client.get(f"/admin/security/apikey/{apikeys.create('a', ['all']).key.pk}/history/")
    assert "created" in answer.content.decode()


def test_the_chain_is_read_and_nothing_else(admin):
    with acting("user:bob"):
        Group.objects.create(name="night shift")
    client = Client()
    client.force_login(admin)
    event = Event.objects.first()
    assert event is not None
    assert "history.created" in client.get("/admin/security/event/").content.decode()
    assert client.get(f"/admin/security/event/{event.pk}/change/").status_code == 200
    assert client.post(f"/admin/security/event/{event.pk}/delete/").status_code == 403
    assert client.get("/admin/security/event/add/").status_code == 403
    assert client.get("/admin/security/anchor/").status_code == 200


def test_the_command_says_that_all_is_well_or_what_is_not(settings, tmp_path, capsys):
    settings.AUDIT_ANCHORS = tmp_path
    Group.objects.create(name="night shift")
    call_command("verify_audit")
    assert "1 event in" in capsys.readouterr().out
    history_of(Group).update(name="other")
    with pytest.raises(CommandError, match="1 fault,"):
        call_command("verify_audit")
    assert "altered: history:auth.group 1" in capsys.readouterr().err
