"""A secret in an address is shown to nobody, and no filter finds it."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import FieldError
from django.urls import reverse

from aethercrown.db.masked import MaskedAddressFormField, masked_columns
from aethercrown.history import display
from aethercrown.monitoring.redaction import mask_address
from operations.health.models import Component
from operations.messaging.models import Destination

HOOK = "https://hooks.example.com/services/T0123/canary-in-the-path"
TARGET = "https://shop.example.com/health?token=canary-in-the-query"


@pytest.mark.parametrize(
    ("value", "hidden", "shown"),
    [
        (HOOK, "https://hooks.example.com/***", "https://hooks.example.com/services/T0123/canary-in-the-path"),
        (TARGET, "https://shop.example.com/***", "https://shop.example.com/health?***"),
        ("https://a.example", "https://a.example", "https://a.example"),
        ("https://a.example?k=v", "https://a.example/***", "https://a.example?***"),
        ("https://u:p@a.example/x#f", "https://***@a.example/***", "https://***@a.example/x?***"),
        ("ops@example.com", "ops@example.com", "ops@example.com"),
        ("db.example.com:5432", "db.example.com:5432", "db.example.com:5432"),
        ("db.example.com?k=v", "db.example.com?***", "db.example.com?***"),
        ("", "", ""),
    ],
)  # fmt: skip
def test_what_is_left_of_an_address(value, hidden, shown):
    assert mask_address(value, hide_path=True) == hidden
    assert mask_address(value, hide_path=False) == shown


@pytest.fixture
def hook(db):
    return Destination.objects.create(
        name="chat",
        channel="webhook",
        address=HOOK,
        sealed_secret="sealed",  # noqa: S106 - made up
    )


@pytest.fixture
def component(db):
    return Component.objects.create(name="shop", kind="http", target=TARGET)


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.mark.parametrize("look", ["startswith", "contains", "regex", "gt", "iexact", "length__gt"])
def test_no_filter_finds_it_letter_by_letter(hook, look):
    with pytest.raises(FieldError):
        list(Destination.objects.filter(**{f"address__{look}": "https"}))
    assert Destination.objects.filter(address=HOOK, address__in=[HOOK]).exists()


@pytest.mark.django_db
def test_nor_in_the_admin(admin_client, hook, component):
    for path, name in (("operations_destination", "address"), ("operations_component", "target")):
        there = reverse(f"admin:{path}_changelist")
        for guess in ("https://hooks", "https://other", "https://shop"):
            answer = admin_client.get(f"{there}?{name}__startswith={guess}")
            assert answer.headers["Location"] == f"{there}?e=1"


def change(row, client):
    name = row._meta.model_name
    return reverse(f"admin:operations_{name}_change", args=[row.pk])


def test_the_form_shows_the_mask_and_keeps_what_is_stored(admin_client, hook):
    page = admin_client.get(change(hook, admin_client))
    assert b"canary" not in page.content
    assert b"https://hooks.example.com/***" in page.content
    given = {"name": "chat 2", "channel": "webhook", "least_severity": "warning"}
    kept = {**given, "address": "https://hooks.example.com/***"}
    assert admin_client.post(change(hook, admin_client), kept).status_code == 302
    hook.refresh_from_db()
    assert (hook.name, hook.address) == ("chat 2", HOOK)


def test_another_mask_is_refused_and_a_new_address_taken(admin_client, hook):
    given = {"name": "chat", "channel": "webhook", "least_severity": "warning"}
    wrong = {**given, "address": "https://other.example.com/***"}
    page = admin_client.post(change(hook, admin_client), wrong)
    assert b"Write the whole address" in page.content
    assert b"https://other.example.com/***" in page.content
    new = "https://hooks.example.com/new"
    assert (
        admin_client.post(change(hook, admin_client), {**given, "address": new}).status_code == 302
    )
    hook.refresh_from_db()
    assert hook.address == new


def test_the_history_shows_it_masked(hook, component):
    hook.address = f"{HOOK}-changed"
    hook.save()
    component.target = f"{TARGET}-changed"
    component.save()
    told = str([*(display.changes(hook) or ()), *(display.changes(component) or ())])
    assert "canary" not in told
    assert "https://hooks.example.com/***" in told
    assert "https://shop.example.com/health?***" in told


def test_who_may_only_look_sees_it_masked(client, hook, component, django_user_model):
    eve = django_user_model.objects.create_user("eve", is_staff=True)
    eve.groups.add(Group.objects.get(name="viewer"))
    client.force_login(eve)
    for row in (hook, component):
        page = client.get(change(row, client))
        assert page.status_code == 200
        assert b"canary" not in page.content
        assert b"example.com" in page.content
        listed = client.get(reverse(f"admin:operations_{row._meta.model_name}_changelist"))
        assert b"canary" not in listed.content
        story = client.get(
            reverse(f"admin:operations_{row._meta.model_name}_history", args=[row.pk])
        )
        assert b"canary" not in story.content


def test_every_screen_of_such_a_column_has_a_masked_form():
    found = {
        model._meta.label: columns
        for model in admin.site._registry
        if (columns := masked_columns(model))
    }
    assert set(found) == {"operations.Component", "operations.Destination"}
    for columns in found.values():
        for each in columns:
            assert isinstance(each.formfield(), MaskedAddressFormField)
