"""How urgent a task is, and how waiting makes it more so.

The score weight/duration (Smith, 1956) doubles for each hour waited. All tasks age alike, so the
key `ready_at / AGEING - log2(r)` never changes, and a task can be overtaken only by tasks that
became ready within `ageing_bound` of it: nothing starves.
"""

from collections.abc import Sequence

import numpy as np

from operations.scheduling.planner.graph import Floats, Graph

AGEING = 3600.0  # seconds waited that double a score
SHORTEST, LONGEST = 1.0, 86_400.0  # seconds; durations outside weigh as these


def weight(priority: int) -> float:
    """1, 2, 4, 8 for priorities 1 to 4."""
    return 2.0 ** (priority - 1)


def ratio(weight: float, duration: float) -> float:
    """Smith's ratio of one task alone, by its clamped duration."""
    return weight / min(max(duration, SHORTEST), LONGEST)


def key(ready_at: float, ratio: float) -> float:
    """The place in the queue, lowest first, of a task ready since `ready_at` (seconds)."""
    return ready_at / AGEING - float(np.log2(ratio))


def ageing_bound(ratio: float, highest: float) -> float:
    """Seconds after which nothing newly ready overtakes, where `highest` is the largest ratio."""
    return AGEING * float(np.log2(highest / ratio))


def ratios(weights: Floats, durations: Floats) -> Floats:
    """Smith's ratio of each task alone."""
    return weights / np.clip(durations, SHORTEST, LONGEST)


def chain_ratios(graph: Graph, weights: Floats, durations: Floats) -> Floats:
    """The best (sum of weights)/(sum of durations) of a chain that each task starts."""
    if not graph.after.size:
        return ratios(weights, durations)
    return np.divide(*best_chains(graph, weights, durations))


def best_chains(
    graph: Graph, weights: Floats, durations: Floats
) -> tuple[list[float], list[float]]:
    """The weights and the seconds of the best chain that each task starts.

    Built backwards, one choice a task: work that frees urgent work inherits its urgency.
    """
    first, after = graph.rows
    gain: list[float] = weights.tolist()
    cost: list[float] = np.clip(durations, SHORTEST, LONGEST).tolist()
    for task in reversed(graph.order):
        own_gain, own_cost = gain[task], cost[task]
        best = own_gain / own_cost
        for each in after[first[task] : first[task + 1]]:
            longer, dearer = own_gain + gain[each], own_cost + cost[each]
            if longer > best * dearer:
                best = longer / dearer
                gain[task], cost[task] = longer, dearer
    return gain, cost


def inherited(graph: Graph, weights: Sequence[float]) -> list[float]:
    """The highest weight among each task and all that waits for it, however far off."""
    first, after = graph.rows
    highest = list(weights)
    for task in reversed(graph.order):
        for each in after[first[task] : first[task + 1]]:
            highest[task] = max(highest[task], highest[each])
    return highest
