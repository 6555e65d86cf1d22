"""A new pepper in front, and the old one gone when nothing needs it."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from aethercrown.history import audit_hooks
from security.apikeys import token
from security.apikeys.models import ApiKey
from security.encryption.secret_cache import SETTLING
from security.encryption.services import system_secrets as system

MOST = 2
SAFE = timedelta(hours=1)  # after a new pepper is in use: no call that began before is under way


class TooMany(Exception):
    """There are two already, and live keys still stand under the older one."""


@transaction.atomic
def renew(now: datetime, actor: str = "") -> datetime:
    """Put a new pepper in front; when it comes into use. The old one goes on opening its keys.

    Of two at once the second waits, and is refused.
    """
    system.hold(system.PEPPER)
    forget(now)
    kept = system.stored(system.PEPPER)
    if len(kept) >= MOST:
        raise TooMany(refusal(kept[0].made_at, now))
    number = kept[0].number + 1
    system.add(system.PEPPER, number, system.made(), now)
    audit_hooks.record(
        stream="admin",
        event="pepper.renewed",
        subject="pepper of API keys",
        actor=actor,
        detail={"number": number},
    )
    return now + SETTLING


def refusal(made_at: datetime, now: datetime) -> str:
    """Why there is no third."""
    if now < made_at + SETTLING + SAFE:
        return f"The last pepper is from {made_at:%Y-%m-%d %H:%M} UTC: wait until it is in use."
    left = under_another(token.mark(system.stored(system.PEPPER)[0].value), now).count()
    return (
        f"{left} live API keys still stand under the pepper before the present one: use each "
        "once, or rotate or revoke it; then renew."
    )


@transaction.atomic
def forget(now: datetime) -> int:
    """Erase the older peppers once no live key stands under one; how many went."""
    newest, *older = system.stored(system.PEPPER)
    if not older or now < newest.made_at + SETTLING + SAFE:
        return 0
    if under_another(token.mark(newest.value), now).exists():
        return 0
    return system.remove(system.PEPPER, below=newest.number)


def under_another(mark: str, now: datetime) -> QuerySet[ApiKey]:
    """Keys that still open something, and whose digest is not under the pepper of that mark."""
    ended = Q(expires_at__lte=now) | Q(retire_at__lte=now)
    return ApiKey.objects.filter(revoked_at=None).exclude(pepper=mark).exclude(ended)
