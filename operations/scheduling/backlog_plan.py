"""The open tasks of a backlog as a problem for the planner."""

import numpy as np

from operations.scheduling.backlog import Backlog
from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import Problem


def planning_problem(backlog: Backlog, now: float) -> tuple[list[str], Problem]:
    """The names of all open tasks, and the problem from `now`, without unknown dependencies."""
    open_ = list(backlog.open.values())
    number = {each.name: place for place, each in enumerate(open_)}
    needs = [[number[name] for name in each.needs if name in number] for each in open_]
    pools = list(backlog.workers)
    pool = {name: place for place, name in enumerate(pools)}
    slots = [pool[name] for name, workers in backlog.workers.items() for _ in workers]
    offset = {name: slots.index(place) if place in slots else 0 for name, place in pool.items()}
    problem = Problem(
        Graph.from_needs(needs),
        np.array([remaining_seconds(e.estimate, e.started_at, now) for e in open_], np.float64),
        np.array([each.weight for each in open_], dtype=np.float64),
        slots,
        np.array([pool[each.pool] for each in open_], dtype=np.int64),
        np.array([waited_seconds(e.status, e.ready_at, now) for e in open_], np.float64),
        {number[e.name]: offset[e.pool] + e.slot for e in open_ if e.status == "running"},
        pools,
    )
    return [each.name for each in open_], problem


def remaining_seconds(estimate: float, started_at: float | None, now: float) -> float:
    """What is left of a task by its estimate."""
    return estimate if started_at is None else max(0.0, estimate - (now - started_at))


def waited_seconds(status: str, ready_at: float | None, now: float) -> float:
    """How long a task has been ready without a worker."""
    return 0.0 if status != "queued" or ready_at is None else max(0.0, now - ready_at)
