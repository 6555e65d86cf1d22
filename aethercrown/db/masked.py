"""A column whose value holds a secret, such as the path of a webhook or a token in a query.

The type itself keeps the secret: it is shown masked in forms, read-only pages and the history, and
no filter compares more than the whole value, so that nobody finds it letter by letter.
"""

from collections.abc import Sequence
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest

from aethercrown.monitoring.redaction import MASK, mask_address

COMPARISONS = frozenset({"exact", "in", "isnull"})


class Typed(str):
    """What a person has just typed into a form, to be shown again as it is."""

    __slots__ = ()


class MaskedAddressFormField(forms.CharField):
    """Shows the stored value masked; sent back unchanged, it keeps what is stored."""

    def __init__(self, *, hide_path: bool, **options: Any) -> None:
        super().__init__(**options)
        self.hide_path = hide_path

    def masked(self, value: Any) -> str:
        return mask_address(str(value or ""), hide_path=self.hide_path)

    def bound_data(self, data: Any, initial: Any) -> Any:
        return data if data == self.masked(initial) else Typed(data or "")

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, Typed) else self.masked(value)

    def has_changed(self, initial: Any, data: Any) -> bool:
        return data != self.masked(initial) and super().has_changed(initial, data)

    def _clean_bound_field(self, bf: Any) -> Any:
        """The stored value where the mask came back; Django calls this for each field."""
        if self.disabled or (bf.initial and bf.data == self.masked(bf.initial)):
            return bf.initial
        return self.clean(bf.data)

    def clean(self, value: Any) -> Any:
        if MASK in (value or ""):
            raise forms.ValidationError(f"Write the whole address instead of {MASK}.", "masked")
        return super().clean(value)


class MaskedAddressField(models.CharField):  # type: ignore[type-arg]  # generic in stubs only
    """An address with a secret in its query, or with `hide_path` in its path too."""

    def __init__(self, *names: Any, hide_path: bool = False, **options: Any) -> None:
        self.hide_path = hide_path
        super().__init__(*names, **options)

    def deconstruct(self) -> Any:
        """A plain column to the migrations: only what is shown differs."""
        name, _path, names, options = super().deconstruct()
        return name, "django.db.models.CharField", names, options

    def masked(self, value: Any) -> str:
        return mask_address(str(value or ""), hide_path=self.hide_path)

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name in COMPARISONS else None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def formfield(self, **options: Any) -> Any:
        options.setdefault("form_class", MaskedAddressFormField)
        return super().formfield(hide_path=self.hide_path, **options)


def masked_fieldsets(screen: Any, request: HttpRequest, row: Any, fieldsets: Any) -> Any:
    """The admin's fieldsets, where whoever may only look at a column sees its masked_<column>."""
    looks = set(screen.get_readonly_fields(request, row))
    columns = {each.name for each in masked_columns(screen.model)}
    if screen.has_change_permission(request, row):
        columns &= looks
    return [
        (title, {**options, "fields": _replaced(options["fields"], columns)})
        for title, options in fieldsets
    ]


def masked_columns(model: Any) -> list[MaskedAddressField]:
    return [each for each in model._meta.fields if isinstance(each, MaskedAddressField)]  # noqa: SLF001 - documented


def _replaced(fields: Sequence[Any], names: set[str]) -> list[Any]:
    return [f"masked_{each}" if each in names else each for each in fields]
