"""Create, revoke, rotate and check keys; and put off the end of one that is still in use."""

import logging
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Case, DateTimeField, Q, QuerySet, Value, When
from django.utils import timezone

from aethercrown.api import idempotency
from aethercrown.api.throttling import Rate, of_a_key
from aethercrown.background import PeriodicThread
from aethercrown.history import audit_hooks
from operations.alerts import reports as open_alerts
from operations.alerts import services as alerts
from security.access.models import User
from security.apikeys import networks, states, token
from security.apikeys import scopes as known_scopes
from security.apikeys.models import ApiKey
from security.apikeys.services import pepper as peppers
from security.apikeys.usage import Collector, Digest
from security.encryption.services import system_secrets as system

GRACE = timedelta(days=7)
FLUSH_SECONDS = 60.0
AHEAD = timedelta(minutes=20)  # above the time between two looks
SOURCE, EXPIRING = "apikeys", "expiring"
WEEK = timedelta(days=7)
PAGE = "/admin/security/apikey/"
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


class Elsewhere(Exception):
    """The key is good, but may not be used from this address."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a request's key stands for: `request.auth`."""

    id: int
    name: str
    scopes: frozenset[str]
    retire_at: datetime | None = None
    rate: Rate | None = None
    rotated_at: datetime | None = None


class Limits(NamedTuple):
    """From where and how often a key may be used; what is empty says nothing."""

    allowed_networks: str = ""
    burst: int | None = None
    rate_per_second: float | None = None


UNLIMITED = Limits()


@transaction.atomic
def create(
    name: str,
    scopes: Iterable[str],
    actor: User | None = None,
    expires_at: datetime | None = None,
    now: datetime | None = None,
    *,
    limits: Limits = UNLIMITED,
) -> Issued:
    """A new key and its text; the scope `all` stands for every one.

    UnknownScope for a name that is no scope; networks.Unreadable for what is no network;
    ValidationError for an empty or overlong `name`.
    """
    now = now or timezone.now()
    if expires_at is not None and expires_at <= now:
        raise InThePast(f"Expires at {expires_at:%Y-%m-%d %H:%M %Z}, which is past already.")
    plaintext = token.mint(settings.API_KEY_PREFIX)
    pepper = system.current(system.PEPPER).value
    key = ApiKey(
        name=name.strip(),
        prefix=settings.API_KEY_PREFIX,
        last4=plaintext[-4:],
        digest=token.digest(plaintext, pepper),
        pepper=token.mark(pepper),
        scopes=list(known_scopes.chosen(scopes)),
        allowed_networks=networks.listed(limits.allowed_networks),
        burst=limits.burst,
        rate_per_second=limits.rate_per_second,
        created_by=actor,
        created_at=now,
        expires_at=expires_at,
    )
    key.clean_fields()
    key.save(force_insert=True)
    tell("apikey.created", key, actor)
    log.info("API key created", extra={"key_id": key.pk, "actor": str(actor or "command")})
    return Issued(key, plaintext)


@transaction.atomic
def replace(name: str, scopes: Iterable[str], now: datetime | None = None) -> Issued:
    """A new key called `name`; every older one of that name is revoked at once."""
    now = now or timezone.now()
    _revoke(ApiKey.objects.filter(name=name, revoked_at=None), now)
    return create(name, scopes, now=now)


@transaction.atomic
def revoke(key_id: int, actor: User | None = None, now: datetime | None = None) -> ApiKey:
    """Refuse the key from now on. Revoking twice keeps the first time."""
    key = locked(key_id)
    if key.revoked_at is None:
        key.revoked_at = now or timezone.now()
        key.save(update_fields=["revoked_at"])
        tell("apikey.revoked", key, actor)
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
    _revoke(ApiKey.objects.filter(replaced_by=old, revoked_at=None), now)
    limits = Limits(old.allowed_networks, old.burst, old.rate_per_second)
    issued = create(old.name, old.scopes, actor, old.expires_at, now, limits=limits)
    old.replaced_by = issued.key
    old.rotated_at = now
    old.retire_at = now + grace
    old.save(update_fields=["replaced_by", "rotated_at", "retire_at"])
    tell("apikey.rotated", old, actor)
    log.info("API key rotated", extra={"key_id": old.pk, "successor_id": issued.key.pk})
    return issued


