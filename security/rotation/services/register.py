"""Taking secrets under management, pausing them, and ending them; each is one commit."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Q

from security.encryption import services as encryption
from security.rotation import failpoints, registry, reports, schedule
from security.rotation.models import ManagedSecret, SecretVersion
from security.rotation.policy import LEVELS, MEDIUM
from security.rotation.registry import CredentialIssuer, Rotator
from security.rotation.services import execute
from security.rotation.services import steps as stages
from security.rotation.services.steps import Lease, RotationRequest

WrongStep = stages.WrongStep
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:@-]{0,99}", re.ASCII)
FORBIDDEN_TYPE = "user_password"
State = ManagedSecret.State
Clock = Callable[[], datetime]
OPEN = (State.ACTIVE, State.PAUSED, State.FAILED)


class SecretNotFound(LookupError):
    """No key has this name: 404."""


class DuplicateKey(WrongStep):
    """The name is taken by a key that differs: 409."""


class InvalidArgument(ValueError):
    """What was asked makes no sense; `field` is the field of the request: 400."""

    def __init__(self, field: str, words: str) -> None:
        super().__init__(words)
        self.field = field


@dataclass(frozen=True, slots=True)
class Registered:
    """`secret` only where the system made it; `is_new` is False for a repeat."""

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
    now: datetime | None = None,
) -> Registered:
    """Put a secret under management; its first version is current at once.

    Without `rotator` it is `generated`, or `manual` where a value is given. Repeating the same
    gives the same key, without its secret. Invalid (with its field) for an unknown level,
    rotator or type, Duplicate where the name stands for another key.
    """
    chosen = rotator or ("generated" if value is None else "manual")
    key = ManagedSecret(key_id=key_id, key_type=key_type, level=level, rotator=chosen, owner=owner)
    key.config = dict(config or {})
    kind = _checked(key, value)
    known = ManagedSecret.objects.filter(key_id=key_id).first()
    if known is not None:
        return _repeated(known, key, value)
    try:
        return _stored(key, kind, value, actor, now or stages.database_now())
    except IntegrityError:
        return _repeated(get(key_id), key, value)


def _checked(key: ManagedSecret, value: str | None) -> Rotator:
    """The key's rotator; Invalid for whatever cannot be meant."""
    if not NAME.fullmatch(key.key_id):
        raise InvalidArgument(
            "key_id", "must have 1 to 100 letters, digits or . _ : @ - characters."
        )
    if not 0 < len(key.key_type) <= 50 or not key.key_type.isprintable():
        raise InvalidArgument("key_type", "must have 1 to 50 printable characters.")
    if key.key_type == FORBIDDEN_TYPE:
        raise InvalidArgument(
            "key_type", "People's passwords are not rotated: it makes them weaker."
        )
    if key.level not in LEVELS:
        raise InvalidArgument("level", f"must be one of {', '.join(LEVELS)}.")
    try:
        kind = registry.named(key.rotator)
    except registry.UnknownRotator as error:
        raise InvalidArgument("rotator", str(error)) from error
    try:
        kind.check(key.config)
    except registry.InvalidConfig as error:
        raise InvalidArgument(error.field, str(error)) from error
    check_value(kind, value)
    return kind


def check_value(kind: Rotator, value: str | None) -> None:
    if value is None:
        if kind.needs_value:
            raise InvalidArgument(
                "value", f"The rotator {kind.name} needs the value that works now."
            )
        return
    if isinstance(kind, CredentialIssuer):
        raise InvalidArgument("value", f"The rotator {kind.name} makes the value itself.")
    if not 0 < len(value) <= registry.MAX_VALUE_LENGTH:
        raise InvalidArgument("value", f"must have 1 to {registry.MAX_VALUE_LENGTH} characters.")
    try:
        value.encode()
    except UnicodeEncodeError as error:
        raise InvalidArgument("value", "has characters that are no text.") from error


def _stored(
    key: ManagedSecret, kind: Rotator, value: str | None, actor: str, now: datetime
) -> Registered:
    asked = reports.terms(key.level)
    turn = schedule.turn(now, asked.interval, key.uuid, 1)
    key.interval_days, key.created_at = asked.interval_days, now
    key.due_at, key.eligible_at = turn.due_at, turn.eligible_at
    version = stages.new_version(key, 1, RotationRequest("registered", actor=actor), now)
    version.state, version.current_at = SecretVersion.State.CURRENT, now
    secret = None
    if not isinstance(kind, CredentialIssuer):
        secret = _first_secret(key, kind) if value is None else None
        version.detail = dict(kind.first(key.config))
        plain = value if secret is None else secret
        version.ciphertext = (
            encryption.seal(plain, version.encryption_context(key)) if plain else None
        )
    with transaction.atomic():
        key.save(force_insert=True)
        if isinstance(kind, CredentialIssuer):
            issue = kind.issue(key.key_id, key.config, now)
            stages.copy_credential(version, issue)
            secret = issue.value
        version.key = key
        version.save(force_insert=True)
        held = stages.Lease(key, 0, actor)
        stages.record_event(
            held, "key.registered", {"level": key.level, "rotator": key.rotator}, now
        )
    return Registered(key, version, secret)


