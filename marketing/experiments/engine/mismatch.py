"""Sample ratio mismatch: whether the arms got the shares of visitors that their weights say.

The engine on exposures instead of converters: arm k against the rest. The mean over the arms and
both sides is an e-value itself, so that an alarm is wrong in at most one test of a hundred,
however often it is looked at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, log
from typing import NamedTuple

from marketing.experiments.engine.sequential import (
    HIGHER,
    LOWER,
    PairStratum,
    log_e_value,
)

ALARM = 100.0  # the e-value at which a test is invalid
LOG_ALARM = log(ALARM)
EFFECT = 0.1
MAX_CAUSES = 3
EXPLAINED = 0.01  # p-value of the chi-square test of what is left without the causes


class ExposureCounts(NamedTuple):
    """Visitors exposed by arm, while the arms had these weights, which add up to 1.

    Every stratum names all arms; one that came later, or left, has a weight of 0.
    """

    weights: tuple[float, ...]
    visitors: tuple[int, ...]


class Origin(StrEnum):
    """Where visitors were lost or sent to the wrong arm."""

    ASSIGNMENT = "assignment"
    EXPOSURE = "exposure"


class Segment(NamedTuple):
    """A value of one dimension, such as browser: Safari."""

    dimension: str
    value: str


@dataclass(frozen=True, slots=True)
class SuspectSegment:
    """A segment whose own ratio is wrong, with its visitors by arm."""

    segment: Segment
    log_e: float
    visitors: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MismatchCause:
    """Segments that are wrong in themselves, and those without which the rest is right.

    No cause: the ratio is wrong alike everywhere.
    """

    suspects: tuple[SuspectSegment, ...]
    causes: tuple[SuspectSegment, ...]


def log_mismatch(strata: Sequence[ExposureCounts]) -> float:
    """Log e-value of a wrong ratio; `LOG_ALARM` and more is an alarm."""
    arms = _arms_with_weight(strata)
    chosen = arms[1:] if len(arms) == 2 else arms
    if len(arms) < 2:
        return 0.0
    logs = [
        log_e_value(_against_the_rest(strata, arm), side, EFFECT)
        for arm in chosen
        for side in (HIGHER, LOWER)
    ]
    largest = max(logs)
    return largest + log(sum(exp(each - largest) for each in logs) / len(logs))


def chi_square(strata: Sequence[ExposureCounts]) -> float:
    """The p-value of the chi-square test, for one look planned ahead; 1 without visitors."""
    from scipy.special import chdtrc  # noqa: PLC0415 - slow to import

    arms = _arms_with_weight(strata)
    statistic = sum(
        (observed - expected) ** 2 / expected
        for observed, expected in (_observed_and_expected(strata, arm) for arm in arms)
        if expected
    )
    return float(chdtrc(len(arms) - 1, statistic)) if len(arms) > 1 else 1.0


def origin(assigned: Sequence[ExposureCounts]) -> Origin:
    """Whether the assignments are wrong already, or only what was seen of them."""
    return Origin.ASSIGNMENT if log_mismatch(assigned) >= LOG_ALARM else Origin.EXPOSURE


def find_cause(segments: Mapping[Segment, Sequence[ExposureCounts]]) -> MismatchCause:
    """Which values of which dimension are wrong, and explain the whole.

    A value is suspect at an evidence of ALARM times the number of values looked at. Of each
    dimension the strongest suspects are dropped until the rest passes; the dimension that needs
    the fewest, then the one whose strongest is strongest, is the cause.
    """
    alarm = LOG_ALARM + log(max(1, len(segments)))
    found = [
        SuspectSegment(segment, log_mismatch(strata), visitors_by_arm(strata))
        for segment, strata in segments.items()
    ]
    suspects = sorted((each for each in found if each.log_e >= alarm), key=_strongest_first)
    explained = [
        causes
        for dimension in dict.fromkeys(each.segment.dimension for each in suspects)
        if (causes := _explaining(dimension, suspects, segments))
    ]
    best = min(explained, key=lambda each: (len(each), -each[0].log_e), default=())
    return MismatchCause(tuple(suspects), best)


def visitors_by_arm(strata: Sequence[ExposureCounts]) -> tuple[int, ...]:
    """Visitors of each arm over all strata."""
    return tuple(sum(column) for column in zip(*(each.visitors for each in strata), strict=True))


def _strongest_first(suspect: SuspectSegment) -> tuple[float, Segment]:
    return -suspect.log_e, suspect.segment


def _explaining(
    dimension: str,
    suspects: Sequence[SuspectSegment],
    segments: Mapping[Segment, Sequence[ExposureCounts]],
) -> tuple[SuspectSegment, ...]:
    """The strongest suspects of a dimension without which the rest of it passes, or none."""
    rest = {each: strata for each, strata in segments.items() if each.dimension == dimension}
    dropped: list[SuspectSegment] = []
    for suspect in [each for each in suspects if each.segment.dimension == dimension][:MAX_CAUSES]:
        dropped.append(suspect)
        del rest[suspect.segment]
        if chi_square([each for strata in rest.values() for each in strata]) >= EXPLAINED:
            return tuple(dropped)
    return ()


def _arms_with_weight(strata: Sequence[ExposureCounts]) -> list[int]:
    return [
        arm
        for arm, column in enumerate(zip(*(each.weights for each in strata), strict=True))
        if any(column)
    ]


def _against_the_rest(strata: Sequence[ExposureCounts], arm: int) -> list[PairStratum]:
    return [
        PairStratum(
            each.weights[arm], 0.0, sum(each.visitors) - each.visitors[arm], each.visitors[arm]
        )
        for each in strata
        if 0 < each.weights[arm] < 1
    ]


def _observed_and_expected(strata: Sequence[ExposureCounts], arm: int) -> tuple[float, float]:
    observed = sum(each.visitors[arm] for each in strata if each.weights[arm])
    return observed, sum(sum(each.visitors) * each.weights[arm] for each in strata)
