"""Which value is in use, and when."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from security.encryption.secret_cache import FRESH_SECONDS, SETTLING, Kept, held

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ages = st.lists(st.integers(0, 7200), min_size=1, max_size=4, unique=True)


def rows(*seconds_ago):
    """The newest first."""
    count = len(seconds_ago)
    return [
        Kept(count - place, f"value {count - place}", NOON - timedelta(seconds=ago))
        for place, ago in enumerate(seconds_ago)
    ]


def test_the_only_value_is_in_use_at_once():
    found = held(rows(0), NOON, 1.0)
    assert (found.value, found.numbers) == ("value 1", (1,))
    assert found.until == 1.0 + FRESH_SECONDS


def test_a_new_value_is_known_first_and_used_when_every_process_has_read_it():
    settling = SETTLING.total_seconds()
    assert held(rows(settling - 1, 9000), NOON, 0).value == "value 1"
    assert held(rows(settling, 9000), NOON, 0).value == "value 2"
    assert settling > 2 * FRESH_SECONDS


def test_a_value_made_just_after_the_first_waits_too():
    assert held(rows(1, 2), NOON, 0).value == "value 1"


def test_of_values_taken_over_together_the_newest_is_in_use():
    assert held(rows(5, 5), NOON, 0).value == "value 2"


def test_what_is_kept_shows_no_value():
    assert "value" not in repr(held(rows(0), NOON, 0)).replace("values", "")


@given(ages=ages)
def test_no_value_is_used_before_a_process_that_read_a_moment_earlier_knows_it(ages):
    """Whoever reads at most FRESH_SECONDS before holds the value that another uses now."""
    known = rows(*sorted(ages))
    used = known[held(known, NOON, 0).used]
    before = NOON - timedelta(seconds=FRESH_SECONDS)
    assert used.made_at <= before or used.made_at == known[-1].made_at