def _revoke(keys: QuerySet[ApiKey], now: datetime) -> None:
    for key in keys.select_for_update(of=("self",)):
        key.revoked_at = now
        key.save(update_fields=["revoked_at"])
        tell("apikey.revoked", key, None)


def tell(event: str, key: ApiKey, actor: User | None) -> None:
    """An event of this key's own stream; by whoever is at work, where nobody is named."""
    audit_hooks.record(
        stream=f"apikey:{key.pk}",
        event=event,
        subject=f"API key {key.pk}",
        actor=f"user:{actor.get_username()}" if actor else "",
        detail={"name": key.name, "hint": key.hint},
    )


def locked(key_id: int) -> ApiKey:
    """The key, held until the transaction ends."""
    key = ApiKey.objects.select_for_update().filter(pk=key_id).first()
    if key is None:
        raise UnknownKey(f"There is no key {key_id}.")
    return key


def credential(
    text: str, now: datetime | None = None, address: str | None = None
) -> Credential | None:
    """What the key `text` stands for, in one query; None where it opens nothing.

    A text that is no key costs no query. The rest is one look-up by digest, whose duration
    tells nothing about stored keys. Elsewhere where the key may not be used from `address`.
    """
    if not token.genuine(text):
        return None
    held = system.current(system.PEPPER)
    digests = [token.digest(text, pepper) for pepper in held.values]
    row = look_up(digests)
    if row is None:
        return None
    found = admitted(row, now or timezone.now(), address)
    if found is not None and row.digest in digests[held.used + 1 :]:
        seen.renew(row.id, Digest(digests[held.used], token.mark(held.value)))
    return found


def look_up(digests: Sequence[str]) -> "Row | None":
    """The key under one of the digests: the one query of an authentication."""
    rows = ApiKey.objects.filter(digest__in=digests).order_by().values_list(*Row._fields)
    return next((Row(*each) for each in rows), None)


class Row(NamedTuple):
    """What is asked of a key at each request."""

    id: int
    name: str
    digest: str
    scopes: list[str]
    allowed_networks: str
    burst: int | None
    rate_per_second: float | None
    revoked_at: datetime | None
    expires_at: datetime | None
    retire_at: datetime | None
    rotated_at: datetime | None


def admitted(row: Row, now: datetime, address: str | None) -> Credential | None:
    """What the key of this row opens at `now`; what is done per request beside the query."""
    if states.state(now, row.revoked_at, row.expires_at, row.retire_at) not in states.LIVE:
        return None
    if row.allowed_networks and not networks.allows(row.allowed_networks, address or ""):
        log.warning("API key shown from elsewhere", extra={"key_id": row.id})
        raise Elsewhere(f"The key may not be used from {address or 'here'}.")
    seen.note(row.id, now)
    keeper.ensure_started()
    held = frozenset(row.scopes)
    return Credential(row.id, row.name, held, row.retire_at, rate_of(row), row.rotated_at)


def rate_of(row: Row) -> Rate | None:
    """The key's own rate, if it has one; the half that is not said is the setting's."""
    if row.burst is None and row.rate_per_second is None:
        return None
    usual = of_a_key()
    return Rate(row.burst or usual.burst, row.rate_per_second or usual.per_second)


def flush(collector: Collector = seen) -> int:
    """Store when keys were last used, in one UPDATE that never goes back; how many were noted.

    A digest under an older pepper is replaced by the one under the pepper in use.
    """
    latest, renewed = collector.drain()
    if not latest:
        return 0
    times = [When(pk=key_id, then=Value(at)) for key_id, at in latest.items()]
    newest = Case(*times, output_field=DateTimeField())
    older = Q(last_used_at=None) | Q(last_used_at__lt=newest)
    try:
        ApiKey.objects.filter(older, pk__in=latest).update(last_used_at=newest)
        for key_id, (digest, mark) in renewed.items():
            ApiKey.objects.filter(pk=key_id).update(digest=digest, pepper=mark)
    except Exception:
        collector.give_back(latest, renewed)
        raise
    return len(latest)


