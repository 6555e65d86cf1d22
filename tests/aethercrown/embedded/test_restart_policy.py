import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.embedded.restart_policy import LONGEST_PAUSE_SECONDS, WINDOW_SECONDS, RestartPolicy


def test_a_first_death_waits_half_a_second_and_each_further_one_twice_as_long():
    restarts = RestartPolicy()
    pauses = []
    for now in (0.0, 1.0, 2.0):
        restarts.note(now)
        pauses.append(restarts.pause())
    assert pauses == [0.5, 1.0, 2.0]


def test_nothing_died_so_nothing_waits():
    assert RestartPolicy().pause() == 0.0
    assert not RestartPolicy().gave_up()


@pytest.mark.parametrize(("last", "too_many"), [(59.9, True), (60.0, False)])
def test_five_deaths_within_a_minute_are_too_many(last, too_many):
    restarts = RestartPolicy()
    for now in (0.0, 10.0, 20.0, 30.0, last):
        restarts.note(now)
    assert restarts.gave_up() is too_many


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=200).map(sorted))
def test_only_the_last_minute_counts_and_no_pause_exceeds_the_longest(times):
    restarts = RestartPolicy()
    for now in times:
        restarts.note(now)
    assert list(restarts.times) == [each for each in times if each > times[-1] - WINDOW_SECONDS]
    assert 0 < restarts.pause() <= LONGEST_PAUSE_SECONDS
