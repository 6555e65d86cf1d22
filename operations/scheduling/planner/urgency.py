"""How urgent a task is, and how waiting makes it more urgent.

The score weight/duration (Smith, 1956) doubles for each hour waited. All tasks age alike, so the
queue key `ready_at / 3600 - log2(ratio)` never changes, and a task can be overtaken only by tasks
that became ready within `3600 * log2(highest ratio / its ratio)` seconds of it: none starves.
"""

from collections.abc import Sequence

import numpy as np

from operations.scheduling.planner.graph import FloatArray, Graph

AGEING_SECONDS = 3600.0  # of waiting, which double a score
MIN_DURATION_SECONDS, MAX_DURATION_SECONDS = 1.0, 86_400.0  # durations are clamped to these


def weight(priority: int) -> float:
    """1, 2, 4, 8 for priorities 1 to 4."""
    return 2.0 ** (priority - 1)


def queue_key(ready_at: float, ratio: float) -> float:
    """The sort key, lowest first, of a task ready since `ready_at` (seconds)."""
    return ready_at / AGEING_SECONDS - float(np.log2(ratio))


def chain_ratios(graph: Graph, weights: FloatArray, durations: FloatArray) -> FloatArray:
    """The best (sum of weights)/(sum of durations) of a chain that each task starts."""
    if not graph.after.size:
        return weights / np.clip(durations, MIN_DURATION_SECONDS, MAX_DURATION_SECONDS)
    return np.divide(*best_chains(graph, weights, durations))


def best_chains(
    graph: Graph, weights: FloatArray, durations: FloatArray
) -> tuple[list[float], list[float]]:
    """The weights and seconds of the best chain that each task starts, built backwards."""
    first, after = graph.rows
    gain: list[float] = weights.tolist()
    cost: list[float] = np.clip(durations, MIN_DURATION_SECONDS, MAX_DURATION_SECONDS).tolist()
    for task in reversed(graph.order):
        own_gain, own_cost = gain[task], cost[task]
        best = own_gain / own_cost
        for each in after[first[task] : first[task + 1]]:
            longer, costlier = own_gain + gain[each], own_cost + cost[each]
            if longer > best * costlier:
                best = longer / costlier
                gain[task], cost[task] = longer, costlier
    return gain, cost


def inherited_weights(graph: Graph, weights: Sequence[float]) -> list[float]:
    """The highest weight among each task and all that depend on it, directly or indirectly."""
    first, after = graph.rows
    highest = list(weights)
    for task in reversed(graph.order):
        for each in after[first[task] : first[task + 1]]:
            highest[task] = max(highest[task], highest[each])
    return highest
