"""Secret-bearing columns are encrypted in the database, and read and written as before."""

import base64
import json

import pytest
from django.apps.registry import Apps
from django.core.exceptions import FieldError, ValidationError
from django.db import connection
from django.db.models import Model, TextField
from django.db.models.functions import Cast
from django.urls import reverse

from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.db.sealed import SealedMixin, seal_stored, sealed_columns
from operations.health.models import Component
from operations.messaging.models import Destination
from security.encryption import services
from security.rotation.models import ManagedSecret
from tests.aethercrown.db.masked_rows import HOOK, MAKERS, SECRET_CONFIG, managed_key

pytestmark = pytest.mark.django_db


def raw(row, column):
    """What the database holds."""
    rows = type(row)._base_manager.annotate(stored=Cast(column, TextField()))
    return rows.values_list("stored", flat=True).get(pk=row.pk)


def keys(*kids):
    return ",".join(f"{kid}:{base64.b64encode(kid.ljust(32).encode()).decode()}" for kid in kids)


def test_each_such_column_is_encrypted_in_its_table_and_its_history():
    rows = [make() for make in MAKERS.values()]
    seen = set()
    for row in rows:
        for each in (row, *row.history.all()):
            for field in each._meta.concrete_fields:
                if isinstance(field, SealedMixin):
                    seen.add(f"{each._meta.label}.{field.name}")
                    stored = raw(each, field.name)
                    assert "canary" not in stored
                    assert "example.com" not in stored
                    assert "canary" in str(getattr(type(each).objects.get(pk=each.pk), field.name))
    assert seen == {column.name for column in sealed_columns()}
    assert seen <= {column.name for column in sealing.columns}


def test_an_empty_value_is_an_empty_text():
    key = managed_key(config={}, registered={})
    assert (raw(key, "config"), raw(key, "registered")) == ("", "")
    key.refresh_from_db()
    assert (key.config, key.registered) == ({}, {})
    component = Component.objects.create(name="shop", kind="builtin")
    assert raw(component, "target") == ""


def test_equal_values_look_different_and_one_that_was_moved_does_not_open():
    first = Destination.objects.create(name="a", channel="webhook", address=HOOK)
    second = Destination.objects.create(name="b", channel="webhook", address=HOOK)
    assert raw(first, "address") != raw(second, "address")
    key = managed_key()
    with connection.cursor() as cursor:
        cursor.execute("UPDATE operations_destination SET address = %s", [raw(key, "config")])
    first.refresh_from_db()
    assert first.address == ""


def test_what_was_read_is_written_back_as_it_was_and_a_change_is_encrypted_anew():
    hook = Destination.objects.create(name="a", channel="webhook", address=HOOK)
    before = raw(hook, "address")
    hook = Destination.objects.get()
    hook.save()
    assert raw(hook, "address") == before
    assert hook.history.count() == 1  # equal values are no change, though ciphertexts differ
    hook.address = f"{hook.address}/more"
    hook.save()
    assert raw(hook, "address") != before
    Destination.objects.update(address="https://new.example.com")
    assert Destination.objects.get().address == "https://new.example.com"
    assert "new" not in raw(hook, "address")
    hook.address = "https://bulk.example.com"
    Destination.objects.bulk_update([hook], ["address"])
    assert Destination.objects.values_list("address", flat=True).get() == hook.address


def test_no_query_compares_it():
    for look in ("", "__exact", "__in", "__isnull", "__startswith", "__url"):
        for model, column in ((Destination, "address"), (ManagedSecret, "config")):
            with pytest.raises(FieldError):
                model.objects.filter(**{f"{column}{look}": HOOK}).exists()


def test_an_address_that_is_too_long_is_refused_by_the_model():
    hook = Destination(name="a", channel="webhook", address=f"{HOOK}{'x' * 2_048}")
    with pytest.raises(ValidationError) as refused:
        hook.full_clean()
    assert list(refused.value.message_dict) == ["address"]


