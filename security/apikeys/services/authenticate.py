"""Verify the API key of a request, in one query."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.utils import timezone

from aethercrown.api.throttling import Rate, key_rate
from aethercrown.db.compiled_query import CompiledQuery
from security.apikeys import networks, reports, states, token
from security.apikeys.models import ApiKey
from security.apikeys.scopes import PERSONAL
from security.apikeys.services.usage import collector, usage_thread
from security.apikeys.usage import Digest
from security.encryption.reports import system_secrets

log = logging.getLogger(__name__)


class NetworkNotAllowed(Exception):
    """The key is valid, but may not be used from this address."""


@dataclass(frozen=True, slots=True)
class Credential:
    """What a verified key may do: `request.auth`."""

    id: int
    name: str
    scopes: frozenset[str]
    retire_at: datetime | None = None
    rate: Rate | None = None
    rotated_at: datetime | None = None
    customer: int | None = None  # the one customer whose rows it reaches


class KeyRow(NamedTuple):
    """The columns of a key that each request needs."""

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
    created_by: int | None
    customer: int | None


def verify_key(
    text: str, now: datetime | None = None, address: str | None = None
) -> Credential | None:
    """The credential of the key `text`; None where it is unknown or has ended.

    A text that is not of the form of a key costs no query. The look-up is by digest, so its
    duration tells nothing about stored keys. Raises NetworkNotAllowed.
    """
    if not token.is_well_formed(text):
        return None
    peppers = system_secrets.current(system_secrets.PEPPER)
    digests = [token.digest(text, pepper) for pepper in peppers.values]
    row = find_key(digests)
    if row is None:
        return None
    credential = check_key(row, now or timezone.now(), address)
    if credential is not None and row.digest in digests[peppers.active + 1 :]:
        collector.note_digest(
            row.id, Digest(digests[peppers.active], token.pepper_id(peppers.value))
        )
    return credential


def find_key(digests: Sequence[str]) -> KeyRow | None:
    """The key with one of the digests: the one query of an authentication."""
    return next((KeyRow(*each) for each in keys_by_digest.rows(digests)), None)


keys_by_digest = CompiledQuery(
    lambda digests: (
        ApiKey.objects.filter(digest__in=digests).order_by().values_list(*KeyRow._fields)
    )
)


def check_key(row: KeyRow, now: datetime, address: str | None) -> Credential | None:
    """The credential of a stored key at `now`; None where it has ended."""
    if states.state(now, row.revoked_at, row.expires_at, row.retire_at) not in states.LIVE:
        return None
    if row.allowed_networks and not networks.allows(row.allowed_networks, address or ""):
        log.warning("API key used from a network that is not allowed", extra={"key_id": row.id})
        raise NetworkNotAllowed(f"The key may not be used from {address or 'here'}.")
    collector.note_use(row.id, now)
    usage_thread.ensure_started()
    scopes = frozenset(row.scopes)
    if scopes & PERSONAL and row.created_by is not None:
        scopes -= PERSONAL - reports.held_now(row.created_by)
    return Credential(
        row.id, row.name, scopes, row.retire_at, rate_of(row), row.rotated_at, row.customer
    )


def rate_of(row: KeyRow) -> Rate | None:
    """The key's own rate, if it has one; a missing half is the setting's."""
    if row.burst is None and row.rate_per_second is None:
        return None
    default = key_rate()
    return Rate(row.burst or default.burst, row.rate_per_second or default.per_second)
