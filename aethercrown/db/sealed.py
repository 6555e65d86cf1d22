"""Columns that hold their value encrypted with the keys of ENCRYPTION_KEYS; Python sees the value.

A value is bound to its table and column: moved to another, it does not decrypt. No query compares
such a column, because equal values have different ciphertexts. A value that cannot be decrypted,
such as after the loss of a key, reads as an empty one and is written back as it was; so its row can
still be opened, and a person enters the value again.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.db.models import F, QuerySet, TextField, Value
from django.db.models.functions import Cast

from aethercrown.crypto import sealing
from aethercrown.crypto.keyring import DecryptionFailed
from aethercrown.crypto.sealing import SealedText

log = logging.getLogger(__name__)


class OpenedText(str):
    """A text as it was read, with its ciphertext, which is written back while nobody changes it."""

    __slots__ = ("context", "sealed")
    sealed: str
    context: str

    @classmethod
    def of(cls, text: str, sealed: str, context: str) -> "OpenedText":
        made = cls(text)
        made.sealed, made.context = sealed, context
        return made


class UnreadableConfig(dict[str, Any]):
    """The empty configuration in place of one that cannot be decrypted."""

    __slots__ = ("context", "sealed")
    sealed: str
    context: str

    @classmethod
    def of(cls, sealed: str, context: str) -> "UnreadableConfig":
        made = cls()
        made.sealed, made.context = sealed, context
        return made


def is_unreadable(value: object) -> bool:
    """Whether a value that was read is the empty one in place of one that cannot be decrypted."""
    return isinstance(value, UnreadableConfig) or (isinstance(value, OpenedText) and not value)


class SealedMixin:
    """The storing half of a field: its column is text, empty where the value is."""

    model: Any
    name: str

    def to_plain(self, value: Any) -> str:
        """The value as a text; empty for an empty value."""
        return str(value or "")

    def opened(self, text: str, sealed: str) -> Any:
        """The value of a text that was decrypted."""
        return OpenedText.of(text, sealed, self.sealing_context)

    def unreadable(self, sealed: str) -> Any:
        """What stands in the place of a value that cannot be decrypted."""
        return self.opened("", sealed)

    def empty(self) -> Any:
        return ""

    @property
    def sealing_context(self) -> str:
        """The table and the column; the history of a table is one of its own."""
        return sealing_context(self.model, self.name)

    def get_internal_type(self) -> str:
        return "TextField"

    def from_db_value(self, value: str | None, *_query: Any) -> Any:
        if not value:
            return self.empty()
        try:
            text = sealing.unseal(value, self.sealing_context)
        except DecryptionFailed as error:
            log.error("A value of %s cannot be read: %s", self.sealing_context, error)  # noqa: TRY400 - its trace says nothing more
            return self.unreadable(value)
        return self.opened(text, value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:  # noqa: FBT001, FBT002 - Django's
        context = self.sealing_context
        text = self.to_plain(value)
        known = isinstance(value, OpenedText | UnreadableConfig) and value.context == context
        if known and (not text or sealing.is_active(value.sealed)):
            return value.sealed
        return sealing.seal(text, context) if text else ""

    def get_db_prep_save(self, value: Any, connection: Any) -> Any:
        return value if hasattr(value, "as_sql") else self.get_db_prep_value(value, connection)

    def get_lookup(self, lookup_name: str) -> Any:
        return None

    def get_transform(self, lookup_name: str) -> Any:
        return None


def sealing_context(model: Any, name: str) -> str:
    return f"{model._meta.label_lower}.{name}"  # noqa: SLF001 - documented


@dataclass(frozen=True, slots=True)
class SealedFieldColumn:
    """The encrypted texts of one such field, for `rewrap_keys` and `kek_check`."""

    model: Any
    column: str

    @property
    def name(self) -> str:
        return f"{self.model._meta.label}.{self.column}"  # noqa: SLF001 - documented

    def _rows(self) -> QuerySet[Any]:
        """Every row that holds a ciphertext, with it as `raw`."""
        every: QuerySet[Any] = self.model._base_manager.all()  # noqa: SLF001 - documented
        found: QuerySet[Any] = every.annotate(raw=Cast(F(self.column), TextField()))
        return found.exclude(raw="")

    def texts(self) -> Iterator[SealedText]:
        context = sealing_context(self.model, self.column)
        for key, raw in self._rows().order_by("pk").values_list("pk", "raw").iterator():
            yield SealedText(key, raw, context)

    def replace(self, text: SealedText, sealed: str) -> bool:
        new = Value(sealed, output_field=TextField())
        return bool(self._rows().filter(pk=text.pk, raw=text.sealed).update(**{self.column: new}))


def sealed_columns() -> Iterator[SealedFieldColumn]:
    """Of every table, those of the history too."""
    for model in apps.get_models():
        for field in model._meta.concrete_fields:  # noqa: SLF001 - documented
            if isinstance(field, SealedMixin):
                yield SealedFieldColumn(model, field.name)


def seal_stored(model: Any, *columns: str) -> None:
    """Encrypt what a table holds in plain; for the migration that makes a column such a field.

    `model` is that of the migration, whose columns are plain text.
    """
    for column in columns:
        context = sealing_context(model, column)
        rows = model._base_manager.exclude(**{f"{column}__in": ["", "{}"]})  # noqa: SLF001 - documented
        for key, text in rows.order_by("pk").values_list("pk", column).iterator():
            model._base_manager.filter(pk=key).update(**{column: sealing.seal(text, context)})  # noqa: SLF001 - the same
        empty = model._base_manager.filter(**{column: "{}"})  # noqa: SLF001 - the same
        empty.update(**{column: ""})


def plain_field(field: Any, *dropped: str) -> Any:
    """The field as the migrations have it: a text column, without the options named."""
    name, _path, names, options = field.deconstruct()
    kept = {option: value for option, value in options.items() if option not in dropped}
    return name, "django.db.models.TextField", names, kept
