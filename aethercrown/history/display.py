"""The history of a tracked row as text: who changed what, when, from where and why."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db.models import Field, ForeignKey, Model
from simple_history.utils import get_m2m_reverse_field_name

from aethercrown.db.masked import MaskedField
from aethercrown.formatting import value_text

MOST = 100
LONGEST = 300  # characters of one value
ACTS = {"+": "created", "~": "changed", "-": "deleted"}
NOBODY = "the system"


@dataclass(frozen=True, slots=True)
class DisplayedValue:
    """One column's value before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class HistoryChange:
    """One history row, compared with the one before it."""

    at: datetime
    act: str
    actor: str
    address: str
    reason: str
    values: tuple[DisplayedValue, ...]


def tracked_row(label: str, pk: int) -> Model | None:
    """The row of a model whose changes are recorded; None where there is no such row or record."""
    model = apps.get_model(label)
    meta = model._meta  # noqa: SLF001 - documented
    if not hasattr(meta, "simple_history_manager_attribute"):
        return None
    row: Model | None = model._default_manager.filter(pk=pk).first()  # noqa: SLF001 - documented
    return row


def changes(row: Model, most: int = MOST) -> list[HistoryChange] | None:
    """Up to `most` changes, newest first; None if the table is not tracked."""
    manager = getattr(row._meta, "simple_history_manager_attribute", None)  # noqa: SLF001 - documented
    if manager is None:
        return None
    records = list(getattr(row, manager).all()[: most + 1])
    befores = [*records[1:], None] if len(records) <= most else records[1:]
    return [_change(*pair) for pair in zip(records[:most], befores, strict=False)]


def _change(record: Any, before: Any) -> HistoryChange:
    return HistoryChange(
        at=record.history_date,
        act=ACTS[record.history_type],
        actor=record.history_user_id or NOBODY,
        address=record.history_address,
        reason=record.history_change_reason or "",
        values=() if record.history_type == "-" else tuple(_values(record, before)),
    )


def _values(record: Any, before: Any) -> Iterator[DisplayedValue]:
    """The differences from the record before; for the first record all non-empty values."""
    for field in record.tracked_fields:
        new = getattr(record, field.attname)
        old = getattr(before, field.attname) if before else None
        if new != old and not field.primary_key and (before or new not in (None, "")):
            earlier = _shown(field, old, before.history_date) if before else ""
            yield DisplayedValue(_name(field), earlier, _shown(field, new, record.history_date))
    for name in (each.name for each in record._history_m2m_fields):  # noqa: SLF001 - the library's
        old_set, new_set = (_set(each, name) if each else {} for each in (before, record))
        if old_set.keys() != new_set.keys():
            removed = sorted(old_set[key] for key in old_set.keys() - new_set.keys())
            added = sorted(new_set[key] for key in new_set.keys() - old_set.keys())
            label = _name(record.instance_type._meta.get_field(name))  # noqa: SLF001 - documented
            yield DisplayedValue(label, _cut(", ".join(removed)), _cut(", ".join(added)))


def _set(record: Any, name: str) -> dict[Any, str]:
    """The rows of a many-to-many relation by key, each as it was called then."""
    field = record.instance_type._meta.get_field(name)  # noqa: SLF001 - documented
    far = get_m2m_reverse_field_name(field)
    keys = list(getattr(record, name).values_list(f"{far}_id", flat=True))
    if hasattr(field.related_model._meta, "simple_history_manager_attribute"):  # noqa: SLF001 - documented
        return {key: _called(field.related_model, key, record.history_date) for key in keys}
    known = field.related_model._default_manager.in_bulk(keys)  # noqa: SLF001 - documented
    return {key: str(known.get(key, f"{key} (deleted)")) for key in keys}


def _shown(field: "Field[Any, Any]", value: Any, at: datetime) -> str:
    if isinstance(field, ForeignKey) and value is not None:
        return _cut(_called(field.related_model, value, at))
    if value is None or value == "":
        return "empty"
    if isinstance(field, MaskedField):
        return _cut(field.masked(value))
    labels = (label for choice, label in field.flatchoices if choice == value)
    return _cut(str(next(labels, None) or value_text(value) or value))


def _called(model: Any, key: Any, at: datetime) -> str:
    """What the row was called then, by its own history; today's name where it has none."""
    meta = model._meta  # noqa: SLF001 - documented
    manager = getattr(meta, "simple_history_manager_attribute", None)
    if manager is not None:
        rows = getattr(model, manager).filter(**{meta.pk.attname: key})
        then = rows.filter(history_date__lte=at).first() or rows.last()
        if then is not None:
            return str(then.instance)
    found = model._default_manager.filter(pk=key).first()  # noqa: SLF001 - documented
    return str(found) if found else f"{key} (deleted)"


def _name(field: Any) -> str:
    return str(field.verbose_name).capitalize()


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
