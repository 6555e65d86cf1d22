"""Columns whose values hold secrets: an address, such as a webhook's, or a configuration with some.

The type itself keeps the secret: it is stored encrypted, it is shown masked in forms, read-only
pages and the history, and no query compares it, so that nobody finds it letter by letter.
"""

import json
from collections.abc import Sequence
from functools import cached_property
from typing import Any

from django import forms
from django.core.validators import MaxLengthValidator
from django.db import models
from django.http import HttpRequest

from aethercrown.db.config_names import (
    NOTHING,
    ConfigNames,
    masked_config,
    masked_config_text,
    unmasked_config,
)
from aethercrown.db.sealed import SealedMixin, UnreadableConfig, plain_field
from aethercrown.monitoring.redaction import MASK, mask_address


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


class MaskedAddressField(SealedMixin, models.CharField):  # type: ignore[type-arg]  # generic in stubs only
    """An address with a secret in its query, or with `hide_path` in its path too."""

    def __init__(self, *names: Any, hide_path: bool = False, **options: Any) -> None:
        self.hide_path = hide_path
        super().__init__(*names, **options)

    def deconstruct(self) -> Any:
        return plain_field(super(), "max_length")

    @cached_property
    def validators(self) -> list[Any]:
        """Of the value; the column has no limit."""
        found = super().validators
        return found if self.max_length is None else [*found, MaxLengthValidator(self.max_length)]

    def masked(self, value: Any) -> str:
        return mask_address(str(value or ""), hide_path=self.hide_path)

    def formfield(self, **options: Any) -> Any:
        options.setdefault("form_class", MaskedAddressFormField)
        return super().formfield(hide_path=self.hide_path, **options)


class MaskedConfigFormField(forms.JSONField):
    """Shows the stored configuration masked; each mask sent back keeps what is stored there."""

    def __init__(self, *, names: ConfigNames, **options: Any) -> None:
        super().__init__(**options)
        self.names = names

    def bound_data(self, data: Any, initial: Any) -> Any:
        return Typed(data or "")

    def prepare_value(self, value: Any) -> Any:
        if isinstance(value, Typed):
            return value
        return super().prepare_value(masked_config(value, self.names))

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return bool(self.unmasked(data, initial) != (initial or {}))
        except forms.ValidationError:
            return True

    def _clean_bound_field(self, bf: Any) -> Any:
        """Django calls this for each field."""
        return bf.initial if self.disabled else self.unmasked(bf.data, bf.initial)

    def unmasked(self, data: Any, stored: Any) -> Any:
        given = self.clean(data) or {}
        if not isinstance(given, dict):
            raise forms.ValidationError('Write an object, such as {"port": 5432}.', "invalid")
        found = unmasked_config(given, stored or {}, self.names)
        if MASK in json.dumps(found) and found != stored:
            raise forms.ValidationError(f"Write the whole value instead of {MASK}.", "masked")
        return found


class MaskedConfigField(SealedMixin, models.JSONField):
    """A configuration with secrets in some of its values; `shown` says what is none."""

    def __init__(self, *names: Any, shown: ConfigNames = NOTHING, **options: Any) -> None:
        self.shown = shown
        super().__init__(*names, **options)

    def deconstruct(self) -> Any:
        return plain_field(super(), "encoder", "decoder")

    def to_plain(self, value: Any) -> str:
        return json.dumps(value) if value else ""

    def opened(self, text: str, sealed: str) -> Any:
        return json.loads(text)

    def unreadable(self, sealed: str) -> Any:
        return UnreadableConfig.of(sealed, self.sealing_context)

    def empty(self) -> Any:
        return {}

    def masked(self, value: Any) -> str:
        return masked_config_text(value, self.shown)

    def formfield(self, **options: Any) -> Any:
        options.setdefault("form_class", MaskedConfigFormField)
        return super().formfield(names=self.shown, **options)


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
