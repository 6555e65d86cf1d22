from operations.scheduling.backlog import Backlog, Entry
from operations.scheduling.backlog_plan import outlook


def test_open_tasks_are_seen_from_now():
    found = Backlog({"default": ["w1"], "idle": [], "gpu": ["g1", "g2"]})
    for name, needs, pool in [
        ("done", (), "default"), ("first", (), "gpu"), ("second", (), "gpu"), ("third", (), "gpu"),
        ("last", ("third", "done", "ghost"), "default"), ("never", (), "idle"),
    ]:  # fmt: skip
        found.add(Entry(name, needs, pool, 2.0, 30.0, created_at=100.0))
    list(found.take(110.0))
    found.end(found.entry("done"), None, 120.0)
    found.end(found.entry("first"), None, 120.0)
    list(found.take(120.0))
    ahead = outlook(found, 125.0)
    work = ahead.work
    assert ahead.names == ["second", "third", "last", "never"]
    assert work.pool_names == ["default", "idle", "gpu"]
    assert list(work.workers) == [0, 2, 2]
    assert work.pools.tolist() == [2, 2, 0, 1]
    assert work.durations.tolist() == [15, 25, 30, 30]
    assert work.running == {0: 2, 1: 1}
    assert work.waited.tolist() == [0, 0, 0, 25]
    assert work.graph.needs == [0, 0, 1, 0]


def test_what_runs_longer_than_told_is_about_to_end():
    found = Backlog({"default": ["w1"]})
    found.add(Entry("a", (), "default", 1.0, 30.0, created_at=0.0))
    list(found.take(0.0))
    assert outlook(found, 99.0).work.durations.tolist() == [0]