def test_a_value_whose_key_is_lost_reads_as_empty_and_stays_until_it_is_entered_again(settings):
    settings.ENCRYPTION_KEYS = keys("k1")
    key, hook = managed_key(), Destination.objects.create(name="a", channel="webhook", address=HOOK)
    before = raw(key, "config"), raw(hook, "address")
    settings.ENCRYPTION_KEYS = keys("k2")
    for row in (key, hook):
        row.refresh_from_db()
        row.save()
    assert (key.config, hook.address) == ({}, "")
    assert (raw(key, "config"), raw(hook, "address")) == before
    key.config = {"url": "https://new.example.com"}
    key.save()
    key.refresh_from_db()
    assert key.config == {"url": "https://new.example.com"}
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    hook.refresh_from_db()
    assert hook.address == HOOK


def test_the_screens_open_without_the_key_so_that_a_value_can_be_entered_again(
    admin_client, settings
):
    settings.SECURE_SSL_REDIRECT = False
    settings.ENCRYPTION_KEYS = keys("k1")
    rows = [make() for make in MAKERS.values()]
    settings.ENCRYPTION_KEYS = keys("k2")
    for row in rows:
        there = f"admin:{row._meta.app_label}_{row._meta.model_name}"
        assert admin_client.get(reverse(f"{there}_changelist")).status_code == 200
        for name in ("change", "history"):
            assert admin_client.get(reverse(f"{there}_{name}", args=[row.pk])).status_code == 200


def test_rewrap_reaches_them_and_a_stale_copy_is_not_written_back(settings):
    settings.ENCRYPTION_KEYS = keys("k1")
    rows = [make() for make in MAKERS.values()]
    loaded = Destination.objects.get()
    settings.ENCRYPTION_KEYS = keys("k2", "k1")
    list(services.rewrap())
    loaded.save()
    settings.ENCRYPTION_KEYS = keys("k2")
    for row in rows:
        for each in (row, *row.history.all()):
            for field in each._meta.concrete_fields:
                if isinstance(field, SealedMixin):
                    assert json.loads(raw(each, field.name))[0] == "k2"
                    assert getattr(type(each).objects.get(pk=each.pk), field.name)


def test_a_row_that_changed_meanwhile_is_left_alone():
    hook = Destination.objects.create(name="a", channel="webhook", address=HOOK)
    (column,) = [each for each in sealed_columns() if each.model is Destination]
    (text,) = column.texts()
    Destination.objects.update(address="https://new.example.com")
    assert not column.replace(text, text.sealed)
    hook.refresh_from_db()
    assert hook.address == "https://new.example.com"
    with pytest.raises(DecryptionFailed):
        sealing.unseal(text.sealed, "another column")


def plain_table(app, name, column):
    """The model of a migration: the same table, its column plain text."""
    meta = type("Meta", (), {"apps": Apps(), "app_label": app, "db_table": f"{app}_{name.lower()}"})
    return type(name, (Model,), {"__module__": __name__, "Meta": meta, column: TextField()})


def test_the_migration_encrypts_what_is_stored_in_plain():
    """Plain values as a version before 0012 wrote them, in both tables."""
    hook = Destination.objects.create(name="a", channel="webhook", address=HOOK)
    key, empty = managed_key(), managed_key(key_id="empty", config={})
    with connection.cursor() as cursor:
        cursor.execute("UPDATE operations_destination SET address = %s", [HOOK])
        text = json.dumps(SECRET_CONFIG)
        cursor.execute("UPDATE security_managedsecret SET config = %s", [text])
        cursor.execute(
            "UPDATE security_managedsecret SET config = %s WHERE id = %s", ["{}", empty.pk]
        )
    seal_stored(plain_table("operations", "Destination", "address"), "address")
    seal_stored(plain_table("security", "ManagedSecret", "config"), "config")
    for row in (hook, key, empty):
        row.refresh_from_db()
    assert (hook.address, key.config, empty.config) == (HOOK, SECRET_CONFIG, {})
    assert raw(empty, "config") == ""
    assert "hooks" not in raw(hook, "address") + raw(key, "config")
