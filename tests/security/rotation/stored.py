"""The values that are stored of a managed key."""

from typing import Any

from django.utils import timezone

from security.apikeys import services as apikeys
from security.apikeys.scopes import REVEAL
from security.rotation import reports
from security.rotation.models import KeyChannel, ManagedSecret, SecretVersion
from security.rotation.registry import rotators


def current_value(key_id):
    """The current value; SecretVersion.DoesNotExist where there is none."""
    rows = SecretVersion.objects.filter(key__key_id=key_id, state="current").select_related("key")
    version = rows.get()
    return reports.decrypt(version.key, version)


def working_values(key_id):
    """Every value that works, the current one first: during the grace there are two."""
    rows = SecretVersion.objects.filter(key__key_id=key_id, state__in=["current", "retiring"])
    rows = rows.select_related("key").order_by("-number")
    return [reports.decrypt(each.key, each) for each in rows]


def deliver(*keys):
    """Give each key what lets it be rotated without a person: its users get the new value."""
    now = timezone.now()
    for key in keys:
        if rotators.get(key.rotator).delivers:
            ManagedSecret.objects.filter(pk=key.pk).update(delivery_tested_at=now)
        else:
            puller(key, tested_at=now)


def puller(key, name="web servers", **more):
    """A pull channel of the key; its `plaintext` is the API key that may ask."""
    issued = apikeys.create(name, [REVEAL])
    channel: Any = KeyChannel.objects.create(
        key=key, name=name, kind="pull", api_key=issued.key, **more
    )
    channel.plaintext = issued.plaintext
    return channel