def store_usage(collector: Collector = seen) -> None:
    """Flush from a thread, and read the peppers again; a failure waits for the next turn."""
    try:
        system.read(system.PEPPER)
        flush(collector)
    except Exception:
        log.warning("Could not store when API keys were last used", exc_info=True)
    finally:
        connection.close()


keeper = PeriodicThread(store_usage, FLUSH_SECONDS, "key usage", final_call=True)


# --- Before the end ------------------------------------------------------------------------------
def guard(now: datetime) -> list[ApiKey]:
    """Put off, once and by its grace, the end of each key that is about to retire but is in use.

    Looks `AHEAD`, so that nobody is refused before it has looked. A key without grace is left.
    """
    flush()
    ending = ApiKey.objects.filter(
        revoked_at=None, extended_at=None, retire_at__gt=now, retire_at__lte=now + AHEAD
    ).exclude(rotated_at=None)
    put_off = [extend(key.pk, now) for key in ending.order_by("pk")]
    return [key for key in put_off if key is not None]


@transaction.atomic
def extend(key_id: int, now: datetime) -> ApiKey | None:
    """Let a retiring key that is still used work for its grace again; None where it need not."""
    key = locked(key_id)
    if (
        key.state(now) != states.RETIRING
        or key.extended_at
        or not (key.rotated_at and key.retire_at)
    ):
        return None
    if not states.still_used(key.last_used_at, key.rotated_at, now):
        return None
    key.extended_at = now
    key.retire_at += key.retire_at - key.rotated_at
    key.save(update_fields=["extended_at", "retire_at"])
    message = (
        f"{key} was replaced on {key.rotated_at:%Y-%m-%d %H:%M} and is still in use. Its end was "
        f"put off once, to {key.retire_at:%Y-%m-%d %H:%M} UTC; then it is refused."
    )
    alerts.raise_alert(SOURCE, "still_used", subject(key), "high", message, link=PAGE, now=now)
    return key


def works_until(key_id: int) -> datetime | None:
    """When a key that was replaced ends; None where it has ended by other ways, or never will."""
    return (
        ApiKey.objects.filter(pk=key_id, revoked_at=None)
        .values_list("retire_at", flat=True)
        .first()
    )


def settle(now: datetime) -> int:
    """Resolve the alerts of keys whose put-off end has come; how many were looked at."""
    over = ApiKey.objects.filter(
        extended_at__isnull=False, retire_at__lte=now, retire_at__gt=now - timedelta(days=2)
    )
    for key in over:
        alerts.resolve(SOURCE, "still_used", subject(key), now=now)
    return len(over)


def warn(now: datetime) -> int:
    """Tell of keys in use that expire within a week, and end the alerts of others; how many."""
    soon = ApiKey.objects.filter(revoked_at=None, retire_at=None, last_used_at__gt=now - WEEK)
    expiring = list(soon.filter(expires_at__gt=now, expires_at__lte=now + WEEK).order_by("pk"))
    for key in expiring:
        message = (
            f"{key} is in use and expires on {key.expires_at:%Y-%m-%d %H:%M} UTC: make a new one."
        )
        alerts.raise_alert(SOURCE, EXPIRING, subject(key), "warning", message, link=PAGE, now=now)
    told = {subject(key) for key in expiring}
    for kind, name in open_alerts.unresolved_of(SOURCE):
        if kind == EXPIRING and name not in told:
            alerts.resolve(SOURCE, EXPIRING, name, now=now)
    return len(expiring)


def subject(key: ApiKey) -> str:
    return f"key {key.pk}"


def watch(now: datetime) -> str:
    """One look at keys that end, and at answers whose secrets are no longer shown; in words."""
    put_off = guard(now)
    settle(now)
    expiring = warn(now)
    erased = idempotency.forget_secrets(now)
    forgotten = peppers.forget(now)
    return (
        f"{len(put_off)} ends put off for keys still in use; {expiring} keys in use expire within "
        f"a week; {erased} secrets erased; {forgotten} peppers forgotten."
    )
