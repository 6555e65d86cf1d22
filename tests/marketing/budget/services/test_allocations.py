"""Amounts come into force, and go out of it, only where what was expected is in force."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import IntegrityError, transaction

from marketing.budget import reports
from marketing.budget.models import Allocation, AllocationLock
from marketing.budget.services import allocations
from marketing.budget.services.allocations import AllocationChanged
from marketing.channels.models import Channel
from tests.marketing.conftest import NOW

FIRST = {"tv": Decimal("10.00"), "web": Decimal("20.00")}
SECOND = {"tv": Decimal("15.00"), "radio": Decimal("15.00")}

pytestmark = pytest.mark.django_db


@pytest.fixture
def decided():
    """Ids of decisions that could have been made."""
    model: Any = Allocation._meta.get_field("decision").related_model

    def make(number):
        fields = {"automation": "x", "kind": "x", "title": "x", "mode": "propose", "method": "x"}
        return model.objects.create(
            subject="budget USD",
            before={},
            after={},
            inputs_digest=str(number),
            expected={},
            proposed_at=NOW,
            **fields,
        ).pk

    return make


def test_amounts_come_into_force_and_make_their_channels(decided):
    allocations.put_in_force("USD", {}, FIRST, decided(1), NOW)
    assert reports.amounts_in_force("USD") == FIRST
    assert reports.in_force("USD")[0].valid_from == NOW
    assert Channel.objects.get(name="tv").currency == "USD"
    assert str(Allocation.objects.get(channel__name="tv")) == "tv: $10.00"


def test_a_second_decision_replaces_the_first_whole(decided):
    one, two = decided(1), decided(2)
    allocations.put_in_force("USD", {}, FIRST, one, NOW)
    later = NOW + timedelta(days=7)
    allocations.put_in_force("USD", FIRST, SECOND, two, later)
    assert reports.amounts_in_force("USD") == SECOND
    assert reports.allocation_ended_at(one) == later
    assert reports.allocation_ended_at(two) is None


def test_what_was_before_comes_back(decided):
    allocations.put_in_force("USD", {}, FIRST, decided(1), NOW)
    allocations.put_in_force("USD", FIRST, SECOND, two := decided(2), NOW + timedelta(days=7))
    allocations.restore_previous("USD", two, NOW + timedelta(days=8))
    assert reports.amounts_in_force("USD") == FIRST
    assert Allocation.objects.count() == 6


def test_taking_back_the_first_leaves_nothing_in_force(decided):
    allocations.put_in_force("USD", {}, FIRST, one := decided(1), NOW)
    allocations.restore_previous("USD", one, NOW)
    assert reports.amounts_in_force("USD") == {}


def test_other_amounts_than_expected_are_a_conflict_both_ways(decided):
    one = decided(1)
    allocations.put_in_force("USD", {}, FIRST, one, NOW)
    with pytest.raises(AllocationChanged, match="has changed since"):
        allocations.put_in_force("USD", {}, SECOND, decided(2), NOW)
    with pytest.raises(AllocationChanged, match="A later decision"):
        allocations.restore_previous("USD", decided(3), NOW)
    assert reports.amounts_in_force("USD") == FIRST


def test_the_same_amounts_of_a_later_decision_are_not_taken_back_with_the_earlier(decided):
    one = decided(1)
    allocations.put_in_force("USD", {}, FIRST, one, NOW)
    allocations.put_in_force("USD", FIRST, FIRST, decided(2), NOW + timedelta(days=1))
    with pytest.raises(AllocationChanged, match="A later decision"):
        allocations.restore_previous("USD", one, NOW)
    assert str(AllocationLock.objects.get()) == "USD"


def test_currencies_do_not_touch_each_other(decided):
    allocations.put_in_force("USD", {}, FIRST, decided(1), NOW)
    allocations.put_in_force("EUR", {}, {"kino": Decimal(5)}, decided(2), NOW)
    assert reports.amounts_in_force("USD") == FIRST


def test_a_channel_kept_in_another_currency_is_a_conflict(decided):
    Channel.objects.create(name="tv", currency="EUR")
    with pytest.raises(AllocationChanged, match=r"in USD, but these channels are not: tv in EUR\."):
        allocations.put_in_force("USD", {}, FIRST, decided(1), NOW)


def test_a_table_holds_one_amount_in_force_for_a_channel(decided):
    allocations.put_in_force("USD", {}, FIRST, one := decided(1), NOW)
    tv = Channel.objects.get(name="tv")
    with pytest.raises(IntegrityError), transaction.atomic():
        Allocation.objects.create(
            channel=tv, decision_id=one, amount=1, currency="USD", valid_from=NOW
        )


@pytest.mark.django_db(transaction=True)
def test_of_two_first_decisions_at_once_one_comes_into_force(decided, at_once):
    wanted = [(decided(1), FIRST), (decided(2), {"kino": Decimal("30.00")})]

    def apply():
        decision_id, amounts = wanted.pop()
        with transaction.atomic():
            allocations.put_in_force("USD", {}, amounts, decision_id, NOW)

    outcomes = at_once(apply, 2)
    assert [type(each) for each in outcomes if each] == [AllocationChanged]
    assert sum(reports.amounts_in_force("USD").values()) == 30