def _first_secret(key: ManagedSecret, kind: Rotator) -> str | None:
    """A value made here; None for kinds whose values only a person brings."""
    return (
        kind.generate(registry.empty_context(key.key_id, key.config)).value
        if kind.automatic
        else None
    )


def _repeated(known: ManagedSecret, asked: ManagedSecret, value: str | None) -> Registered:
    """The key that is there, if the very same was asked for; Duplicate otherwise."""
    same = all(
        getattr(known, name) == getattr(asked, name)
        for name in ("key_type", "level", "rotator", "config", "owner")
    )
    version = SecretVersion.objects.filter(key=known).order_by("-number")[0]
    first = version.number == 1 and (value is None or execute.opened(known, version) == value)
    if not (same and first):
        raise DuplicateKey(f"A key called {known.key_id} is managed already, and is another.")
    return Registered(known, version, None, is_new=False)


# --- Ending -----------------------------------------------------------------------------------
def pause(key_id: str, *, actor: str = "") -> ManagedSecret:
    """No rotation until resumed; the current value goes on working."""
    return _moved(key_id, State.ACTIVE, State.PAUSED, actor)


def resume(key_id: str, *, actor: str = "") -> ManagedSecret:
    return _moved(key_id, State.PAUSED, State.ACTIVE, actor)


def revoke(key_id: str, *, actor: str = "", clock: Clock | None = None) -> ManagedSecret:
    """End a key for good: every value is refused at once, revoked outside and erased."""
    return _closed(key_id, State.REVOKED, SecretVersion.State.REVOKED, actor, clock)


def retire(key_id: str, *, actor: str = "", clock: Clock | None = None) -> ManagedSecret:
    """Manage it no longer: values are erased here, and nothing is revoked outside."""
    return _closed(key_id, State.RETIRED, SecretVersion.State.RETIRED, actor, clock)


def value(key_id: str) -> str:
    """The current value, for the platform's own use; who shows it to a person records why."""
    found = reports.current(key_id)
    if found is None:
        raise SecretNotFound(f"No managed key {key_id!r} has a current value.")
    return execute.opened(found.key, found)


def values(key_id: str) -> list[str]:
    """Every value that works, the current one first: in the grace both sign and both open."""
    get(key_id)
    return [execute.opened(each.key, each) for each in reports.working(key_id)]


def record_use(key_id: str, number: int, at: datetime) -> None:
    """Note that a version was seen in use, for the guard at its end."""
    rows = SecretVersion.objects.filter(key__key_id=key_id, number=number)
    rows.filter(Q(last_used_at=None) | Q(last_used_at__lt=at)).update(last_used_at=at)


def get(key_id: str) -> ManagedSecret:
    key = ManagedSecret.objects.filter(key_id=key_id).first()
    if key is None:
        raise SecretNotFound(f"No key is called {key_id!r}.")
    return key


@transaction.atomic
def _moved(key_id: str, before: str, after: str, actor: str) -> ManagedSecret:
    key = get(key_id)
    if not ManagedSecret.objects.filter(pk=key.pk, state=before).update(state=after):
        raise WrongStep(f"{key} is {key.state}, not {before}.")
    key.state = after
    stages.record_event(Lease(key, key.fencing_token, actor), f"key.{after}", {"before": before})
    return key


def _closed(
    key_id: str, after: str, version: str, actor: str, clock: Clock | None
) -> ManagedSecret:
    """Refuse every value in one commit; then revoke outside what has an outside, and erase."""
    clock = clock or stages.database_now
    key = get(key_id)
    order = RotationRequest(after, actor=actor)
    with execute.claimed(key, order, clock, failpoints.nothing, OPEN) as run:
        waiting = stages.pending_version(run.held)
        if waiting is not None:
            execute.taken_back(run, waiting, SecretVersion.State.REVOKED, keep=True)
        stages.end_current(run.held, version, clock(), key_state=after)
    for each in stages.versions_to_end(key):
        with execute.claimed(key, order, clock, failpoints.nothing) as run:
            if after == State.REVOKED:
                execute.ended(run, each)
            else:
                stages.retire(run.held, each, clock())
    return get(key_id)
