"""The demo company: created in an empty installation, and removed again completely.

Apps register their part in the order of their dependencies. Every created row is listed in DemoRow.
Clearing first releases rows that only wait for a demo row, then deletes the listed rows, newest
first; rows that others refer to stay and are reported.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time

import numpy as np
from django.apps import apps
from django.db import models, transaction
from django.db.models.deletion import ProtectedError

from aethercrown.history import tracking
from aethercrown.models import DemoRow

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
    return list(DemoRow.objects.filter(table=table).values_list("key", flat=True))


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
def clear() -> ClearResult:
    """Delete the demo company's rows; one that other rows refer to stays and stays listed."""
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
    for note in DemoRow.objects.order_by("pk"):
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
