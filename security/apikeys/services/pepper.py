"""Add a new pepper, and remove the old one when no live key needs it."""

from datetime import datetime, timedelta

from django.db import transaction

from aethercrown.formatting import moment_text
from aethercrown.history import audit_hooks
from security.apikeys import token
from security.apikeys.reports import keys_under_other_peppers
from security.encryption.reports.system_secrets import PEPPER, stored
from security.encryption.secret_cache import ACTIVATION_DELAY
from security.encryption.services import system_secrets

MAX_PEPPERS = 2
SAFETY_MARGIN = timedelta(hours=1)  # after activation: no request that began before still runs


class PepperStillInUse(Exception):
    """There are two peppers already, and live keys still need the older one."""


@transaction.atomic
def renew(now: datetime, actor: str = "") -> datetime:
    """Add a new pepper; when it becomes active. Raises PepperStillInUse; of two calls, one."""
    system_secrets.lock(PEPPER)
    remove_unused(now)
    peppers = stored(PEPPER)
    if len(peppers) >= MAX_PEPPERS:
        raise PepperStillInUse(_refusal(peppers[0].created_at, now))
    number = peppers[0].number + 1
    system_secrets.add(PEPPER, number, system_secrets.generate(), now)
    audit_hooks.record(
        stream="admin",
        event="pepper.renewed",
        subject="pepper of API keys",
        actor=actor,
        detail={"number": number},
    )
    return now + ACTIVATION_DELAY


@transaction.atomic
def remove_unused(now: datetime) -> int:
    """Delete the older peppers once no live key needs them; how many."""
    newest, *older = stored(PEPPER)
    if not older or now < newest.created_at + ACTIVATION_DELAY + SAFETY_MARGIN:
        return 0
    if keys_under_other_peppers(token.pepper_id(newest.value), now).exists():
        return 0
    return system_secrets.remove(PEPPER, below=newest.number)


def _refusal(created_at: datetime, now: datetime) -> str:
    if now < created_at + ACTIVATION_DELAY + SAFETY_MARGIN:
        return f"The last pepper is from {moment_text(created_at)}: wait until it is in use."
    left = keys_under_other_peppers(token.pepper_id(stored(PEPPER)[0].value), now).count()
    return (
        f"{left} live API keys still depend on the previous pepper: use each once, or rotate or "
        "revoke it; then renew."
    )
