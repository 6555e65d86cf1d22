from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from security.apikeys.usage import Digest, UsageCollector

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
SIGHTINGS = st.lists(st.tuples(st.integers(1, 3), st.integers(0, 100)))


def noted(collector, sightings):
    for key_id, seconds in sightings:
        collector.note_use(key_id, NOON + timedelta(seconds=seconds))


@given(SIGHTINGS)
def test_the_latest_sighting_of_each_key_is_kept(sightings):
    collector = UsageCollector()
    noted(collector, sightings)
    latest: dict[int, int] = {}
    for key_id, seconds in sightings:
        latest[key_id] = max(latest.get(key_id, 0), seconds)
    times = {k: NOON + timedelta(seconds=s) for k, s in latest.items()}
    assert collector.take() == (times, {})
    assert collector.take() == ({}, {})


def test_what_was_given_back_does_not_hide_a_later_sighting():
    collector = UsageCollector()
    noted(collector, [(1, 10), (2, 10)])
    drained = collector.take()
    noted(collector, [(1, 20)])
    collector.put_back(*drained)
    seen, _ = collector.take()
    assert seen == {1: NOON + timedelta(seconds=20), 2: NOON + timedelta(seconds=10)}


def test_a_digest_that_was_given_back_is_drained_again():
    collector = UsageCollector()
    collector.note_digest(1, Digest("digest", "mark"))
    collector.put_back(*collector.take())
    assert collector.take() == ({}, {1: Digest("digest", "mark")})
