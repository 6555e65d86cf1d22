"""Which value is in use, and when."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from security.encryption.secret_cache import ACTIVATION_DELAY, CACHE_SECONDS, StoredSecret, cached

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ages = st.lists(st.integers(0, 7200), min_size=1, max_size=4, unique=True)


def rows(*seconds_ago):
    """The newest first."""
    count = len(seconds_ago)
    return [
        StoredSecret(count - place, f"value {count - place}", NOON - timedelta(seconds=ago))
        for place, ago in enumerate(seconds_ago)
    ]


def test_the_only_value_is_in_use_at_once():
    found = cached(rows(0), NOON, 1.0)
    assert found.value == "value 1"
    assert found.until == 1.0 + CACHE_SECONDS


def test_a_new_value_is_known_first_and_used_when_every_process_has_read_it():
    settling = ACTIVATION_DELAY.total_seconds()
    assert cached(rows(settling - 1, 9000), NOON, 0).value == "value 1"
    assert cached(rows(settling, 9000), NOON, 0).value == "value 2"
    assert settling > 2 * CACHE_SECONDS


def test_a_value_made_just_after_the_first_waits_too():
    assert cached(rows(1, 2), NOON, 0).value == "value 1"


def test_of_values_taken_over_together_the_newest_is_in_use():
    assert cached(rows(5, 5), NOON, 0).value == "value 2"


def test_what_is_kept_shows_no_value():
    assert "value" not in repr(cached(rows(0), NOON, 0)).replace("values", "")


@given(ages=ages)
def test_no_value_is_used_before_a_process_that_read_a_moment_earlier_knows_it(ages):
    """Whoever reads at most CACHE_SECONDS before holds the value that another uses now."""
    known = rows(*sorted(ages))
    used = known[cached(known, NOON, 0).active]
    before = NOON - timedelta(seconds=CACHE_SECONDS)
    assert used.created_at <= before or used.created_at == known[-1].created_at
