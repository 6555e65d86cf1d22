"""Create, revoke and rotate API keys."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from aethercrown.formatting import moment_text
from aethercrown.history import audit_hooks
from security.access.models import User
from security.apikeys import networks, states, token
from security.apikeys import scopes as known_scopes
from security.apikeys.models import ApiKey
from security.apikeys.reports import held_scopes
from security.encryption.reports import system_secrets

GRACE = timedelta(days=7)


class ApiKeyNotActive(Exception):
    """The key was revoked, has expired or is being replaced already."""


class UnknownApiKey(LookupError):
    """There is no key with this id."""


class ExpiryInPast(ValueError):
    """The key would expire before it is created."""


class ReasonRequired(ValueError):
    """A key that opens stored values is made without saying what for."""


class IssuedKey(NamedTuple):
    """A new key; its plaintext is stored nowhere."""

    key: ApiKey
    plaintext: str


class KeyLimits(NamedTuple):
    """From where and how often a key may be used; an empty part sets no limit of its own."""

    allowed_networks: str = ""
    burst: int | None = None
    rate_per_second: float | None = None


UNLIMITED = KeyLimits()


@transaction.atomic
def create(
    name: str,
    scopes: Iterable[str],
    actor: User | None = None,
    expires_at: datetime | None = None,
    now: datetime | None = None,
    *,
    limits: KeyLimits = UNLIMITED,
    reason: str = "",
    customer: int | None = None,
) -> IssuedKey:
    """Create a key; the scope `all` stands for every scope. With `customer` it reaches that one.

    A person gives only what they hold, and security:reveal for a `reason`. Raises UnknownScope,
    ScopeNotHeld, ReasonRequired, InvalidNetwork, ExpiryInPast, and ValidationError for a bad name.
    """
    now = now or timezone.now()
    names = _names_given(actor, scopes, reason)
    _check_end(expires_at, now)
    plaintext = token.generate(settings.API_KEY_PREFIX)
    pepper = system_secrets.current(system_secrets.PEPPER).value
    key = ApiKey(
        name=name.strip(),
        prefix=settings.API_KEY_PREFIX,
        last4=plaintext[-4:],
        digest=token.digest(plaintext, pepper),
        pepper_id=token.pepper_id(pepper),
        scopes=list(names),
        allowed_networks=networks.normalize(limits.allowed_networks),
        burst=limits.burst,
        rate_per_second=limits.rate_per_second,
        customer=customer,
        created_by=actor,
        created_at=now,
        expires_at=expires_at,
    )
    key.clean_fields()
    key.save(force_insert=True)
    _record_event("apikey.created", key, actor, **({"reason": reason} if reason else {}))
    return IssuedKey(key, plaintext)


def _check_end(expires_at: datetime | None, now: datetime) -> None:
    if expires_at is not None and expires_at <= now:
        raise ExpiryInPast(f"Expires at {moment_text(expires_at)}, which is past already.")


def _names_given(actor: User | None, scopes: Iterable[str], reason: str) -> tuple[str, ...]:
    """The scopes of a new key, all of which its maker holds."""
    names = known_scopes.chosen(scopes)
    if actor is not None:
        known_scopes.check_held(names, held_scopes(actor), actor.get_username())
        check_reason(names, reason)
    return names


def check_reason(names: Iterable[str], reason: str) -> None:
    """Raise ReasonRequired for security:reveal without a reason."""
    if known_scopes.REVEAL in names and not reason.strip():
        raise ReasonRequired(f"Say for what reason the key gets {known_scopes.REVEAL}.")


@transaction.atomic
def replace(name: str, scopes: Iterable[str], now: datetime | None = None) -> IssuedKey:
    """Create a key called `name`, and revoke every older one of that name."""
    now = now or timezone.now()
    _revoke_all(ApiKey.objects.filter(name=name, revoked_at=None), now)
    return create(name, scopes, now=now)


@transaction.atomic
def revoke(key_id: int, actor: User | None = None, now: datetime | None = None) -> ApiKey:
    """Refuse the key from now on. Revoking twice keeps the first time. Raises UnknownApiKey."""
    key = lock_key(key_id)
    if key.revoked_at is None:
        key.revoked_at = now or timezone.now()
        key.save(update_fields=["revoked_at"])
        _record_event("apikey.revoked", key, actor)
    return key


@transaction.atomic
def take_over(key_id: int, actor: User, now: datetime | None = None) -> ApiKey:
    """Answer for the key from now on, in the place of the person who made it.

    Only somebody who holds all that it opens. Raises UnknownApiKey, ApiKeyNotActive, ScopeNotHeld.
    """
    key = lock_key(key_id)
    state = key.state(now or timezone.now())
    if state not in states.LIVE:
        raise ApiKeyNotActive(f"{key} is {state}: there is nothing to take over.")
    known_scopes.check_held(key.scopes, held_scopes(actor), actor.get_username())
    before = key.created_by
    if before != actor:
        key.created_by = actor
        key.save(update_fields=["created_by"])
        made_by = before.get_username() if before else ""
        _record_event("apikey.taken_over", key, actor, before=made_by)
    return key


@transaction.atomic
def withdraw_personal_scopes(person: User) -> int:
    """Before an account is deleted: its keys lose what they did in its name; how many."""
    keys = ApiKey.objects.filter(created_by=person).select_for_update(of=("self",))
    changed = [key for key in keys.order_by("pk") if known_scopes.PERSONAL & set(key.scopes)]
    for key in changed:
        lost = [each for each in key.scopes if each in known_scopes.PERSONAL]
        key.scopes = [each for each in key.scopes if each not in known_scopes.PERSONAL]
        key.save(update_fields=["scopes"])
        _record_event("apikey.scopes_withdrawn", key, None, scopes=", ".join(lost))
    return len(changed)


@transaction.atomic
def rotate(
    key_id: int, grace: timedelta = GRACE, actor: User | None = None, now: datetime | None = None
) -> IssuedKey:
    """Issue a successor with the same name, scopes and end; the old key works for `grace` more.

    The key is locked, so of two rotations at once one is refused. At most two successive keys work
    at once: a predecessor still in its own grace is revoked. Raises UnknownApiKey,
    ApiKeyNotActive, ScopeNotHeld.
    """
    now = now or timezone.now()
    if grace < timedelta(0):
        raise ValueError(f"grace is {grace}: must be 0 or more.")
    old = lock_key(key_id)
    if old.state(now) != "active":
        raise ApiKeyNotActive(f"{old} is {old.state(now)}: only an active key can be rotated.")
    _revoke_all(ApiKey.objects.filter(replaced_by=old, revoked_at=None), now)
    limits = KeyLimits(old.allowed_networks, old.burst, old.rate_per_second)
    issued = create(
        old.name, old.scopes, actor, old.expires_at, now, limits=limits,
        reason=f"successor of key {old.pk}", customer=old.customer,
    )  # fmt: skip
    if actor is None and old.created_by is not None:
        issued.key.created_by = old.created_by  # what a worker renews stays its maker's
        issued.key.save(update_fields=["created_by"])
    old.replaced_by = issued.key
    old.rotated_at = now
    old.retire_at = now + grace
    old.save(update_fields=["replaced_by", "rotated_at", "retire_at"])
    _record_event("apikey.rotated", old, actor)
    return issued


@transaction.atomic
def revoke_of_customers(customer_ids: Collection[int], now: datetime | None = None) -> int:
    """Revoke every key of these customers; how many."""
    keys = ApiKey.objects.filter(customer__in=customer_ids, revoked_at=None)
    return _revoke_all(keys, now or timezone.now())


@transaction.atomic
def move_to_customer(old: int, new: int) -> int:
    """Give the keys of one customer to another, into whom it was merged; how many."""
    keys = list(ApiKey.objects.filter(customer=old).select_for_update(of=("self",)))
    for key in keys:
        key.customer = new
        key.save(update_fields=["customer"])
        _record_event("apikey.customer_changed", key, None, customer=str(new))
    return len(keys)


def works_until(key_id: int) -> datetime | None:
    """When a replaced key ends; None where it was revoked or has no end."""
    key = ApiKey.objects.filter(pk=key_id, revoked_at=None).first()
    return key.retire_at if key else None


def lock_key(key_id: int) -> ApiKey:
    """The key, locked until the transaction ends. Raises UnknownApiKey."""
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise UnknownApiKey(f"There is no key {key_id}.")
    return key


def _revoke_all(keys: QuerySet[ApiKey], now: datetime) -> int:
    found = list(keys.select_for_update(of=("self",)))
    for key in found:
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        _record_event("apikey.revoked", key, None)
    return len(found)


def _record_event(event: str, key: ApiKey, actor: User | None, **more: str) -> None:
    """An audit event in the key's own stream; without `actor`, by the current author."""
    audit_hooks.record(
        stream=f"apikey:{key.pk}",
        event=event,
        subject=f"API key {key.pk}",
        actor=f"user:{actor.get_username()}" if actor else "",
        detail={"name": key.name, "hint": key.hint, **more},
    )
