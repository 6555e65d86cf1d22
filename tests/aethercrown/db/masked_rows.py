"""A row of each model with a secret-bearing column."""

from collections.abc import Callable
from typing import Any

from django.utils import timezone

from operations.health.models import Component
from operations.imports.models import RepeatingImport
from operations.messaging.models import Destination
from security.rotation.models import KeyChannel, ManagedSecret

HOOK = "https://hooks.example.com/services/T0123/canary-in-the-path"
TARGET = "https://shop.example.com/health?token=canary-in-the-query"
SECRET_CONFIG = {"url": "https://hooks.example.com/services/canary?token=canary", "port": 3}


def managed_key(**fields):
    now = timezone.now()
    return ManagedSecret.objects.create(
        **{
            "key_id": "shop",
            "key_type": "secret",
            "rotator": "webhook",
            "interval_days": 90,
            "created_at": now,
            "due_at": now,
            "eligible_at": now,
            "config": SECRET_CONFIG,
            "registered": SECRET_CONFIG,
            **fields,
        }
    )


MAKERS: dict[
    str, Callable[[], Any]
] = {  # of each model with such a column: a row whose secret has "canary" in it
    "operations.Component": lambda: Component.objects.create(
        name="shop", kind="http", target=TARGET
    ),
    "operations.Destination": lambda: Destination.objects.create(
        name="chat",
        channel="webhook",
        address=HOOK,
        sealed_secret="x",  # noqa: S106 - made up
    ),
    "operations.RepeatingImport": lambda: RepeatingImport.objects.create(
        name="spend", kind="customers", place="https", address=HOOK
    ),
    "security.ManagedSecret": managed_key,
    "security.KeyChannel": lambda: KeyChannel.objects.create(
        key=managed_key(key_id="shop 2"), name="web", kind="webhook", config=SECRET_CONFIG
    ),
}
