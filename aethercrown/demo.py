"""The demo company: made once for an empty installation, and taken out again to the last row.

Apps register what they add, in the order in which they depend on each other. Every row is noted
in a ledger. Clearing first lets go of what only waits for a demo row; then it removes the noted
rows, the newest first, and leaves those that a row of somebody else's needs, saying so.
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
    """The installation holds rows of its own that the demo company would mix with."""


@dataclass(frozen=True, slots=True)
class Seeding:
    """What an app needs to make its part; the same `today` makes the same rows."""

    today: date
    random: np.random.Generator

    @property
    def now(self) -> datetime:
        """The small hours of today, when automations run."""
        return datetime.combine(self.today, time(3), UTC)

    def keep(self, rows: Iterable[models.Model]) -> None:
        """Note rows as the demo company's; those that others point at first."""
        DemoRow.objects.bulk_create(
            (DemoRow(table=row._meta.label_lower, key=row.pk) for row in rows),  # noqa: SLF001 - documented
            batch_size=BATCH,
        )


@dataclass(slots=True)
class Cleared:
    """How many rows went, why others stayed, and what of the owner's waits for them no more."""

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
    """Add an app's part; doing it again changes nothing. `seed` may raise NotEmpty.

    `release` comes before any row is removed: it lets go of rows that would wait for one for
    good, and says in sentences which.
    """
    _parts[name] = seed
    if release is not None:
        _releases[name] = release


def noted(table: str) -> list[int]:
    """The keys of the demo company's rows of a table, such as `operations.task`."""
    return list(DemoRow.objects.filter(table=table).values_list("key", flat=True))


def is_there() -> bool:
    return DemoRow.objects.exists()


@transaction.atomic
def seed(today: date) -> int:
    """Make every app's part; returns the number of rows. Nothing is made where one refuses."""
    if is_there():
        return 0
    with tracking.silent():  # nobody made these rows, and nobody will ask who did
        for part in _parts.values():
            part(Seeding(today, np.random.default_rng(SEED)))
    return DemoRow.objects.count()


@transaction.atomic
def clear() -> Cleared:
    """Remove the demo company's rows; one that other rows need stays, and stays noted."""
    cleared = Cleared(released=[each for release in _releases.values() for each in release()])
    for table, notes in _tables():
        keys = {note.key: note for note in notes}
        rows = apps.get_model(table)._default_manager  # noqa: SLF001 - documented
        with tracking.silent():
            kept = _removed(rows.filter(pk__in=keys), cleared)
        gone = [note.pk for key, note in keys.items() if key not in kept]
        DemoRow.objects.filter(pk__in=gone).delete()
        cleared.removed += len(gone)
    return cleared


def _tables() -> list[tuple[str, list[DemoRow]]]:
    """Notes by table; a table comes before those that were noted before it, which it points at."""
    found: dict[str, list[DemoRow]] = {}
    for note in DemoRow.objects.order_by("pk"):
        found.setdefault(note.table, []).append(note)
    return list(reversed(found.items()))


def _removed(rows: "models.QuerySet[models.Model]", cleared: Cleared) -> set[int]:
    """Delete the rows, one by one where some must stay; the keys of those."""
    try:
        with transaction.atomic():
            rows.delete()
    except ProtectedError:
        kept = (_removed_alone(row, cleared) for row in rows)
        return {key for key in kept if key is not None}
    return set()


def _removed_alone(row: models.Model, cleared: Cleared) -> int | None:
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
