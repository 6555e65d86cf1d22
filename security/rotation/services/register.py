"""Register secrets as managed keys."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from hashlib import sha256
from typing import Any

from django.db import IntegrityError, transaction

from aethercrown.api.throttling import Rate, buckets
from aethercrown.crypto import sealing
from aethercrown.transitions import InvalidTransition
from security.encryption import services as encryption
from security.rotation import registry, reports, schedule
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.registry import CredentialIssuer, Rotator
from security.rotation.schedule import MEDIUM
from security.rotation.services import steps
from security.rotation.services.lifecycle import (
    InvalidArgument,
    check_key,
    check_unclaimed,
    get,
)
from security.rotation.services.steps import Lease, RotationRequest

KEY_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}", re.ASCII)
MAX_TYPE_LENGTH = 50
FORBIDDEN_TYPE = "user_password"
OTHER_VALUES = Rate(10, 10 / 3600)  # that may be tried for one key; then ten an hour
REQUEST_FIELDS = ("key_type", "level", "rotator", "config", "owner")


class DuplicateKey(InvalidTransition):
    """Another key has this name; the API answers 409."""


@dataclass(frozen=True, slots=True)
class Registered:
    """`secret` only if the system generated it; `is_new` is False for a repeated request."""

    key: ManagedSecret
    version: SecretVersion
    secret: str | None = field(repr=False)
    is_new: bool = True


def register(
    key_id: str,
    key_type: str,
    *,
    level: str = MEDIUM,
    value: str | None = None,
    rotator: str | None = None,
    config: Mapping[str, Any] | None = None,
    owner: str = "",
    actor: str = "",
) -> Registered:
    """Register a secret; its first version is current at once.

    The default rotator is `generated`, or `manual` if a value is given. The same request again
    returns the same key without its secret. Raises InvalidArgument, and DuplicateKey if the
    name belongs to a different key.
    """
    name = rotator or ("generated" if value is None else "manual")
    key = ManagedSecret(key_id=key_id, key_type=key_type, level=level, rotator=name, owner=owner)
    key.config = dict(config or {})
    chosen = _checked_rotator(key, value)
    live = ManagedSecret.objects.filter(key_id=key_id, state__in=reports.LIVE_STATES)
    existing = live.first()
    if existing is not None:
        return _repeated(existing, key, value)
    try:
        return _store(key, chosen, value, actor, steps.database_now())
    except IntegrityError:
        return _repeated(get(key_id), key, value)


def _checked_rotator(key: ManagedSecret, value: str | None) -> Rotator:
    """The key's rotator. Raises InvalidArgument for an invalid key or value."""
    if not KEY_ID.fullmatch(key.key_id):
        raise InvalidArgument(
            "key_id", "must have 1 to 100 letters, digits or . _ : @ - characters."
        )
    if not 0 < len(key.key_type) <= MAX_TYPE_LENGTH or not key.key_type.isprintable():
        raise InvalidArgument("key_type", "must have 1 to 50 printable characters.")
    if key.key_type == FORBIDDEN_TYPE:
        raise InvalidArgument(
            "key_type", "People's passwords are not rotated: it makes them weaker."
        )
    rotator = check_key(key)
    _check_first_value(rotator, value)
    return rotator


def _check_first_value(rotator: Rotator, value: str | None) -> None:
    if value is None and rotator.needs_value:
        raise InvalidArgument("value", f"The rotator {rotator.name} needs the current value.")
    if value is not None and isinstance(rotator, CredentialIssuer):
        raise InvalidArgument("value", f"The rotator {rotator.name} makes the value itself.")
    check_value(value)


def check_value(value: str | None) -> None:
    """Raise InvalidArgument for a value that cannot be stored."""
    if value is None:
        return
    if not 0 < len(value) <= registry.MAX_VALUE_LENGTH:
        raise InvalidArgument("value", f"must have 1 to {registry.MAX_VALUE_LENGTH} characters.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument("value", "has characters that are no text.") from error


def _store(
    key: ManagedSecret, rotator: Rotator, value: str | None, actor: str, now: datetime
) -> Registered:
    policy = reports.effective_policy(key.level)
    window = schedule.rotation_window(now, policy.interval, key.uuid, 1)
    key.interval_days, key.created_at = policy.interval_days, now
    key.due_at, key.eligible_at = window.due_at, window.eligible_at
    key.registered = _request_of(key)
    if value is not None:
        key.sealed_first_digest = sealing.seal(_digest(value), digest_context(key))
    version = steps.new_version(key, 1, RotationRequest("registered", actor=actor), now)
    version.state, version.current_at = SecretVersion.State.CURRENT, now
    secret = None
    if not isinstance(rotator, CredentialIssuer):
        if value is None and rotator.automatic:
            secret = rotator.generate(registry.empty_context(key.key_id, key.config)).value
        version.detail = dict(rotator.initial_detail(key.config))
        version.place = _first_place(key, rotator, version.detail)
        if plain := secret or value:
            version.ciphertext = encryption.seal(plain, version.encryption_context(key))
    with transaction.atomic():
        check_unclaimed(key)
        key.save(force_insert=True)
        if isinstance(rotator, CredentialIssuer):
            credential = rotator.issue(key.key_id, key.config, now)
            steps.copy_credential(version, credential)
            secret = credential.value
        version.key = key
        version.save(force_insert=True)
        detail = {"level": key.level, "rotator": key.rotator}
        steps.record_event(Lease(key, 0, actor), "key.registered", detail, now)
    return Registered(key, version, secret)


def _first_place(key: ManagedSecret, rotator: Rotator, detail: Mapping[str, Any]) -> str:
    """Where the first version works, as it was given or is set by a person."""
    context = replace(registry.empty_context(key.key_id, key.config), number=1, detail=detail)
    return rotator.described(context)[: steps.MAX_PLACE_LENGTH] if rotator.has_target else ""


def _request_of(key: ManagedSecret) -> dict[str, Any]:
    """What a key was asked for with, which a repeated request must equal for ever."""
    return {name: getattr(key, name) for name in REQUEST_FIELDS}


def _digest(value: str) -> str:
    return sha256(value.encode()).hexdigest()


def digest_context(key: ManagedSecret) -> str:
    """The row that the sealed digest of its first value is encrypted for."""
    return f"first value of {key.uuid}"


def _repeated(existing: ManagedSecret, requested: ManagedSecret, value: str | None) -> Registered:
    """The existing key if the request equals the first one. Raises DuplicateKey otherwise."""
    known = existing.registered or _request_of(existing)
    if known != _request_of(requested) or not _is_first_value(existing, value):
        raise DuplicateKey(f"A key called {existing.key_id} is managed already, and is another.")
    version = SecretVersion.objects.filter(key=existing).order_by("-number")[0]
    return Registered(existing, version, None, is_new=False)


def _is_first_value(key: ManagedSecret, value: str | None) -> bool:
    """Whether a key was registered with that value, as far as is known, or none is given.

    A try is counted before it is compared, and given back where it is right: the answer would let
    a caller guess a value that a person chose. Raises DuplicateKey for too many.
    """
    stored = key.sealed_first_digest
    if value is None or not stored:
        return value is None or not key.registered
    tries = f"register:{key.uuid}"
    if buckets.acquire(tries, rate=OTHER_VALUES):
        raise DuplicateKey(f"Too many other values were tried for {key.key_id}: wait an hour.")
    is_same = sealing.unseal(stored, digest_context(key)) == _digest(value)
    if is_same:
        buckets.acquire(tries, cost=-1, rate=OTHER_VALUES)
    return is_same
