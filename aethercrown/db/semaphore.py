"""Counting semaphores in the database: at most `limit` holders of a name, on all machines.

A holder has a slot, a row, under a lease on the database's clock. A holder that dies is replaced
when its lease ends. A slot is taken by one UPSERT, so two callers never get the same one.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from django.db import connection

from aethercrown.db.clock import NOW_SECONDS
from aethercrown.models import SemaphoreSlot

ACQUIRE = """
INSERT INTO aethercrown_semaphoreslot AS s (name, slot, token, lease_until)
VALUES (%s, %s, %s, {now} + %s)
ON CONFLICT (name, slot) DO UPDATE SET token = excluded.token, lease_until = excluded.lease_until
WHERE s.lease_until <= {now}
RETURNING 1
"""


@dataclass(frozen=True, slots=True)
class HeldSlot:
    """A slot that this holder has acquired."""

    name: str
    slot: int
    token: str


def acquire(name: str, limit: int, lease_seconds: float) -> HeldSlot | None:
    """A free slot of the semaphore; None if all `limit` are held. Commit it before the work."""
    token = secrets.token_hex(16)
    statement = ACQUIRE.format(now=NOW_SECONDS[connection.vendor])
    with connection.cursor() as cursor:
        for slot in range(limit):
            cursor.execute(statement, [name, slot, token, lease_seconds])
            if cursor.fetchone():
                return HeldSlot(name, slot, token)
    return None


def release(held: HeldSlot) -> None:
    """Free the slot, unless its lease has ended and another holder has it."""
    SemaphoreSlot.objects.filter(name=held.name, slot=held.slot, token=held.token).delete()


def acquire_each(limits: dict[str, int], lease_seconds: float) -> tuple[list[HeldSlot], str | None]:
    """A slot of every semaphore and None, or none and the name of one that is full."""
    held: list[HeldSlot] = []
    for name, limit in limits.items():
        slot = acquire(name, limit, lease_seconds)
        if slot is None:
            release_each(held)
            return [], name
        held.append(slot)
    return held, None


def release_each(held: list[HeldSlot]) -> None:
    """Free them; the list is empty afterwards."""
    while held:
        release(held.pop())


@contextmanager
def slots(limits: dict[str, int], lease_seconds: float) -> Iterator[str | None]:
    """Hold a slot of every semaphore for the block; yields the name of one that is full, or None.

    If one is full none is held.
    """
    held, full = acquire_each(limits, lease_seconds)
    try:
        yield full
    finally:
        release_each(held)
