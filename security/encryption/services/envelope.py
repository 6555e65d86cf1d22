"""Sealing with the platform's keys, and moving to a new KEK."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from threading import Lock
from uuid import UUID

from django.apps import apps
from django.conf import settings
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from aethercrown.crypto import keyring as ring
from aethercrown.crypto.keyring import MAX_WRAPS, Keyring
from aethercrown.db import bulk
from security.encryption import ciphertext
from security.encryption.ciphertext import Ciphertext, DecryptionFailed, EncryptionContext
from security.encryption.models import Kek, SealedRow, SystemSecret

BATCH = 2_000
BLOCK = 4_096  # wraps that a process reserves at once, so that not every seal writes the counter
CANARY = b"canary"
Strike = Callable[[str], None]


class WrongKek(Exception):
    """ENCRYPTION_KEYS has another key under a known name: nothing is written under it."""


class WornOut(Exception):
    """A KEK has made as many wraps as one key may: a new one must come first."""


# --- Sealing ----------------------------------------------------------------------------------
def keyring() -> Keyring:
    return _parsed(settings.ENCRYPTION_KEYS)


def seal(secret: str, place: EncryptionContext) -> Ciphertext:
    """Encrypt for a place; best outside a transaction, which then need not hold the counter.

    WrongKek and WornOut instead of writing what could not be read back.
    """
    reserve(1)
    return ciphertext.seal(secret, place, keyring())


def seal_many(items: list[tuple[str, EncryptionContext]]) -> list[Ciphertext]:
    """The same for many at once."""
    reserve(len(items))
    known = keyring()
    return [ciphertext.seal(secret, place, known) for secret, place in items]


def opened(sealed: Ciphertext, place: EncryptionContext) -> str:
    """What was sealed; Unreadable or UnknownKek where it cannot be opened."""
    return ciphertext.unseal(sealed, place, keyring())


def value_of(row: SystemSecret) -> str:
    """What a row of the platform's own secrets holds."""
    held = Ciphertext(row.kek_id, bytes(row.wrapped or b""), bytes(row.sealed or b""))
    return opened(held, row.place)


def reserve(count: int) -> None:
    """Count wraps against the active KEK's limit, a block at a time.

    Within a transaction exactly `count`, as its end may take the counting back.
    """
    known = keyring()
    prove(known)
    if _meter.take(known.active, count):
        return
    block = count if connection.in_atomic_block else max(BLOCK, count)
    if not _counted(known.active, block):
        _plant(known, known.active)
        if not _counted(known.active, block):
            raise WornOut(
                f"The key-encryption key {known.active!r} has made 2^32 wraps: put a new one "
                "first in ENCRYPTION_KEYS and run `manage.py rewrap_keys`."
            )
    _meter.give(known.active, block - count)


# --- Canaries ---------------------------------------------------------------------------------
def prove(known: Keyring) -> None:
    """Open each KEK's canary, once in each process; a new KEK gets one. WrongKek if one fails."""
    if known.keys == _proved.get("keys"):
        return
    for kid in known.keys:
        _prove(known, kid)
    _proved["keys"] = dict(known.keys)


def problems() -> list[str]:
    """What forbids a start: KEKs that are wrong, and those that rows need and nobody has."""
    known = keyring()
    found = []
    for kek in Kek.objects.filter(kid__in=known.keys):
        try:
            _open_canary(known, kek)
        except WrongKek as error:
            found.append(str(error))
    missing = {kid: rows for kid, rows in rows_by_kek().items() if kid not in known.keys and rows}
    found += [
        f"{rows} stored secrets need the key-encryption key {kid!r}, which ENCRYPTION_KEYS does "
        "not name: put it back, behind the active one."
        for kid, rows in sorted(missing.items())
    ]
    return found


# --- A new KEK --------------------------------------------------------------------------------
@dataclass
class Rewrapping:
    """How far it has come; `unreadable` rows stay as they are and are named."""

    left: int
    done: int = 0
    unreadable: list[str] = field(default_factory=list)


def rows_by_kek() -> dict[str, int]:
    """How many rows each KEK is needed for; one with 0 may be dropped."""
    found = dict.fromkeys(keyring().keys, 0)
    for model in sealed_models():
        rows = model._default_manager.exclude(kek_id="").values("kek_id")  # noqa: SLF001 - documented
        for row in rows.annotate(rows=Count("pk")).order_by():
            found[row["kek_id"]] = found.get(row["kek_id"], 0) + row["rows"]
    return found


