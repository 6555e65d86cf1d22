from operations.scheduling.backlog import Backlog, BacklogTask
from operations.scheduling.backlog_plan import planning_problem


def test_open_tasks_are_seen_from_now():
    found = Backlog({"default": ["w1"], "idle": [], "gpu": ["g1", "g2"]})
    for name, needs, pool in [
        ("done", (), "default"), ("first", (), "gpu"), ("second", (), "gpu"), ("third", (), "gpu"),
        ("last", ("third", "done", "ghost"), "default"), ("never", (), "idle"),
    ]:  # fmt: skip
        found.add(BacklogTask(name, needs, pool, 2.0, 30.0, created_at=100.0))
    list(found.assign(110.0))
    found.finish(found.task("done"), None, 120.0)
    found.finish(found.task("first"), None, 120.0)
    list(found.assign(120.0))
    names, problem = planning_problem(found, 125.0)
    assert names == ["second", "third", "last", "never"]
    assert problem.pool_names == ["default", "idle", "gpu"]
    assert list(problem.workers) == [0, 2, 2]
    assert problem.pools.tolist() == [2, 2, 0, 1]
    assert problem.durations.tolist() == [15, 25, 30, 30]
    assert problem.running == {0: 2, 1: 1}
    assert problem.waited.tolist() == [0, 0, 0, 25]
    assert problem.graph.needs == [0, 0, 1, 0]


def test_a_task_that_runs_longer_than_estimated_is_about_to_end():
    found = Backlog({"default": ["w1"]})
    found.add(BacklogTask("a", (), "default", 1.0, 30.0, created_at=0.0))
    list(found.assign(0.0))
    assert planning_problem(found, 99.0)[1].durations.tolist() == [0]
