"""Amounts keep six decimals through the database and through a dump."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from django.core import serializers
from django.core.exceptions import ValidationError
from django.db.models import F, Sum

from aethercrown.db.fields import AmountField
from revenue.customers.models import Payment

pytestmark = pytest.mark.django_db


@pytest.fixture
def payment(customer):
    return Payment.objects.create(
        external_id="p", customer=customer, paid_on=date(2026, 3, 1), amount=Decimal("0.000001")
    )


def test_a_dump_is_read_back_the_same(payment):
    text = serializers.serialize("json", [payment])
    (again,) = serializers.deserialize("json", text)
    inputs_from_json: Any = again.object
    assert inputs_from_json.amount == Decimal("0.000001")


def test_amounts_are_compared_and_added_exactly(payment):
    assert Payment.objects.filter(amount=Decimal("0.000001")).exists()
    assert not Payment.objects.filter(amount__gt=Decimal("0.000001")).exists()
    Payment.objects.update(amount=F("amount") + F("amount"))
    assert Payment.objects.aggregate(total=Sum("amount"))["total"] == Decimal("0.000002")
    assert Payment.objects.none().aggregate(total=Sum("amount"))["total"] is None


@pytest.mark.parametrize(
    ("given", "kept"), [("1.5", Decimal("1.5")), (2, Decimal(2)), (None, None)]
)
def test_what_is_given_becomes_a_decimal(given, kept):
    assert AmountField().to_python(given) == kept
    assert AmountField(null=True).get_prep_value(None) is None


def test_what_is_no_number_is_refused():
    with pytest.raises(ValidationError, match="'much' is not a number"):
        AmountField().to_python("much")
