"""Give the current value of a key to the API key that a pull channel binds it to."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction

from aethercrown.transitions import InvalidTransition
from security.apikeys.models import ApiKey
from security.rotation import reports
from security.rotation.models import KeyChannel, ManagedSecret, SecretVersion
from security.rotation.services import steps
from security.rotation.services.lifecycle import get
from security.rotation.services.steps import Lease


class NotBoundToKey(Exception):
    """No pull channel lets this API key have the value; the API answers 403."""


@dataclass(frozen=True, slots=True)
class RevealedValue:
    """The current value, its version, and until when the previous one works."""

    key_id: str
    version: int
    value: str = field(repr=False)
    detail: dict[str, Any]
    previous_valid_until: datetime | None


@transaction.atomic
def reveal(key_id: str, api_key: int, *, actor: str, now: datetime) -> RevealedValue:
    """The current value, recorded as read.

    Raises SecretNotFound, NotBoundToKey, and InvalidTransition if there is no value to give.
    """
    key = get(key_id)
    channel = _channel(key, api_key)
    version = steps.current_version(key)
    if version is None or version.ciphertext is None:
        raise InvalidTransition(f"{key} has no value that can be given: it is {key.state}.")
    detail = {"version": version.number, "channel": channel.name, "api_key": api_key}
    steps.record_event(Lease(key, key.fencing_token, actor), "key.revealed", detail, now)
    steps.note_read(channel, version, now)
    retiring = SecretVersion.objects.filter(key=key, state=SecretVersion.State.RETIRING)
    until = retiring.order_by("-retire_at").values_list("retire_at", flat=True).first()
    shown = {name: each for name, each in version.detail.items() if name == "role"}
    return RevealedValue(key.key_id, version.number, reports.decrypt(key, version), shown, until)


def _channel(key: ManagedSecret, api_key: int) -> KeyChannel:
    """The pull channel of this API key, or of one that it replaced."""
    bound = {
        each.api_key_id: each
        for each in KeyChannel.objects.filter(key=key, kind=KeyChannel.Kind.PULL)
    }
    candidate: int | None = api_key
    seen = 0
    while candidate is not None and seen < reports.MAX_SUCCESSORS:
        if candidate in bound:
            return bound[candidate]
        replaced = ApiKey.objects.filter(replaced_by=candidate).values_list("pk", flat=True)
        candidate, seen = replaced.first(), seen + 1
    raise NotBoundToKey(f"No delivery channel of {key} names this API key.")
