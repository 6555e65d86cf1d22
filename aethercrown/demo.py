"""The demo company: created in an empty installation, and removed again completely.

Apps register their part in the order of their dependencies. Every created row is listed in DemoRow.
Clearing first releases rows that only wait for a demo row, then deletes the listed rows, newest
first; rows that others refer to stay and are reported. What was deleted beside them is kept as
text, so that it can be restored.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

import numpy as np
from django.apps import apps
from django.core import serializers
from django.db import IntegrityError, models, transaction
from django.db.models.deletion import ProtectedError

from aethercrown.db.masked import MaskedAddressField
from aethercrown.history import tracking
from aethercrown.models import DemoRow
from aethercrown.monitoring.redaction import mask_address

SEED = 20260105
BATCH = 500


class NotEmpty(Exception):
    """The installation has rows of its own."""


@dataclass(frozen=True, slots=True)
class Seeding:
    """What an app needs to create its part; the same `today` gives the same rows."""

    today: date
    random: np.random.Generator

    @property
    def now(self) -> datetime:
        """03:00 UTC today, when automations run."""
        return datetime.combine(self.today, time(3), UTC)

    def keep(self, rows: Iterable[models.Model]) -> None:
        """List rows as the demo company's; rows that others refer to come first."""
        DemoRow.objects.bulk_create(
            (DemoRow(table=row._meta.label_lower, key=row.pk) for row in rows),  # noqa: SLF001 - documented
            batch_size=BATCH,
        )


@dataclass(slots=True)
class ClearResult:
    """How many rows were deleted, why others stayed, and which rows were released."""

    removed: int = 0
    kept: list[str] = field(default_factory=list)
    released: list[str] = field(default_factory=list)


_parts: dict[str, Callable[[Seeding], None]] = {}
_releases: dict[str, Callable[[], list[str]]] = {}


def register(
    name: str,
    seed: Callable[[Seeding], None],
    release: Callable[[], list[str]] | None = None,
) -> None:
    """Register an app's part; again changes nothing. `seed` may raise NotEmpty.

    `release` runs before rows are deleted: it releases rows that would wait for a demo row for
    ever, and returns a sentence for each.
    """
    _parts[name] = seed
    if release is not None:
        _releases[name] = release


def keys_of(table: str) -> list[int]:
    """The keys of the demo company's rows of a table, such as `operations.task`."""
    rows = DemoRow.objects.filter(table=table, deleted="")
    return list(rows.values_list("key", flat=True))


def is_there() -> bool:
    return DemoRow.objects.exists()


@transaction.atomic
def seed(today: date) -> int:
    """Create every app's part; returns the number of rows. Nothing is created if one refuses."""
    if is_there():
        return 0
    with tracking.silent():  # demo rows need no history
        for part in _parts.values():
            part(Seeding(today, np.random.default_rng(SEED)))
    return DemoRow.objects.count()


@transaction.atomic
def restore() -> int:
    """Make again, under their old keys, the rows that a partial clearing deleted; how many.

    Raises NotEmpty where a row of one's own has taken the place of one of them.
    """
    notes = list(DemoRow.objects.exclude(deleted=""))
    with tracking.silent():
        for note in notes:
            for row in serializers.deserialize("json", note.deleted):
                _put_back(note, row)
    DemoRow.objects.exclude(deleted="").update(deleted="")
    return len(notes)


def _put_back(note: DemoRow, row: serializers.base.DeserializedObject) -> None:
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError as error:
        words = "A row of your own is in the place of the demo company's; nothing was restored"
        raise NotEmpty(f"{words}: {note}.") from error


@transaction.atomic
def clear() -> ClearResult:
    """Delete the demo company's rows; one that other rows refer to stays and stays listed.

    If some stay, the others are listed with their columns, from which `restore` makes them again.
    """
    mark = transaction.savepoint()
    cleared = _cleared()
    if not cleared.kept:
        DemoRow.objects.all().delete()
        return cleared
    transaction.savepoint_rollback(mark)
    before = _as_text()
    cleared = _cleared()
    left = set(DemoRow.objects.values_list("pk", flat=True))
    gone = [note for note in before if note.pk not in left]
    DemoRow.objects.bulk_create(gone, batch_size=BATCH)
    return cleared


def _as_text() -> list[DemoRow]:
    """The listed rows that are there, each with its columns."""
    noted = []
    for table, notes in _tables():
        manager = apps.get_model(table)._default_manager  # noqa: SLF001 - documented
        rows = manager.in_bulk([note.key for note in notes])
        for note in notes:
            if note.key in rows:
                note.deleted = serializers.serialize("json", [_masked(rows[note.key])])
                noted.append(note)
    return noted


def _masked(row: models.Model) -> models.Model:
    """The row without a secret that somebody wrote into one of its addresses."""
    for each in row._meta.concrete_fields:  # noqa: SLF001 - documented
        if isinstance(each, MaskedAddressField):
            shown = mask_address(getattr(row, each.name), hide_path=each.hide_path)
            setattr(row, each.name, shown)
    return row


def _cleared() -> ClearResult:
    cleared = ClearResult(released=[each for release in _releases.values() for each in release()])
    for table, notes in _tables():
        keys = {note.key: note for note in notes}
        rows = apps.get_model(table)._default_manager  # noqa: SLF001 - documented
        with tracking.silent():
            kept = _removed(rows.filter(pk__in=keys), cleared)
        deleted = [note.pk for key, note in keys.items() if key not in kept]
        DemoRow.objects.filter(pk__in=deleted).delete()
        cleared.removed += len(deleted)
    return cleared


def _tables() -> list[tuple[str, list[DemoRow]]]:
    """Listed rows by table; the last listed table comes first, as it refers to earlier ones."""
    found: dict[str, list[DemoRow]] = {}
    for note in DemoRow.objects.filter(deleted="").order_by("pk"):
        found.setdefault(note.table, []).append(note)
    return list(reversed(found.items()))


def _removed(rows: "models.QuerySet[models.Model]", cleared: ClearResult) -> set[int]:
    """Delete the rows, one by one if some must stay; returns the keys of those."""
    try:
        with transaction.atomic():
            rows.delete()
    except ProtectedError:
        kept = (_removed_alone(row, cleared) for row in rows)
        return {key for key in kept if key is not None}
    return set()


def _removed_alone(row: models.Model, cleared: ClearResult) -> int | None:
    key: int = row.pk
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError as error:
        cleared.kept.append(_words(row, error.protected_objects))
        return key
    return None


def _words(row: models.Model, needed_by: Iterable[models.Model]) -> str:
    others = list(needed_by)
    mine, theirs = (each._meta.verbose_name for each in (row, others[0]))  # noqa: SLF001 - documented
    return f"{mine} {row}: {len(others)} rows refer to it, such as {theirs} {others[0]}"
