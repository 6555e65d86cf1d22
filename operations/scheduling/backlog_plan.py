"""The open tasks of a backlog as a question for the planner."""

from dataclasses import dataclass

import numpy as np

from operations.scheduling.backlog import Backlog, Entry
from operations.scheduling.planner.graph import Graph
from operations.scheduling.planner.placement import Work


@dataclass(frozen=True, slots=True)
class Outlook:
    """Work whose task k is called names[k]."""

    names: list[str]
    work: Work


def outlook(backlog: Backlog, now: float) -> Outlook:
    """All that is pending, queued or running, seen from `now`.

    What waits for a task that nobody knows yet is planned as if it came at once.
    """
    open_ = list(backlog.open.values())
    number = {each.name: place for place, each in enumerate(open_)}
    needs = [[number[name] for name in each.needs if name in number] for each in open_]
    pools = list(backlog.workers)
    pool = {name: place for place, name in enumerate(pools)}
    hands = [pool[name] for name, workers in backlog.workers.items() for _ in workers]
    offset = {name: hands.index(place) if place in hands else 0 for name, place in pool.items()}
    work = Work(
        Graph.from_needs(needs),
        np.array([remaining(each, now) for each in open_], dtype=np.float64),
        np.array([each.weight for each in open_], dtype=np.float64),
        hands,
        np.array([pool[each.pool] for each in open_], dtype=np.int64),
        np.array([waited(each, now) for each in open_], dtype=np.float64),
        {number[e.name]: offset[e.pool] + e.hand for e in open_ if e.status == "running"},
        pools,
    )
    return Outlook([each.name for each in open_], work)


def remaining(entry: Entry, now: float) -> float:
    """Seconds that a task still takes, as far as its estimate knows."""
    if entry.started_at is None:
        return entry.estimate
    return max(0.0, entry.estimate - (now - entry.started_at))


def waited(entry: Entry, now: float) -> float:
    """Seconds that a task has been ready and without a worker."""
    if entry.status != "queued" or entry.ready_at is None:
        return 0.0
    return max(0.0, now - entry.ready_at)
