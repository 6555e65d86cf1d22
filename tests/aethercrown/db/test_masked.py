"""A secret in an address is shown to nobody, and no filter finds it."""

import json

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group
from django.core.exceptions import FieldError, ValidationError
from django.urls import reverse

from aethercrown.db.config_names import masked_config
from aethercrown.db.masked import (
    MaskedAddressFormField,
    MaskedConfigFormField,
    masked_columns,
)
from aethercrown.history import display
from aethercrown.monitoring.redaction import mask_address
from operations.health.models import Component
from operations.messaging.models import Destination
from security.rotation.models import ManagedSecret
from security.rotation.registry import SHOWN, InvalidConfig, channels, rotators
from tests.aethercrown.db.masked_rows import HOOK, MAKERS, SECRET_CONFIG, TARGET, managed_key


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


MASKED = [
    (model, field)
    for model in apps.get_models()
    if not hasattr(model, "history_id")
    for field in masked_columns(model)
]


def test_each_model_with_such_a_column_is_tried_and_has_a_screen():
    assert {model._meta.label for model, _field in MASKED} == set(MAKERS)
    assert {model for model, _field in MASKED} <= set(admin.site._registry)
    for _model, field in MASKED:
        assert isinstance(field.formfield(), MaskedAddressFormField | MaskedConfigFormField)


@pytest.mark.django_db
@pytest.mark.parametrize(("model", "field"), MASKED, ids=lambda each: getattr(each, "__name__", ""))
def test_no_screen_history_or_filter_of_it_shows_the_secret(admin_client, model, field):
    row = MAKERS[model._meta.label]()
    row.refresh_from_db()
    assert "canary" in str(getattr(row, field.name))
    row.save()
    there = f"admin:{model._meta.app_label}_{model._meta.model_name}"
    listed = reverse(f"{there}_changelist")
    pages = [reverse(f"{there}_{name}", args=[row.pk]) for name in ("change", "history")]
    if model is ManagedSecret:
        pages.append(reverse(f"{there}_edit", args=[row.pk]))
    for path in [listed, *pages]:
        page = admin_client.get(path, follow=True)
        assert page.status_code == 200
        assert b"canary" not in page.content, path
    assert "canary" not in str(display.changes(row))
    for look in ("startswith", "contains", "url__startswith", "url", "url__contains", "has_key"):
        answer = admin_client.get(f"{listed}?{field.name}__{look}=h")
        assert answer.headers["Location"] == f"{listed}?e=1"
        with pytest.raises(FieldError):
            model.objects.filter(**{f"{field.name}__{look}": "h"}).exists()


class TestConfigurations:
    FORM = MaskedConfigFormField(names=SHOWN)
    MASKED = {"url": "https://hooks.example.com/***", "port": 3}

    def test_the_mask_sent_back_keeps_what_is_stored(self):
        assert masked_config(SECRET_CONFIG, SHOWN) == self.MASKED
        given = json.dumps({**self.MASKED, "port": 4})
        assert self.FORM.unmasked(given, SECRET_CONFIG) == {**SECRET_CONFIG, "port": 4}
        assert not self.FORM.has_changed(SECRET_CONFIG, json.dumps(self.MASKED))
        assert self.FORM.has_changed(SECRET_CONFIG, given)
        assert self.FORM.has_changed(SECRET_CONFIG, "{")

    def test_no_stored_secret_goes_along_to_another_host(self):
        for given in ({"url": "https://evil.example/***"}, {"other": self.MASKED["url"]}):
            with pytest.raises(ValidationError, match="whole value"):
                self.FORM.unmasked(json.dumps(given), SECRET_CONFIG)

    @pytest.mark.parametrize("given", ["5", "[1]", '"x"', "true"])
    def test_what_is_no_object_is_refused_by_every_form(self, admin_client, db, given):
        with pytest.raises(ValidationError, match="Write an object"):
            self.FORM.unmasked(given, SECRET_CONFIG)
        key = managed_key()
        edit = reverse("admin:security_managedsecret_edit", args=[key.pk])
        posted = {"level": "high", "owner": "", "config": given}
        page = admin_client.post(edit, posted)
        assert "Write an object" in page.content.decode()
        new = {"key_id": "n", "key_type": "secret", "level": "low", "rotator": "generated"}
        page = admin_client.post(
            reverse("admin:security_managedsecret_add"), {**new, "config": given}
        )
        assert "Write an object" in page.content.decode()
        channel = {"key": key.pk, "name": "web", "kind": "webhook", "config": given}
        page = admin_client.post(reverse("admin:security_keychannel_add"), channel)
        assert "Write an object" in page.content.decode()

    def test_to_the_migrations_it_is_a_text(self):
        for model, name in (("ManagedSecret", "config"), ("KeyChannel", "config")):
            field = apps.get_model("security", model)._meta.get_field(name)
            assert field.deconstruct()[1] == "django.db.models.TextField"
        address = Destination._meta.get_field("address").deconstruct()
        assert (address[1], "max_length" in address[3]) == ("django.db.models.TextField", False)

    def test_a_value_is_masked_by_its_name_and_not_by_its_form(self):
        token = "ac_live_" + "a" * 49
        plain = {"path": "shop/db.json", "secret": "shop-db", "port": 5432}
        config = {
            **plain,
            "roles": [f"key {token}", 1, None],
            "host": {"inner": "canary"},
            "url": ["canary"],
            "bearer": "canary",
            "pin": 1234,
            "more": {"url": "https://a.example"},
        }
        assert masked_config(config, SHOWN) == {
            **plain,
            "roles": ["key ***", 1, None],
            **dict.fromkeys(("host", "url", "bearer", "pin", "more"), "***"),
        }
        assert self.FORM.unmasked(json.dumps(masked_config(config, SHOWN)), config) == config

    def test_a_key_is_changed_without_its_address_typed_again(self, admin_client, db):
        key = managed_key()
        there = reverse("admin:security_managedsecret_edit", args=[key.pk])
        shown = admin_client.get(there, follow=True).content.decode()
        assert "hooks.example.com/***" in shown
        kept = {"level": "high", "owner": "ops", "config": json.dumps({"url": self.MASKED["url"]})}
        ManagedSecret.objects.update(config={"url": str(SECRET_CONFIG["url"]).partition("?")[0]})
        admin_client.post(there, kept, follow=True)
        key.refresh_from_db()
        assert (key.level, key.owner) == ("high", "ops")
        assert key.config == {"url": "https://hooks.example.com/services/canary"}

    def test_of_each_kind_it_is_said_whether_a_value_may_be_shown(self):
        ours = [e for e in (*rotators, *channels) if type(e).__module__.startswith("security.")]
        for kind in ours:
            with pytest.raises(InvalidConfig, match="known") as refused:
                kind.validate_config({"?": ""})
            known = str(refused.value).rpartition("known: ")[2].rstrip(".")
            names = set() if known == "nothing" else set(known.split(", "))
            assert names <= SHOWN.plain | SHOWN.addresses, kind.name
