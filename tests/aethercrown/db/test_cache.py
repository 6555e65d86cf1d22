"""Small things kept in rows, until they run out."""

import pytest
import time_machine
from django.core.cache import caches

from aethercrown.db import cache
from aethercrown.models import CacheEntry

pytestmark = pytest.mark.django_db


@pytest.fixture
def rows():
    return caches["default"]


def test_what_is_kept_is_given_until_it_runs_out(rows):
    with time_machine.travel(1_000_000.0, tick=False) as clock:
        rows.set("codes", [1.5, 2.5], 30)
        clock.move_to(1_000_029.9)
        assert rows.get("codes") == [1.5, 2.5]
        clock.move_to(1_000_030.0)
        assert rows.get("codes", "none") == "none"
    assert rows.get("never") is None


def test_of_what_is_added_the_first_counts_until_it_runs_out(rows):
    with time_machine.travel(1_000_000.0, tick=False) as clock:
        assert rows.add("code", "y", 30)
        clock.move_to(1_000_029.9)
        assert not rows.add("code", "z", 30)
        assert rows.get("code") == "y"
        clock.move_to(1_000_030.0)
        assert rows.add("code", "z", 30)
        assert rows.get("code") == "z"


@pytest.mark.django_db(transaction=True)
def test_of_many_that_add_at_once_one_is_first(rows, at_once):
    found = at_once(lambda: caches["default"].add("code", "y", 30), 8)
    assert sorted(found) == [False] * 7 + [True]


def test_setting_again_replaces_and_deleting_forgets(rows):
    rows.set("name", "a")
    rows.set("name", "b", None)
    assert rows.get("name") == "b"
    assert rows.delete("name")
    assert not rows.delete("name")
    rows.set("name", "a")
    rows.clear()
    assert not CacheEntry.objects.exists()


def test_what_ran_out_is_purged_and_the_rest_stays(rows):
    rows.set("gone", 1, -1)
    rows.set("stays", 1, None)
    assert cache.purge() == 1
    assert str(CacheEntry.objects.get()) == ":1:stays"


def test_a_row_is_read_as_plain_values_and_never_run(rows):
    rows.set("name", ["y", 1, None])
    assert CacheEntry.objects.get().value == '["y", 1, null]'
    with pytest.raises(TypeError):
        rows.set("name", object())
