"""Keep what an import replaces in tables of other apps, and put it back."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.apps import apps
from django.db.models import Model, ProtectedError
from django.utils.text import capfirst

from aethercrown.formatting import counted
from aethercrown.history import tracking
from operations.imports.models import ReplacedRow
from operations.imports.registry import UndoRefused

BATCH = 500
Values = dict[str, str | None]
EARLIER = "nothing was kept of what it replaced, because an earlier version stored it"


def values_of(row: Model, names: Iterable[str]) -> Values:
    """Columns as texts that are equal where the stored values are."""
    return {name: _text(getattr(row, name)) for name in names}


def _text(value: object) -> str | None:
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return None if value is None else str(value)


@contextmanager
def keeping(
    import_id: int | None, rows: Callable[[], Iterable[Model]], names: Sequence[str]
) -> Iterator[None]:
    """Keep what the block changes: `rows` reads the rows, before and after it."""
    if import_id is None:
        yield
        return
    before = {each.pk: values_of(each, names) for each in rows()}
    yield
    ReplacedRow.objects.bulk_create(
        (
            ReplacedRow(
                data_import_id=import_id,
                table=each._meta.label_lower,  # noqa: SLF001 - documented
                row=each.pk,
                before=before.get(each.pk),
                after=values_of(each, names),
            )
            for each in rows()
        ),
        batch_size=BATCH,
    )


def put_back(import_id: int) -> list[str]:
    """Delete the rows that an import created, and restore those that it changed; what was done.

    Raises UndoRefused where one was changed since, or is used.
    """
    kept = ReplacedRow.objects.filter(data_import=import_id)
    if not kept.exists():
        raise UndoRefused(EARLIER)
    said = []
    for table, own in groupby(kept.order_by("table", "pk"), lambda each: each.table):
        model, rows = apps.get_model(table), list(own)
        for start in range(0, len(rows), BATCH):
            _put_back(model, rows[start : start + BATCH])
        created = sum(each.before is None for each in rows)
        said.append(_sentence(model, created, len(rows) - created))
    kept.delete()
    return said


def _sentence(model: type[Model], created: int, changed: int) -> str:
    parts = [f"{counted(created, 'record')} deleted"] if created else []
    parts += [f"{counted(changed, 'record')} as before the import"] if changed else []
    title = capfirst(str(model._meta.verbose_name))  # noqa: SLF001 - documented
    return f"{title}: {', '.join(parts)}."


def _put_back(model: Any, kept: Sequence[ReplacedRow]) -> None:
    keys = [each.row for each in kept]
    rows = model._base_manager.select_for_update().filter(pk__in=keys)  # noqa: SLF001 - documented
    stored = {each.pk: each for each in rows.order_by("pk")}
    for each in kept:
        row = stored.get(each.row)
        if row is None:
            raise UndoRefused(f"a {model._meta.verbose_name} was deleted since")  # noqa: SLF001 - documented
        if values_of(row, each.after) != each.after:
            raise UndoRefused(f"{row} was changed since")
    _restore(model, [(stored[each.row], each.before) for each in kept if each.before is not None])
    _delete(model, [stored[each.row] for each in kept if each.before is None])


def _restore(model: Any, rows: Sequence[tuple[Any, Values]]) -> None:
    if not rows:
        return
    is_tracked, changed = model in tracking.tracked(), [row for row, _ in rows]
    if is_tracked:
        tracking.begin(model, changed)
    for row, before in rows:
        for name, text in before.items():
            value = None if text is None else model._meta.get_field(name).to_python(text)  # noqa: SLF001 - documented
            setattr(row, name, value)
    model._base_manager.bulk_update(changed, [*rows[0][1]], batch_size=BATCH)  # noqa: SLF001 - documented
    if is_tracked:
        tracking.keep(model, changed)


def _delete(model: Any, rows: Sequence[Model]) -> None:
    try:
        model._base_manager.filter(pk__in=[each.pk for each in rows]).delete()  # noqa: SLF001 - documented
    except ProtectedError as error:
        what = next(iter(error.protected_objects))._meta.verbose_name_plural  # noqa: SLF001 - documented
        names = ", ".join(str(each) for each in rows[:5])
        raise UndoRefused(f"what it created ({names}) has {what} since") from error
