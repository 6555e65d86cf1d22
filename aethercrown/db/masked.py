"""Columns whose values hold secrets: an address, such as a webhook's, or a configuration with some.

The type itself keeps the secret: it is shown masked in forms, read-only pages and the history, and
no filter compares more than the whole value, so that nobody finds it letter by letter.
"""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.db import models
from django.http import HttpRequest

from aethercrown.monitoring import redaction
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


def masked_config(value: Any) -> Any:
    """A copy of a configuration without the secrets in it: paths, queries, tokens."""
    if isinstance(value, dict):
        return {name: masked_config(each) for name, each in value.items()}
    if isinstance(value, list):
        return [masked_config(each) for each in value]
    if not isinstance(value, str):
        return value
    return mask_address(value, hide_path=True) if "://" in value else redaction.text(value)


def masked_config_text(value: Any) -> str:
    """A configuration as pages show it."""
    return json.dumps(masked_config(value), ensure_ascii=False)


def unmasked_config(shown: Any, stored: Any) -> Any:
    """What a form that showed `stored` masked stands for: each mask sent back is what is stored."""
    if isinstance(shown, dict) and isinstance(stored, dict):
        return {name: unmasked_config(each, stored.get(name)) for name, each in shown.items()}
    return stored if shown == masked_config(stored) else shown


class MaskedConfigFormField(forms.JSONField):
    """Shows the stored configuration masked; each mask sent back keeps what is stored there."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        return Typed(data or "")

    def prepare_value(self, value: Any) -> Any:
        return value if isinstance(value, Typed) else super().prepare_value(masked_config(value))

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.unmasked(data, initial) != (initial or {}))
        except forms.ValidationError:
            return True

    def _clean_bound_field(self, bf: Any) -> Any:
        """Django calls this for each field."""
        return bf.initial if self.disabled else self.unmasked(bf.data, bf.initial)

    def unmasked(self, data: Any, stored: Any) -> Any:
        found = unmasked_config(self.clean(data) or {}, stored)
        if MASK in json.dumps(found) and found != stored:
            raise forms.ValidationError(f"Write the whole value instead of {MASK}.", "masked")
        return found


class MaskedConfigField(models.JSONField):
    """A JSON column with secrets in some of its values."""

    def deconstruct(self) -> Any:
        """A plain column to the migrations: only what is shown differs."""
        name, _path, names, options = super().deconstruct()
        return name, "django.db.models.JSONField", names, options

    def masked(self, value: Any) -> str:
        return masked_config_text(value)

    def get_lookup(self, lookup_name: str) -> Any:
        return super().get_lookup(lookup_name) if lookup_name in COMPARISONS else None

    def get_transform(self, lookup_name: str) -> Any:
        return None

    def formfield(self, **options: Any) -> Any:
        options.setdefault("form_class", MaskedConfigFormField)
        return super().formfield(**options)


MaskedField = MaskedAddressField | MaskedConfigField


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


def masked_columns(model: Any) -> list[MaskedField]:
    return [each for each in model._meta.fields if isinstance(each, MaskedField)]  # noqa: SLF001 - documented


def _replaced(fields: Sequence[Any], names: set[str]) -> list[Any]:
    return [f"masked_{each}" if each in names else each for each in fields]
