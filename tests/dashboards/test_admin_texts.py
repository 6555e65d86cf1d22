"""Every column, field and title of the admin's rows is written by the one formatter."""

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django import forms
from django.contrib import admin
from django.core.exceptions import ObjectDoesNotExist
from django.db import models
from django.utils.html import strip_tags

from aethercrown.admin_display import lookup_field
from enterprise.sla.models import RuleCurrencyRate
from marketing.channels.models import Channel

RAW = re.compile(
    r"\d\.\d*0{3}|\d\.\d{5}"  # 1634.720000, 0.30000000000000004
    r"|\b(True|False|None)\b"
    r"|2026-03-02|\bMarch 2\b|\bMar\. 2\b|\b[ap]\.m\."  # but 2 Mar 2026
)
MADE_UP = (ArithmeticError, AttributeError, KeyError, TypeError, ValueError)  # what texts lead to
AT = datetime(2026, 3, 2, 15, 4, tzinfo=UTC)
VALUES: tuple[tuple[type[Any], Any], ...] = (
    (models.BooleanField, False),
    (models.DecimalField, Decimal("1634.720000")),
    (models.FloatField, 0.1 + 0.2),
    (models.DateTimeField, AT),
    (models.DateField, date(2026, 3, 2)),
    (models.DurationField, timedelta(seconds=90)),
    (models.IntegerField, 3),
)


def example(model: type[Any], inside: tuple[type[Any], ...] = ()) -> Any:
    """A row that is not stored, with values whose own form nobody should read."""
    row = model()
    for field in model._meta.concrete_fields:
        related = field.related_model
        if related is None:
            with suppress(StopIteration):
                setattr(row, field.attname, value_of(field))
        elif related not in {*inside, model} and not (field.null and inside):
            setattr(row, field.name, example(related, (*inside, model)))
    return row


def value_of(field: Any) -> Any:
    if field.choices:
        return field.flatchoices[0][0]
    if field.name == "currency":
        return "EUR"
    return next(value for kind, value in VALUES if isinstance(field, kind))


def screens() -> Iterator[tuple[type[Any], Any]]:
    """Each list and form with its model, and each table of rows inside a form."""
    for model, screen in admin.site._registry.items():
        yield model, screen
        for inline in screen.inlines:
            yield inline.model, inline(model, admin.site)


def texts(model: type[Any], screen: Any) -> dict[str, str]:
    """What the lists and read-only fields of a screen show of an example, by column."""
    row, found = example(model), {}
    columns = [*getattr(screen, "list_display", ()), *screen.readonly_fields]
    for name in ["__str__", *columns]:
        # a column that asks the database has nothing to say of a row that is not stored
        with suppress(ObjectDoesNotExist, *MADE_UP):
            _, _, value = lookup_field(name, row, screen)
            found[str(name)] = strip_tags(str("" if value is None else value))
    return found


def test_no_row_of_the_admin_shows_raw_values(db):
    wrong, columns = {}, 0
    for model, screen in screens():
        found = texts(model, screen)
        columns += len(found)
        raw = {name: text for name, text in found.items() if RAW.search(text)}
        if raw:
            wrong[model._meta.label] = raw
    assert wrong == {}
    assert columns > 300


def test_an_exchange_rate_is_no_amount_in_its_currency():
    row = RuleCurrencyRate(currency="JPY", rate=Decimal("0.00680000"))
    assert strip_tags(lookup_field("rate", row, None)[2]) == "0.0068"
    channel = Channel(currency="JPY", floor=Decimal("1200.00"))
    assert strip_tags(lookup_field("floor", channel, None)[2]) == "¥1,200"


@pytest.mark.parametrize(
    ("stored", "typed"),
    [
        (Decimal("499.000000"), "499"),
        (Decimal("1634.700000"), "1634.70"),
        (Decimal("-0.125000"), "-0.125"),
        (Decimal("1E+3"), "1000"),
        (Decimal("NaN"), Decimal("NaN")),
        ("1.50000", "1.50000"),
        (None, None),
    ],
)
def test_a_form_has_a_decimal_as_it_is_typed(stored, typed):
    assert str(forms.DecimalField().prepare_value(stored)) == str(typed)


def test_no_form_links_to_the_deletion_of_a_row_that_it_refers_to(admin_client, settings):
    settings.SECURE_SSL_REDIRECT = False
    text = admin_client.get("/admin/operations/worker/add/").content.decode()
    assert "change_id_pool" in text
    assert "delete_id_pool" not in text
