import pytest

from operations.scheduling.throughput import RunHistory, busy_share


def test_only_the_last_hour_counts():
    spans = [(0.0, 4000.0), (9000.0, 9900.0)]
    assert busy_share(spans, 1, since=0.0, now=10_000.0) == pytest.approx(900 / 3600)


def test_what_was_not_watched_does_not_count_as_idle():
    assert busy_share([(0.0, 100.0)], 2, since=0.0, now=100.0) == pytest.approx(0.5)


@pytest.mark.parametrize(("workers", "now"), [(0, 5000.0), (4, 59.0)])
def test_nobody_to_watch_or_no_time_to_watch_gives_no_share(workers, now):
    assert busy_share([], workers, since=0.0, now=now) is None


def test_history_forgets_after_an_hour_but_keeps_the_mean():
    history = RunHistory()
    assert history.mean_seconds() == 0
    history.add((0.0, 10.0), completed=True)
    history.add((0.0, 30.0), completed=False)
    assert history.completed_last_hour(3609.0) == 1
    assert history.completed_last_hour(3610.0) == 0
    assert history.spans(3611.0) == [(0.0, 30.0)]
    assert history.mean_seconds() == 10