def rewrap(batch: int = BATCH, strike: Strike = lambda _name: None) -> Iterator[Rewrapping]:
    """Wrap every data key by the active KEK, a batch a commit; what was done stays done.

    A row that changes meanwhile is left to whoever changed it. Gives the state after each batch.
    """
    known = keyring()
    state = Rewrapping(left=sum(rows for kid, rows in rows_by_kek().items() if kid != known.active))
    yield state
    for model in sealed_models():
        last = 0
        while rows := _stale(model, known.active, last, batch):
            last = rows[-1][0]
            reserve(len(rows))
            changes = [change for row in rows if (change := _rewrapped(model, row, known, state))]
            strike("rewrap.before_batch")
            state.done += _stored(model, changes)
            strike("rewrap.after_batch")
            state.left = max(0, state.left - len(changes))
            yield state


def sealed_models() -> list[type[SealedRow]]:
    """Every table with sealed rows."""
    return [model for model in apps.get_models() if issubclass(model, SealedRow)]


# --- Parts ------------------------------------------------------------------------------------
class Meter:
    """Wraps that this process has reserved and not used yet."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._left: dict[str, int] = {}

    def take(self, kid: str, count: int) -> bool:
        with self._lock:
            if self._left.get(kid, 0) < count:
                return False
            self._left[kid] -= count
            return True

    def give(self, kid: str, count: int) -> None:
        with self._lock:
            self._left[kid] = self._left.get(kid, 0) + count


_meter = Meter()
_proved: dict[str, dict[str, bytes]] = {}


@lru_cache(maxsize=8)
def _parsed(text: str) -> Keyring:
    return ring.parse(text)


def _counted(kid: str, count: int) -> bool:
    rows = Kek.objects.filter(kid=kid, wraps__lte=MAX_WRAPS - count)
    return rows.update(wraps=F("wraps") + count) == 1


def _prove(known: Keyring, kid: str) -> None:
    kek = Kek.objects.filter(kid=kid).first()
    if kek is None:
        _plant(known, kid)
    else:
        _open_canary(known, kek)


def _plant(known: Keyring, kid: str) -> None:
    """Give a new KEK its canary; one that is there stays."""
    canary = ciphertext.encrypt(known.key(kid), CANARY, _canary_name(kid), os.urandom)
    row = Kek(kid=kid, canary=canary, created_at=timezone.now())
    Kek.objects.bulk_create([row], ignore_conflicts=True)
    _open_canary(known, Kek.objects.get(kid=kid))


def _open_canary(known: Keyring, kek: Kek) -> None:
    try:
        ciphertext.decrypt(known.key(kek.kid), bytes(kek.canary), _canary_name(kek.kid))
    except DecryptionFailed:
        raise WrongKek(
            f"ENCRYPTION_KEYS has another key under the name {kek.kid!r} than the one that this "
            "database was written with: put the right one back, or give the new one a new name."
        ) from None


def _canary_name(kid: str) -> bytes:
    return f"v1|canary|{kid}".encode()


Stale = tuple[int, str, bytes, UUID, int, str]


def _stale(model: type[SealedRow], active: str, last: int, batch: int) -> list[Stale]:
    """(pk, kek, wrapped, and the place's three parts) of rows under another KEK."""
    rows = model._default_manager.filter(~Q(kek_id__in=["", active]), pk__gt=last)  # noqa: SLF001
    return list(
        rows.order_by("pk").values_list("pk", "kek_id", "wrapped", *model.place_path)[:batch]
    )


def _rewrapped(
    model: type[SealedRow], row: Stale, known: Keyring, state: Rewrapping
) -> tuple[str, bytes, int, str, bytes] | None:
    """The parameters of one UPDATE; None, and noted, for a row that cannot be opened."""
    pk, kek_id, wrapped, owner, number, kind = row
    try:
        new = ciphertext.rewrap(
            Ciphertext(kek_id, bytes(wrapped), b""), EncryptionContext(owner, number, kind), known
        )
    except (DecryptionFailed, ring.UnknownKek) as error:
        state.unreadable.append(f"{model._meta.db_table} {pk}: {error}")  # noqa: SLF001 - documented
        return None
    return new.kek_id, new.wrapped, pk, kek_id, bytes(wrapped)


def _stored(model: type[SealedRow], changes: list[tuple[str, bytes, int, str, bytes]]) -> int:
    """Compare and set, row by row in one commit; how many were changed."""
    with transaction.atomic():
        return bulk.update(model, ["kek_id", "wrapped"], ["id", "kek_id", "wrapped"], changes)
