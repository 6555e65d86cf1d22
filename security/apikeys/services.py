"""Create, revoke, rotate and check keys."""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, DateTimeField, Q, Value, When
from django.utils import timezone

from security.access.models import User
from security.apikeys import scopes as known_scopes
from security.apikeys import token
from security.apikeys.models import ApiKey
from security.apikeys.usage import Collector, Keeper

GRACE = timedelta(days=7)
FLUSH_SECONDS = 60.0
log = logging.getLogger(__name__)
seen = Collector()


class NotLive(Exception):
    """The key was revoked, has expired or is being replaced already."""


class UnknownKey(LookupError):
    """No key has this number."""


class InThePast(ValueError):
    """The key would expire before it begins."""


class Issued(NamedTuple):
    """A new key; `plaintext` is nowhere else, and is gone when this is."""

    key: ApiKey
    plaintext: str


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request's key stands for: `request.auth`."""

    id: int
    name: str
    scopes: frozenset[str]
    retire_at: datetime | None = None


def create(
    name: str,
    scopes: Iterable[str],
    actor: User | None = None,
    expires_at: datetime | None = None,
    now: datetime | None = None,
) -> Issued:
    """A new key and its text; the scope `all` stands for every one.

    UnknownScope for a name that is no scope; ValidationError for an empty or overlong `name`.
    """
    now = now or timezone.now()
    if expires_at is not None and expires_at <= now:
        raise InThePast(f"Expires at {expires_at:%Y-%m-%d %H:%M %Z}, which is past already.")
    plaintext = token.mint(settings.API_KEY_PREFIX)
    key = ApiKey(
        name=name.strip(),
        prefix=settings.API_KEY_PREFIX,
        last4=plaintext[-4:],
        digest=token.digest(plaintext, settings.API_KEY_PEPPER),
        scopes=list(known_scopes.chosen(scopes)),
        created_by=actor,
        created_at=now,
        expires_at=expires_at,
    )
    key.clean_fields()
    key.save(force_insert=True)
    log.info("API key created", extra={"key_id": key.pk, "actor": str(actor or "command")})
    return Issued(key, plaintext)


@transaction.atomic
def replace(name: str, scopes: Iterable[str], now: datetime | None = None) -> Issued:
    """A new key called `name`; every older one of that name is revoked at once."""
    now = now or timezone.now()
    ApiKey.objects.filter(name=name, revoked_at=None).update(revoked_at=now)
    return create(name, scopes, now=now)


@transaction.atomic
def revoke(key_id: int, actor: User | None = None, now: datetime | None = None) -> ApiKey:
    """Refuse the key from now on. Revoking twice keeps the first time."""
    key = locked(key_id)
    if key.revoked_at is None:
        key.revoked_at = now or timezone.now()
        key.save(update_fields=["revoked_at"])
        log.info("API key revoked", extra={"key_id": key.pk, "actor": str(actor or "command")})
    return key


@transaction.atomic
def rotate(
    key_id: int,
    grace: timedelta = GRACE,
    actor: User | None = None,
    now: datetime | None = None,
) -> Issued:
    """A successor with the same name, scopes and end; the old key works for `grace` more.

    The key is locked, so of two rotations at once one is refused. At most two keys of a line
    work together: a predecessor still in its own grace is revoked.
    """
    now = now or timezone.now()
    if grace < timedelta(0):
        raise ValueError(f"grace is {grace}: must be 0 or more.")
    old = locked(key_id)
    if old.state(now) != "active":
        raise NotLive(f"{old} is {old.state(now)}: only an active key can be rotated.")
    ApiKey.objects.filter(replaced_by=old, revoked_at=None).update(revoked_at=now)
    issued = create(old.name, old.scopes, actor, old.expires_at, now)
    old.replaced_by = issued.key
    old.retire_at = now + grace
    old.save(update_fields=["replaced_by", "retire_at"])
    log.info("API key rotated", extra={"key_id": old.pk, "successor_id": issued.key.pk})
    return issued


def locked(key_id: int) -> ApiKey:
    """The key, held until the transaction ends."""
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise UnknownKey(f"There is no key {key_id}.")
    return key


def credential(text: str, now: datetime | None = None) -> Credential | None:
    """What the key `text` stands for, in one query; None where it opens nothing.

    A text that is no key costs no query. The rest is one look-up by digest, whose duration
    tells nothing about stored keys.
    """
    if not token.genuine(text):
        return None
    now = now or timezone.now()
    key = ApiKey.objects.filter(digest=token.digest(text, settings.API_KEY_PEPPER)).first()
    if key is None or not key.opens_at(now):
        return None
    seen.note(key.pk, now)
    keeper.wake()
    return Credential(key.pk, key.name, frozenset(key.scopes), key.retire_at)


def flush(collector: Collector = seen) -> int:
    """Store when keys were last used, in one UPDATE that never goes back; how many were noted."""
    latest = collector.drain()
    if not latest:
        return 0
    times = [When(pk=key_id, then=Value(at)) for key_id, at in latest.items()]
    newest = Case(*times, output_field=DateTimeField())
    older = Q(last_used_at=None) | Q(last_used_at__lt=newest)
    try:
        ApiKey.objects.filter(older, pk__in=latest).update(last_used_at=newest)
    except Exception:
        collector.give_back(latest)
        raise
    return len(latest)


def store_usage(collector: Collector = seen) -> None:
    """Flush from a thread: a failure is logged and waits for the next turn."""
    try:
        flush(collector)
    except Exception:
        log.warning("Could not store when API keys were last used", exc_info=True)
    finally:
        connection.close()


keeper = Keeper(store_usage, FLUSH_SECONDS)
