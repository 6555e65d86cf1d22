"""Shared model fields: an amount of money and its currency."""

from decimal import Decimal
from typing import Any

from django.conf import settings
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models


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
