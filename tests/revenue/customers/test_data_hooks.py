"""The hooks through which `customers` asks features that it does not import."""

from datetime import date
from decimal import Decimal

import pytest

from revenue.customers import data_hooks
from revenue.customers.data_hooks import CustomerDataHook
from tests.aethercrown.registries import isolated

DAY = date(2026, 3, 1)


@pytest.fixture
def hooks():
    """The registry, without what the apps registered in it."""
    with isolated(data_hooks.HOOKS):
        yield data_hooks.HOOKS


def exported(_ids):
    return {}


def priced(_plan, _currency, interval, _on):
    return {"month": Decimal(29)}.get(interval)


def test_without_a_feature_that_keeps_price_books_there_is_no_list_price(hooks):
    hooks.register(CustomerDataHook("notes", exported))
    assert data_hooks.list_price("starter", "USD", "month", DAY) is None


def test_the_feature_that_keeps_price_books_is_asked_for_the_list_price(hooks):
    hooks.register(CustomerDataHook("notes", exported))
    hooks.register(CustomerDataHook("prices", exported, list_price=priced))
    assert data_hooks.list_price("starter", "USD", "month", DAY) == 29
    assert data_hooks.list_price("starter", "USD", "year", DAY) is None
