"""Create, add and remove values of the platform's own secrets."""

import secrets
from datetime import datetime

from django.conf import settings
from django.db import transaction

from security.encryption.models import SystemSecret
from security.encryption.reports.system_secrets import AUDIT_KEY, PEPPER, clear_cache
from security.encryption.services.envelope import seal

SECRET_BYTES = 48


def create_system_secrets(now: datetime) -> list[str]:
    """Create each missing secret, or take its value from the settings; the names of those created.

    Runs after each migrate. Of two processes at once the first one's value is kept.
    """
    given = {
        PEPPER: [settings.API_KEY_OLD_PEPPER, settings.API_KEY_PEPPER],
        AUDIT_KEY: [settings.AUDIT_KEY],
    }
    existing = set(SystemSecret.objects.filter(name__in=given).values_list("name", flat=True))
    missing = [name for name in given if name not in existing]
    for name in missing:
        values = [each for each in given[name] if each] or [generate()]
        for number, value in enumerate(values, start=1):
            add(name, number, value, now)
    return missing


def generate() -> str:
    return secrets.token_urlsafe(SECRET_BYTES)


@transaction.atomic
def add(name: str, number: int, value: str, now: datetime) -> bool:
    """Store a value; False where another process has stored one of that number first."""
    row = SystemSecret(name=name, number=number, created_at=now)
    row.ciphertext = seal(value, row.encryption_context)
    SystemSecret.objects.bulk_create([row], ignore_conflicts=True)
    clear_cache()
    return SystemSecret.objects.filter(uuid=row.uuid).exists()


def lock(name: str) -> None:
    """Lock a secret's values until the caller's transaction ends."""
    list(SystemSecret.objects.select_for_update().filter(name=name).values_list("pk"))


@transaction.atomic
def remove(name: str, below: int) -> int:
    """Delete the values numbered below `below`; how many."""
    removed, _ = SystemSecret.objects.filter(name=name, number__lt=below).delete()
    clear_cache()
    return removed
