"""Consent and suppression by e-mail address, kept under a keyed hash of the address."""

import secrets
from datetime import datetime

from django.core import signing
from django.db import transaction

from aethercrown.crypto import sealing
from aethercrown.transitions import InvalidTransition
from operations.messaging import reports
from operations.messaging.models import AddressHashKey, RecipientAddress
from operations.messaging.outside.sending_times import ConsentState, SuppressionScope

SALT = "operations.messaging.unsubscribe"
UNSUBSCRIBED = "The link to unsubscribe in a mail."
Reason = RecipientAddress.SuppressionReason


class UnknownLink(ValueError):
    """The link to unsubscribe was not made here."""


def address_hash(address: str) -> str:
    """The hash under which an address is kept; its key is made when it is first needed."""
    key = reports.hash_key()
    if key is None:
        new = AddressHashKey(pk=1)
        sealed = sealing.seal(secrets.token_hex(32), new.context)
        AddressHashKey.objects.get_or_create(pk=1, defaults={"sealed_key": sealed})
        key = reports.hash_key() or b""
    return reports.hash_under(key, address)


def recipient(address: str) -> RecipientAddress:
    """The row of an address, made where there is none."""
    return RecipientAddress.objects.get_or_create(address_hash=address_hash(address))[0]


def give_consent(address: str, *, source: str, now: datetime) -> RecipientAddress:
    """Record that the address agreed to marketing mail; ends an earlier unsubscription."""
    return _set_consent(recipient(address).pk, ConsentState.GIVEN, source, now)


def withdraw_consent(address: str, *, source: str, now: datetime) -> RecipientAddress:
    """Record that the address no longer wants marketing mail."""
    return _set_consent(recipient(address).pk, ConsentState.WITHDRAWN, source, now)


@transaction.atomic
def forget_consent(address: str, *, source: str, now: datetime) -> None:
    """Take back a consent or withdrawal that was recorded from `source`; another one stays."""
    row = lock(recipient(address).pk)
    if not source or row.consent_source != source:
        return
    row.consent, row.consent_at, row.consent_source = ConsentState.UNKNOWN.value, None, ""
    if row.suppression == SuppressionScope.MARKETING:
        _suppress(row, SuppressionScope.NONE, now)
        row.suppression_reason = Reason.NONE
    row.save()


@transaction.atomic
def _set_consent(pk: int, state: ConsentState, source: str, now: datetime) -> RecipientAddress:
    row = lock(pk)
    row.consent, row.consent_at, row.consent_source = state.value, now, source[:200]
    if row.suppression != SuppressionScope.ALL:
        withdrawn = state == ConsentState.WITHDRAWN
        _suppress(row, SuppressionScope.MARKETING if withdrawn else SuppressionScope.NONE, now)
        row.suppression_reason = Reason.UNSUBSCRIBED if withdrawn else Reason.NONE
    row.save()
    return row


@transaction.atomic
def suppress(pk: int, *, reason: str, now: datetime) -> RecipientAddress:
    """Send nothing to the address any more, of whatever purpose."""
    row = lock(pk)
    if row.suppression != SuppressionScope.ALL:
        _suppress(row, SuppressionScope.ALL, now)
        row.suppression_reason = reason
        row.save()
    return row


@transaction.atomic
def allow_again(pk: int, *, now: datetime) -> RecipientAddress:
    """Send service mail and reminders again; an unsubscription stays. Raises InvalidTransition."""
    row = lock(pk)
    if row.suppression != SuppressionScope.ALL:
        raise InvalidTransition(f"{row} is not suppressed for all mail.")
    withdrawn = row.consent == ConsentState.WITHDRAWN
    _suppress(row, SuppressionScope.MARKETING if withdrawn else SuppressionScope.NONE, now)
    row.suppression_reason = Reason.UNSUBSCRIBED if withdrawn else Reason.NONE
    row.save()
    return row


def _suppress(row: RecipientAddress, scope: SuppressionScope, now: datetime) -> None:
    row.suppression = scope.value
    row.suppressed_at = None if scope == SuppressionScope.NONE else now


def lock(pk: int) -> RecipientAddress:
    """The row, locked until the transaction ends."""
    return RecipientAddress.objects.select_for_update().get(pk=pk)


def unsubscribe_path(row: RecipientAddress) -> str:
    """The address of the page to unsubscribe: the hash of the e-mail address, signed, for ever."""
    return f"/unsubscribe/{signing.Signer(salt=SALT).sign(row.address_hash)}"


def hash_of_link(token: str) -> str:
    """The hash of the address that a link is of. Raises UnknownLink."""
    try:
        return str(signing.Signer(salt=SALT).unsign(token))
    except signing.BadSignature:
        raise UnknownLink(token[:40]) from None


def unsubscribe(token: str, now: datetime) -> RecipientAddress:
    """Withdraw the consent of the address that a link is of; again, nothing changes.

    Raises UnknownLink.
    """
    row, _ = RecipientAddress.objects.get_or_create(address_hash=hash_of_link(token))
    if row.consent == ConsentState.WITHDRAWN:
        return row
    return _set_consent(row.pk, ConsentState.WITHDRAWN, UNSUBSCRIBED, now)
