"""At most so many hold a semaphore, and a holder that died is replaced."""

import pytest

from aethercrown.db import semaphore
from aethercrown.db.semaphore import HeldSlot
from aethercrown.models import SemaphoreSlot

pytestmark = pytest.mark.django_db
LEASE = 60.0


def held():
    return sorted(map(str, SemaphoreSlot.objects.all()))


def test_slots_are_given_until_all_are_held():
    first = semaphore.acquire("a", 2, LEASE)
    assert semaphore.acquire("a", 2, LEASE)
    assert semaphore.acquire("a", 2, LEASE) is None
    assert semaphore.acquire("b", 1, LEASE)
    assert first is not None
    semaphore.release(first)
    assert held() == ["a 1", "b 0"]
    assert semaphore.acquire("a", 2, LEASE) is not None


def test_a_holder_that_died_is_replaced_and_frees_nothing_later():
    dead = semaphore.acquire("a", 1, -1.0)
    again = semaphore.acquire("a", 1, LEASE)
    assert dead
    assert again
    assert again.slot == dead.slot
    semaphore.release(dead)
    assert held() == ["a 0"]
    assert semaphore.acquire("a", 1, LEASE) is None


def test_both_semaphores_are_held_for_the_block_or_none():
    with semaphore.slots({"mine": 1, "all": 1}, LEASE) as full:
        assert (full, held()) == (None, ["all 0", "mine 0"])
        with semaphore.slots({"yours": 1, "all": 1}, LEASE) as second:
            assert (second, held()) == ("all", ["all 0", "mine 0"])
    assert held() == []


def test_an_error_in_the_block_frees_the_slots():
    with pytest.raises(ZeroDivisionError), semaphore.slots({"a": 1}, LEASE):
        print(1 / 0)  # noqa: T201
    assert held() == []


@pytest.mark.django_db(transaction=True)
def test_of_many_at_once_only_as_many_as_the_limit_get_a_slot(at_once):
    found = at_once(lambda: semaphore.acquire("a", 3, LEASE), 8)
    assert sorted(each.slot for each in found if isinstance(each, HeldSlot)) == [0, 1, 2]
    assert found.count(None) == 5
