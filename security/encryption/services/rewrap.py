"""Re-wrap every data key under the active KEK, so that the KEKs before it can be removed."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed, Keyring
from aethercrown.crypto.sealing import SealedColumn, SealedText
from aethercrown.db import bulk
from security.encryption import ciphertext
from security.encryption.ciphertext import Ciphertext, EncryptionContext
from security.encryption.models import SealedRow
from security.encryption.reports import keyring, rows_by_kek, sealed_models
from security.encryption.reports.keks import kek_of
from security.encryption.services.envelope import reserve_wraps
from security.encryption.services.texts import context_of

BATCH_ROWS = 2_000
Failpoint = Callable[[str], None]
StaleRow = tuple[int, str, bytes, UUID, int, str]


@dataclass
class RewrapProgress:
    """Rows left and done. `unreadable` rows stay as they are and are named."""

    left: int
    done: int = 0
    unreadable: list[str] = field(default_factory=list)


def rewrap(
    batch: int = BATCH_ROWS, failpoint: Failpoint = lambda _name: None
) -> Iterator[RewrapProgress]:
    """Re-wrap `batch` rows a commit, and yield the progress after each commit.

    May be stopped and run again. A row that another transaction changes meanwhile is left alone.
    """
    known = keyring()
    left = sum(rows for kid, rows in rows_by_kek().items() if kid != known.active)
    progress = RewrapProgress(left)
    yield progress
    for model in sealed_models():
        last = 0
        while rows := _stale_rows(model, known.active, last, batch):
            last = rows[-1][0]
            reserve_wraps(len(rows))
            changes = [each for row in rows if (each := _rewrapped(model, row, known, progress))]
            failpoint("rewrap.before_batch")
            progress.done += _store(model, changes)
            failpoint("rewrap.after_batch")
            progress.left = max(0, progress.left - len(changes))
            yield progress
    for column in sealing.columns:
        stale = (each for each in column.texts() if kek_of(each.sealed) != known.active)
        while texts := list(islice(stale, batch)):
            _rewrap_texts(column, texts, known, progress)
            yield progress


def _stale_rows(model: type[SealedRow], active: str, last: int, batch: int) -> list[StaleRow]:
    """(pk, kek_id, wrapped, and the three parts of the context) of rows under another KEK."""
    rows = model._default_manager.filter(~Q(kek_id__in=["", active]), pk__gt=last)  # noqa: SLF001 - documented
    columns = ("pk", "kek_id", "wrapped", *model.context_columns)
    return list(rows.order_by("pk").values_list(*columns)[:batch])


def _rewrapped(
    model: type[SealedRow], row: StaleRow, known: Keyring, progress: RewrapProgress
) -> tuple[str, bytes, int, str, bytes] | None:
    """The parameters of one UPDATE; None, and noted, for a row that cannot be decrypted."""
    pk, kek_id, wrapped, owner, number, kind = row
    sealed = Ciphertext(kek_id, bytes(wrapped), b"")
    try:
        new = ciphertext.rewrap(sealed, EncryptionContext(owner, number, kind), known)
    except DecryptionFailed as error:
        progress.unreadable.append(f"{model._meta.db_table} {pk}: {error}")  # noqa: SLF001 - documented
        return None
    return new.kek_id, new.wrapped, pk, kek_id, bytes(wrapped)


def _store(model: type[SealedRow], changes: list[tuple[str, bytes, int, str, bytes]]) -> int:
    """Compare and set, row by row in one commit; how many were changed."""
    with transaction.atomic():
        return bulk.update(model, ["kek_id", "wrapped"], ["id", "kek_id", "wrapped"], changes)


def _rewrap_texts(
    column: SealedColumn, texts: list[SealedText], known: Keyring, progress: RewrapProgress
) -> None:
    """The same for single texts, in one commit."""
    reserve_wraps(len(texts))
    with transaction.atomic():
        for each in texts:
            try:
                old = ciphertext.from_text(each.sealed)
                new = ciphertext.rewrap(old, context_of(each.context), known)
            except DecryptionFailed as error:
                progress.unreadable.append(f"{column.name} {each.pk}: {error}")
                continue
            progress.done += column.replace(each, new.to_text())
            progress.left = max(0, progress.left - 1)
