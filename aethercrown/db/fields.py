"""Shared model fields: amounts of money, exact quantities, and a currency."""

from decimal import Decimal, InvalidOperation
from typing import Any

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models.expressions import Combinable

MILLION = 1_000_000


def default_currency() -> str:
    """The currency of this installation, DEFAULT_CURRENCY."""
    return str(settings.DEFAULT_CURRENCY)


class MoneyField(models.DecimalField):  # type: ignore[type-arg]  # generic in stubs only
    """An amount of 0 or more with two decimals, below 10^12."""

    def __init__(self, *names: Any, **options: Any) -> None:
        options.setdefault("max_digits", 14)
        options.setdefault("decimal_places", 2)
        options.setdefault("validators", [MinValueValidator(Decimal(0))])
        super().__init__(*names, **options)


class CurrencyField(models.CharField):  # type: ignore[type-arg]  # generic in stubs only
    """An ISO 4217 code; by default DEFAULT_CURRENCY."""

    def __init__(self, *names: Any, **options: Any) -> None:
        options.setdefault("max_length", 3)
        options.setdefault("default", default_currency)
        options.setdefault(
            "validators", [RegexValidator(r"^[A-Z]{3}\Z", "An ISO 4217 code such as USD.")]
        )
        super().__init__(*names, **options)


class AmountField(models.Field):  # type: ignore[type-arg]  # generic in stubs only
    """A Decimal with six decimals, stored as whole millionths so that every database adds exactly.

    (SQLite stores decimals as floats, whose sum over many rows is inexact.)
    """

    _pyi_private_set_type: Decimal | int | Combinable  # the stubs read a field's types here
    _pyi_private_get_type: Decimal
    _pyi_lookup_exact_type: Decimal | int

    def get_internal_type(self) -> str:
        return "BigIntegerField"

    def from_db_value(self, value: Any, _expression: Any, _connection: Any) -> Decimal | None:
        return None if value is None else Decimal(value).scaleb(-6)

    def to_python(self, value: Any) -> Decimal | None:
        if value is None or isinstance(value, Decimal):
            return value
        try:
            return Decimal(str(value))
        except InvalidOperation:
            raise ValidationError(f"{value!r} is not a number.") from None

    def get_prep_value(self, value: Any) -> Any:
        if value is None or hasattr(value, "resolve_expression"):
            return value
        return int((Decimal(value) * MILLION).to_integral_exact())

    def value_to_string(self, obj: models.Model) -> str:
        return str(self.value_from_object(obj))

    def formfield(self, **options: Any) -> Any:
        return forms.DecimalField(
            max_digits=18,
            decimal_places=6,
            required=not self.blank,
            label=str(self.verbose_name).capitalize(),
            help_text=self.help_text,
            min_value=0,
            **{key: value for key, value in options.items() if key == "widget"},
        )
