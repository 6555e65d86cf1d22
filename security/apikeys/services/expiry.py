"""Keys that are about to end, or whose makers hold less than they do: extend, and raise alerts."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction

from aethercrown.api import idempotency
from aethercrown.formatting import counted, moment_text
from operations.alerts import reports as open_alerts
from operations.alerts import services as alerts
from security.apikeys import reports, scopes, states
from security.apikeys.models import ApiKey
from security.apikeys.services import pepper
from security.apikeys.services.issue import lock_key
from security.apikeys.services.usage import flush

LOOKAHEAD = timedelta(minutes=20)  # above the interval of the task that calls this
EXPIRING_WITHIN, EXPIRING_PART = timedelta(days=7), 4  # and at most that part of its lifetime
SOURCE, EXPIRING, STILL_USED, BEYOND = "apikeys", "expiring", "still_used", "beyond_maker"
ADMIN_PAGE = "/admin/security/apikey/"


def check_expiring_keys(now: datetime) -> str:
    """Everything that is due around the end of keys; what was done, in words."""
    extended = extend_keys_in_use(now)
    resolve_ended_alerts(now)
    expiring = alert_expiring(now)
    beyond = alert_beyond_makers(now)
    erased = idempotency.forget_secrets(now)
    removed = pepper.remove_unused(now)
    return (
        f"Extended: {counted(len(extended), 'key')} in use. Expiring soon: "
        f"{counted(expiring, 'key')} in use. With more than "
        f"their makers hold: {counted(beyond, 'key')}. {counted(erased, 'secret')} erased, "
        f"{counted(removed, 'pepper')} removed."
    )


def extend_keys_in_use(now: datetime) -> list[ApiKey]:
    """Extend, once and by its grace if any, each replaced key in use that ends within LOOKAHEAD."""
    flush()
    ending = ApiKey.objects.filter(
        revoked_at=None, extended_at=None, retire_at__gt=now, retire_at__lte=now + LOOKAHEAD
    ).exclude(rotated_at=None)
    extended = [extend(key.pk, now) for key in ending.order_by("pk")]
    return [key for key in extended if key is not None]


@transaction.atomic
def extend(key_id: int, now: datetime) -> ApiKey | None:
    """Let a retiring key that is in use work for its grace again; None where that is not due."""
    key = lock_key(key_id)
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
        f"{key} was replaced on {moment_text(key.rotated_at)} and is still in use. Its end was "
        f"extended once, to {moment_text(key.retire_at)}; then it is refused."
    )
    alerts.raise_alert(
        SOURCE, STILL_USED, alert_subject(key), "high", message, link=ADMIN_PAGE, now=now
    )
    return key


def resolve_ended_alerts(now: datetime) -> int:
    """Resolve the alerts of extended keys that have ended by now; how many keys."""
    ended = ApiKey.objects.filter(
        extended_at__isnull=False, retire_at__lte=now, retire_at__gt=now - timedelta(days=2)
    )
    for key in ended:
        alerts.resolve(SOURCE, STILL_USED, alert_subject(key), now=now)
    return len(ended)


def alert_expiring(now: datetime) -> int:
    """Raise an alert for each key in use that expires soon, resolve others; how many.

    Soon is within a week, and for a key of less than 28 days within a quarter of its lifetime.
    """
    week = EXPIRING_WITHIN
    in_use = ApiKey.objects.filter(revoked_at=None, retire_at=None, last_used_at__gt=now - week)
    rows = in_use.filter(expires_at__gt=now, expires_at__lte=now + week).order_by("pk")
    expiring = [key for key in rows if _is_expiring(key, now)]
    for key in expiring:
        message = f"{key} is in use and expires on {moment_text(key.expires_at)}: make a new one."
        alerts.raise_alert(
            SOURCE, EXPIRING, alert_subject(key), "warning", message, link=ADMIN_PAGE, now=now
        )
    _resolve_others(EXPIRING, {alert_subject(key) for key in expiring}, now)
    return len(expiring)


def alert_beyond_makers(now: datetime) -> int:
    """Raise an alert for each key that opens more than its maker holds, resolve others; how many.

    Its personal scopes open nothing meanwhile; the others go on, because programs use them.
    """
    found = reports.beyond_their_makers(now)
    for key, maker, lacking in found:
        state = "may not do that any more" if maker.is_active else "is switched off"
        names = ", ".join(each for each in scopes.GRANTABLE if each in lacking)
        message = (
            f"{key} opens {names}, and {maker.get_username()}, who made it, {state}. Revoke the "
            "key, or take it over."
        )
        alerts.raise_alert(
            SOURCE, BEYOND, alert_subject(key), "high", message, link=ADMIN_PAGE, now=now
        )
    _resolve_others(BEYOND, {alert_subject(key) for key, *_ in found}, now)
    return len(found)


def _resolve_others(kind: str, subjects: Collection[str], now: datetime) -> None:
    for known, subject in open_alerts.unresolved_of(SOURCE):
        if known == kind and subject not in subjects:
            alerts.resolve(SOURCE, kind, subject, now=now)


def _is_expiring(key: ApiKey, now: datetime) -> bool:
    """Whether at most a quarter of its lifetime is left."""
    ends = key.expires_at
    return ends is not None and ends - now <= (ends - key.created_at) / EXPIRING_PART


def alert_subject(key: ApiKey) -> str:
    return f"key {key.pk}"
