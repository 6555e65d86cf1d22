"""From the closed counts of a look to claims, winner, limits and state.

`take_look` is a function of the plan, the counts and what stood after the look before, so that
stored looks can be walked again.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import inf, log, log1p
from typing import NamedTuple

from marketing.experiments.engine.claims import GAIN, ErrorShares, holm, pair_claim
from marketing.experiments.engine.estimates import LogRatio, PairCounts, rate_ratio
from marketing.experiments.engine.means import (
    ArmSums,
    MeanStratum,
    combine,
    mean_evidence,
    mean_limits,
)
from marketing.experiments.engine.sequential import (
    HIGHER,
    LOWER,
    Evidence,
    LogLimits,
    PairStratum,
    evidence,
    limits,
)

CONTROL = 0
PROMISE_ALPHA = 0.1
MIN_WITH_VALUE = 25
LARGEST_BASE_RATE = 0.99
UNBOUNDED = LogLimits(None, None)
NOTHING = Evidence(-inf, -inf)


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionPlan:
    """What is fixed before the first exposure."""

    confidence: float = 0.95
    effect: float = 0.1
    shares: ErrorShares = GAIN  # `higher` is the share for wrongly claiming that it is better
    is_mean: bool = False
    lower_is_better: bool = False
    min_sample_size: int = 1_000

    @property
    def alpha(self) -> float:
        return 1 - self.confidence

    @property
    def theta_shares(self) -> ErrorShares:
        """The shares by direction of theta instead of by better and worse."""
        return self.shares.swapped if self.lower_is_better else self.shares

    @property
    def good(self) -> int:
        """The direction of theta that is better."""
        return LOWER if self.lower_is_better else HIGHER


class ArmCounts(NamedTuple):
    """Closed exposures of one arm in one stratum; sums of values where the goal is a mean."""

    visitors: int = 0
    converters: int = 0
    total: float = 0.0
    squares: float = 0.0


class LookStratum(NamedTuple):
    """Closed counts of every arm under one set of weights and one base rate."""

    weights: tuple[float, ...]
    base_rate: float
    arms: tuple[ArmCounts, ...]


class GateCounts(NamedTuple):
    """What the gates of one arm look at: all impressions, closed visitors, those with a value."""

    impressions: int
    visitors: int
    with_value: int = 0


@dataclass(frozen=True, slots=True)
class PairProgress:
    """What stands of one variant after the gated looks so far: peaks and running intersections."""

    higher: float = -inf
    lower: float = -inf
    limits: LogLimits = UNBOUNDED
    promise_limits: LogLimits = UNBOUNDED


@dataclass(frozen=True, slots=True)
class PairLook:
    """One variant against the control at one look.

    Before the gates are passed it has no evidence and no limits of its own.
    """

    ratio: LogRatio | None
    evidence: Evidence | None
    own_limits: LogLimits
    own_promise_limits: LogLimits
    progress: PairProgress


@dataclass(frozen=True, slots=True)
class LookVerdict:
    """Claims over all variants. `claims` has the direction of theta of each claim that stands."""

    p_values: Mapping[int, float]
    adjusted: Mapping[int, float]
    claims: Mapping[int, int]
    winner: int | None
    tied_with: tuple[int, ...]

    @property
    def p_value(self) -> float:
        return min(self.adjusted.values())

    @property
    def is_significant(self) -> bool:
        return bool(self.claims)


@dataclass(frozen=True, slots=True)
class LookResult:
    """The variants by place, and the verdict."""

    pairs: Mapping[int, PairLook]
    verdict: LookVerdict

    @property
    def progress(self) -> dict[int, PairProgress]:
        """What the next look goes on from."""
        return {variant: pair.progress for variant, pair in self.pairs.items()}


class ExperimentState(StrEnum):
    """Where a test stands, for people."""

    COLLECTING = "collecting"
    TOO_EARLY = "too_early"
    UNLINKED = "unlinked"
    LEADING = "leading"
    WINNER = "winner"
    NO_DIFFERENCE = "no_difference"
    INCONCLUSIVE = "inconclusive"
    INVALID = "invalid"


def take_look(
    plan: DecisionPlan,
    strata: Sequence[LookStratum],
    gates: Sequence[GateCounts],
    before: Mapping[int, PairProgress],
) -> LookResult:
    """Compare every variant with the control, and name a winner where one stands."""
    passed = [passes_gates(plan, each) for each in gates]
    pairs = {
        variant: _look_at_pair(
            plan, strata, variant, before.get(variant, PairProgress()),
            variants=len(gates) - 1, is_gated=passed[CONTROL] and passed[variant],
        )
        for variant in range(1, len(gates))
    }  # fmt: skip
    return LookResult(pairs, _verdict(plan, strata, pairs))


def passes_gates(plan: DecisionPlan, arm: GateCounts) -> bool:
    """Whether an arm has enough closed visitors to be compared."""
    enough = min(arm.impressions, arm.visitors) >= plan.min_sample_size
    return enough and (not plan.is_mean or arm.with_value >= MIN_WITH_VALUE)


def base_rate(visitors: int, converters: int) -> float:
    """The rate of all arms at the end of the learning stretch, as later strata carry it."""
    return min(LARGEST_BASE_RATE, round(converters / visitors, 3))


def pair_strata(strata: Sequence[LookStratum], a: int, b: int) -> list[PairStratum]:
    """Two arms in the strata where both had weight."""
    return [
        PairStratum(
            each.weights[b] / (each.weights[a] + each.weights[b]),
            each.base_rate,
            each.arms[a].converters,
            each.arms[b].converters,
            each.arms[a].visitors - each.arms[a].converters,
            each.arms[b].visitors - each.arms[b].converters,
        )
        for each in strata
        if each.weights[a] and each.weights[b]
    ]


def sum_arms(arms: Iterable[ArmCounts]) -> ArmCounts:
    """Counts of several strata of one arm as one."""
    return ArmCounts(*(sum(column) for column in zip(*arms, strict=True)))


def by_weights(strata: Sequence[LookStratum]) -> list[LookStratum]:
    """The strata of equal weights as one, whatever their base rate: estimates need no more."""
    groups: dict[tuple[float, ...], list[LookStratum]] = defaultdict(list)
    for each in strata:
        groups[each.weights].append(each)
    return [
        LookStratum(
            weights,
            0.0,
            tuple(sum_arms(column) for column in zip(*(each.arms for each in group), strict=True)),
        )
        for weights, group in groups.items()
    ]


def shown_limits(running: LogLimits, own: LogLimits, claim: int | None) -> LogLimits:
    """Limits that never contradict the decision: they hold 0 until a claim stands, then end there.

    Where the running intersection is empty the effect is changing, and the look's own are shown.
    """
    low, high = (own.low, own.high) if is_changing(running) else (running.low, running.high)
    if claim == HIGHER:
        return LogLimits(max(low or 0.0, 0.0), high)
    if claim == LOWER:
        return LogLimits(low, min(high or 0.0, 0.0))
    return LogLimits(
        None if low is None else min(low, 0.0), None if high is None else max(high, 0.0)
    )


def is_changing(running: LogLimits) -> bool:
    """Whether the limits of different looks exclude each other."""
    return running.low is not None and running.high is not None and running.low > running.high


def within_planned_effect(shown: LogLimits, effect: float) -> bool:
    """Whether the limits leave no room for the effect that the test was planned for."""
    if shown.low is None or shown.high is None:
        return False
    return shown.low > log1p(-effect) and shown.high < log1p(effect)


def describe_state(
    result: LookResult, plan: DecisionPlan, *, is_invalid: bool, closed_visitors: int,
    unlinked: int, is_overdue: bool,
) -> ExperimentState:  # fmt: skip
    """The state of a test that is evaluated at this look."""
    if is_invalid:
        return ExperimentState.INVALID
    if result.verdict.winner is not None:
        return ExperimentState.WINNER
    if not closed_visitors:
        return ExperimentState.UNLINKED if unlinked else ExperimentState.COLLECTING
    if all(each.progress == PairProgress() for each in result.pairs.values()):
        return ExperimentState.TOO_EARLY
    shown = [
        shown_limits(each.progress.limits, each.own_limits, result.verdict.claims.get(variant))
        for variant, each in result.pairs.items()
    ]
    if all(within_planned_effect(each, plan.effect) for each in shown):
        return ExperimentState.NO_DIFFERENCE
    return ExperimentState.INCONCLUSIVE if is_overdue else ExperimentState.LEADING


def _look_at_pair(
    plan: DecisionPlan, strata: Sequence[LookStratum], variant: int, before: PairProgress,
    *, variants: int, is_gated: bool,
) -> PairLook:  # fmt: skip
    alphas = (plan.alpha, PROMISE_ALPHA / variants)
    if plan.is_mean:
        ratio, found, own = _means(plan, strata, variant, alphas)
    else:
        ratio, found, own = _conversions(plan, strata, variant, alphas)
    if not is_gated:
        return PairLook(ratio, None, UNBOUNDED, UNBOUNDED, before)
    progress = PairProgress(
        max(before.higher, found.higher),
        max(before.lower, found.lower),
        _intersection(before.limits, own[0]),
        _intersection(before.promise_limits, own[1]),
    )
    return PairLook(ratio, found, own[0], own[1], progress)


def _conversions(
    plan: DecisionPlan, strata: Sequence[LookStratum], variant: int, alphas: Sequence[float]
) -> tuple[LogRatio | None, Evidence, list[LogLimits]]:
    pairs, shares = pair_strata(strata, CONTROL, variant), plan.theta_shares
    found = evidence(pairs, plan.effect)
    own = [
        limits(pairs, plan.effect, shares.error_higher(alpha), shares.error_lower(alpha))
        for alpha in alphas
    ]
    return _rate_ratio(strata, variant), found, own


def _means(
    plan: DecisionPlan, strata: Sequence[LookStratum], variant: int, alphas: Sequence[float]
) -> tuple[LogRatio | None, Evidence, list[LogLimits]]:
    pair, shares = combine(_mean_strata(strata, CONTROL, variant)), plan.theta_shares
    if pair is None:
        return None, NOTHING, [UNBOUNDED, UNBOUNDED]
    own = [
        mean_limits(pair, shares.error_higher(alpha), shares.error_lower(alpha)) for alpha in alphas
    ]
    return pair.log_ratio, mean_evidence(pair), own


def _rate_ratio(strata: Sequence[LookStratum], variant: int) -> LogRatio | None:
    return rate_ratio(
        [
            PairCounts(a.visitors, b.visitors, a.converters, b.converters)
            for each in by_weights(strata)
            if each.weights[CONTROL] and each.weights[variant]
            for a, b in [(each.arms[CONTROL], each.arms[variant])]
        ]
    )


def _mean_strata(strata: Sequence[LookStratum], a: int, b: int) -> list[MeanStratum]:
    return [
        MeanStratum(_sums(each.arms[a]), _sums(each.arms[b]))
        for each in by_weights(strata)
        if each.weights[a] and each.weights[b]
    ]


def _sums(arm: ArmCounts) -> ArmSums:
    return ArmSums(arm.visitors, arm.total, arm.squares)


def _intersection(before: LogLimits, now: LogLimits) -> LogLimits:
    lows = [each for each in (before.low, now.low) if each is not None]
    highs = [each for each in (before.high, now.high) if each is not None]
    return LogLimits(max(lows, default=None), min(highs, default=None))


def _verdict(
    plan: DecisionPlan, strata: Sequence[LookStratum], pairs: Mapping[int, PairLook]
) -> LookVerdict:
    shares = plan.theta_shares
    found = {
        variant: pair_claim(each.progress.higher, each.progress.lower, shares)
        for variant, each in pairs.items()
    }
    p_values = {variant: each.p_value for variant, each in found.items()}
    adjusted = dict(zip(found, holm(list(p_values.values())), strict=True))
    claims = {
        variant: each.direction
        for variant, each in found.items()
        if adjusted[variant] <= plan.alpha
    }
    better = [variant for variant, claim in claims.items() if claim == plan.good]
    winner: int | None = None
    tied: tuple[int, ...] = ()
    if better:
        winner = max(better, key=lambda variant: _size(plan, strata, variant, pairs[variant].ratio))
        tied = _tied_with(plan, strata, winner, better)
    elif len(claims) == len(pairs):
        winner = CONTROL
    return LookVerdict(p_values, adjusted, claims, winner, tied)


def _size(
    plan: DecisionPlan, strata: Sequence[LookStratum], variant: int, ratio: LogRatio | None
) -> tuple[float, float]:
    """How good a variant is; where the ratio is not defined, by its own rate."""
    value = inf if ratio is None else plan.good * ratio.value
    visitors = sum(each.arms[variant].visitors for each in strata)
    converters = sum(each.arms[variant].converters for each in strata)
    return value, plan.good * converters / visitors


def _tied_with(
    plan: DecisionPlan, strata: Sequence[LookStratum], winner: int, better: Sequence[int]
) -> tuple[int, ...]:
    """Others that are better than the control and that nothing shows to be below the winner."""
    return tuple(
        other
        for other in better
        if other != winner and _superiority(plan, strata, winner, other) < -log(plan.alpha)
    )


def _superiority(
    plan: DecisionPlan, strata: Sequence[LookStratum], winner: int, other: int
) -> float:
    """The log evidence that the winner is better than another variant."""
    if not plan.is_mean:
        found = evidence(pair_strata(strata, other, winner), plan.effect)
    elif (pair := combine(_mean_strata(strata, other, winner))) is not None:
        found = mean_evidence(pair)
    else:
        return -inf
    return found.lower if plan.lower_is_better else found.higher
