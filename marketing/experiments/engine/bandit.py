"""Weights of a bandit: Thompson sampling on closed counts (Thompson 1933)."""

from collections.abc import Sequence

import numpy as np

from marketing.experiments.engine.estimates import RateCount

DRAWS = 10_000
LARGEST_FLOOR = 0.1
MIN_VISITORS_PER_ARM = 100


def chances_to_be_best(arms: Sequence[RateCount], seed: int, draws: int = DRAWS) -> list[float]:
    """The share of posterior draws in which each arm has the highest rate; flat prior."""
    converters = np.array([each.converters for each in arms])
    visitors = np.array([each.visitors for each in arms])
    drawn = np.random.default_rng(seed).beta(
        1 + converters, 1 + visitors - converters, (draws, len(arms))
    )
    wins = np.bincount(drawn.argmax(axis=1), minlength=len(arms))
    return [float(each) for each in wins / draws]


def bandit_weights(chances: Sequence[float]) -> list[int]:
    """Whole percents, at least a floor for each arm, by largest remainder; they add up to 100."""
    floor = min(LARGEST_FLOOR, 1 / (2 * len(chances)))
    exact = [100 * (floor + (1 - len(chances) * floor) * each) for each in chances]
    whole = [int(each) for each in exact]
    by_remainder = sorted(range(len(exact)), key=lambda arm: (whole[arm] - exact[arm], arm))
    for arm in by_remainder[: 100 - sum(whole)]:
        whole[arm] += 1
    return whole


def may_change(arms: Sequence[RateCount]) -> bool:
    """Whether every arm has enough closed visitors."""
    return all(each.visitors >= MIN_VISITORS_PER_ARM for each in arms)
