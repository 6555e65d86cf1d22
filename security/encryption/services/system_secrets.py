"""Making, reading and adding to the platform's own secrets."""

import secrets
import time
from collections.abc import Callable
from datetime import datetime

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from security.encryption import services as envelope
from security.encryption.models import SystemSecret
from security.encryption.secret_cache import Held, Kept, held

PEPPER, AUDIT_KEY = "pepper", "audit key"
LENGTH = 48  # bytes
_read: dict[str, Held] = {}  # by name: a process has one database


class Missing(Exception):
    """The database has no value of a secret that migrating makes."""


# --- Making -----------------------------------------------------------------------------------
def plant(now: datetime) -> list[str]:
    """Make each secret that is not there, or take it over from the settings; which were made.

    After each migrate. Of two at once the first counts.
    """
    given = {
        PEPPER: [settings.API_KEY_OLD_PEPPER, settings.API_KEY_PEPPER],
        AUDIT_KEY: [settings.AUDIT_KEY],
    }
    there = set(SystemSecret.objects.filter(name__in=given).values_list("name", flat=True))
    wanting = [name for name in given if name not in there]
    for name in wanting:
        values = [each for each in given[name] if each] or [made()]
        for number, value in enumerate(values, start=1):
            add(name, number, value, now)
    return wanting


def made() -> str:
    return secrets.token_urlsafe(LENGTH)


@transaction.atomic
def add(name: str, number: int, value: str, now: datetime) -> bool:
    """Store a value; False where another process has stored one of that number first."""
    row = SystemSecret(name=name, number=number, created_at=now)
    row.box = envelope.seal(value, row.place)
    SystemSecret.objects.bulk_create([row], ignore_conflicts=True)
    forget_read()
    return SystemSecret.objects.filter(uuid=row.uuid).exists()


def hold(name: str) -> None:
    """Lock a secret's values until the caller's transaction ends."""
    list(SystemSecret.objects.select_for_update().filter(name=name).values_list("pk"))


@transaction.atomic
def remove(name: str, below: int) -> int:
    """Erase the values before number `below`; how many."""
    gone, _ = SystemSecret.objects.filter(name=name, number__lt=below).delete()
    forget_read()
    return gone


# --- Reading ----------------------------------------------------------------------------------
def current(name: str, clock: Callable[[], float] = time.monotonic) -> Held:
    """The values of a secret, out of this process's memory while that is fresh.

    Missing before the first migrate; UnknownKek or Unreadable where they do not open.
    """
    known = _read.get(name)
    return read(name, clock) if known is None or known.until < clock() else known


def read(name: str, clock: Callable[[], float] = time.monotonic) -> Held:
    """The same out of the database; a thread does so before it has to be, so no request need."""
    known = held(stored(name), timezone.now(), clock())
    _read[name] = known
    return known


def stored(name: str) -> list[Kept]:
    """Every value of a secret as the database has it, the newest first."""
    rows = SystemSecret.objects.filter(name=name).order_by("-number")
    found = [Kept(row.number, envelope.value_of(row), row.created_at) for row in rows]
    if not found:
        raise Missing(f"The platform's own secret {name!r} is not there: run manage.py migrate.")
    return found


def forget_read() -> None:
    """Let this process read everything again when it is next asked."""
    _read.clear()
