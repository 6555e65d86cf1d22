"""Hold-outs: what a campaign does to churn, and what the whole programme of tests brought."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import exp, sqrt

from marketing.experiments.engine.claims import EVEN, pair_claim
from marketing.experiments.engine.estimates import LogRatio, PairCounts, rate_ratio
from marketing.experiments.engine.promise import Promise, in_percent
from marketing.experiments.engine.sequential import (
    LOWER,
    LogLimits,
    PairStratum,
    evidence,
    limits,
)

MIN_USERS_PER_ARM = 50
DEFAULT_EFFECT = 0.2


class CampaignVerdict(StrEnum):
    """Whether fewer of the treated churn than of those held out."""

    HELPS = "helps"
    HARMS = "harms"
    NOT_YET = "not_yet"


@dataclass(frozen=True, slots=True)
class PeakEvidence:
    """The largest log e-values over the looks that passed the gates; nothing before the first."""

    higher: float = 0.0
    lower: float = 0.0


@dataclass(frozen=True, slots=True)
class HoldoutLook:
    """One look at a campaign: verdict, p-value, ratio of the churn rates and its limits."""

    verdict: CampaignVerdict
    p_value: float
    peak: PeakEvidence
    ratio: LogRatio | None
    limits: LogLimits
    is_gated: bool


def look_at_campaign(
    strata: Sequence[PairStratum],
    before: PeakEvidence,
    *,
    effect: float = DEFAULT_EFFECT,
    confidence: float = 0.95,
) -> HoldoutLook:
    """Held out (a) against treated (b); who churned within the window is a converter.

    The strata count everybody whose window has closed, by assignment and not by delivery.
    """
    alpha = 1 - confidence
    is_gated = all(each >= MIN_USERS_PER_ARM for each in _users(strata))
    now = evidence(strata, effect)
    peak = before
    if is_gated:
        peak = PeakEvidence(max(before.higher, now.higher), max(before.lower, now.lower))
    claim = pair_claim(peak.higher, peak.lower, EVEN)
    verdict = CampaignVerdict.NOT_YET
    if claim.p_value <= alpha:
        helps = claim.direction == LOWER
        verdict = CampaignVerdict.HELPS if helps else CampaignVerdict.HARMS
    error = alpha / 2
    return HoldoutLook(
        verdict,
        claim.p_value,
        peak,
        rate_ratio([_pair_counts(each) for each in strata]),
        limits(strata, effect, error, error),
        is_gated,
    )


@dataclass(frozen=True, slots=True)
class ProgrammeGain:
    """What arrived beside what was promised, in percent; None where it is not known."""

    gained: float | None
    gained_low: float | None
    gained_high: float | None
    promised: float
    promised_low: float | None
    promised_high: float | None
    share_arrived: float | None
    p_value: float


def look_at_programme(
    quarters: Sequence[PairStratum], promises: Sequence[Promise], *, effect: float = DEFAULT_EFFECT
) -> ProgrammeGain:
    """Visitors who see no test and no roll-out (a) against all others (b), a stratum a quarter."""
    found = evidence(quarters, effect)
    ratio = rate_ratio([_pair_counts(each) for each in quarters])
    bounds = limits(quarters, effect, 0.025, 0.025)
    whole = sum(each.estimate for each in promises)
    return ProgrammeGain(
        None if ratio is None else ratio.percent,
        _percent(bounds.low),
        _percent(bounds.high),
        in_percent(whole),
        _percent(_end(whole, [(each.estimate, each.low) for each in promises], -1)),
        _percent(_end(whole, [(each.estimate, each.high) for each in promises], 1)),
        ratio.value / whole if ratio is not None and whole else None,
        pair_claim(found.higher, found.lower, EVEN).p_value,
    )


def _end(whole: float, ends: Sequence[tuple[float, float | None]], side: int) -> float | None:
    """An end of the sum: the distances of the single ends in quadrature."""
    squares = 0.0
    for estimate, end in ends:
        if end is None:
            return None
        squares += (end - estimate) ** 2
    return whole + side * sqrt(squares)


def _users(strata: Sequence[PairStratum]) -> tuple[int, int]:
    held_out = sum(each.converters_a + each.others_a for each in strata)
    return held_out, sum(each.converters_b + each.others_b for each in strata)


def _pair_counts(stratum: PairStratum) -> PairCounts:
    _, _, a, b, others_a, others_b = stratum
    return PairCounts(a + others_a, b + others_b, a, b)


def _percent(log_theta: float | None) -> float | None:
    return None if log_theta is None else 100 * (exp(log_theta) - 1)
