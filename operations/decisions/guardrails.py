"""Check a draft against its automation's limits, and past effects against mode auto. Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import comb
from operator import ge, gt, lt
from statistics import NormalDist

from aethercrown.formatting import share_text
from operations.automations.limits import GuardrailLimits, QuietHours
from operations.decisions.draft import Draft, ExpectedEffect, Guardrail

HOUR = timedelta(hours=1)
SAMPLE_SIZE = 20  # the newest measured decisions
MIN_INSIDE_SHARE = 0.6  # a type that is inside 90 % of the time falls below it once in 17,000
PROMISED = 0.9  # the level of the stored intervals
MIN_TESTED, TAIL = 10, 0.05
MEASURED_VERDICTS = ("inside", "below", "above")


@dataclass(frozen=True, slots=True)
class GuardrailContext:
    """What guardrails use besides the draft."""

    now: datetime
    applied_today: int = 0  # decisions of the automation in the last 24 hours
    # percent: changes of the subject in the same time, added up; None if one is not known
    changed_today: float | None = 0.0
    alert: str = ""  # an open critical alert on the subject


def evaluate(limits: GuardrailLimits, draft: Draft, context: GuardrailContext) -> list[Guardrail]:
    """Check every limit that is switched on; an unknown figure fails its limit."""
    low, change = draft.expected.low, draft.change_percent
    in_a_day = None
    if change is not None and context.changed_today is not None:
        in_a_day = context.changed_today + abs(change)
    daily, least = limits.largest_daily_change_percent, limits.least_confidence_percent
    checked = [
        _check("largest_change_percent", limits.largest_change_percent, change, _is_within),
        _check("applied_per_day", limits.applied_per_day, context.applied_today, lt),
        _check("sure_gain", 0.0 if limits.needs_sure_gain else None, low, gt),
        _freshness(limits.data_age_hours, draft, context.now),
        _check("largest_daily_change_percent", daily, in_a_day, _is_within),
        _check("least_confidence_percent", least, round(confidence(draft.expected), 2), ge),
        _quiet_hours(limits.quiet_hours, context.now),
        Guardrail("critical_alert", "none", context.alert or "none", not context.alert)
        if limits.needs_no_critical_alert
        else None,
    ]
    return [each for each in checked if each is not None]


def confidence(expected: ExpectedEffect) -> float:
    """The probability, in percent, that the effect is above zero.

    The effect is taken to be normal around the estimate; its standard deviation follows from the
    distance between the estimate and the end of the interval on the side of zero.
    """
    side = (
        expected.estimate - expected.low
        if expected.estimate > 0
        else (expected.high - expected.estimate)
    )
    if side == 0:
        return 100.0 if expected.estimate > 0 else 0.0
    spread = side / NormalDist().inv_cdf((1 + expected.level) / 2)
    return 100 * NormalDist().cdf(expected.estimate / spread)


def calibration_failure(verdicts: Sequence[str]) -> str:
    """Why this type must not be applied automatically; "" if it may, or if verdicts are few."""
    if len(verdicts) < SAMPLE_SIZE:
        return ""
    inside = sum(verdict == "inside" for verdict in verdicts[:SAMPLE_SIZE])
    if inside >= MIN_INSIDE_SHARE * SAMPLE_SIZE:
        return ""
    return (
        f"{inside} of the last {SAMPLE_SIZE} effects lay in the expected interval,"
        f" fewer than {share_text(MIN_INSIDE_SHARE)}."
    )


def coverage_text(inside: int, measured: int, level: float = PROMISED) -> str:
    """Whether a share of outcomes inside their intervals agrees with the intervals' level.

    By the exact binomial test, one-sided, 5 % on each side; "" for fewer than MIN_TESTED outcomes.
    """
    if measured < MIN_TESTED:
        return ""
    if _binomial(inside, measured, level) < TAIL:
        return "fewer than expected"
    if _binomial(measured - inside, measured, 1 - level) < TAIL:
        return "more than expected"
    return "as expected"


def _binomial(most: int, count: int, chance: float) -> float:
    """The probability of at most so many successes."""
    terms = (comb(count, k) * chance**k * (1 - chance) ** (count - k) for k in range(most + 1))
    return sum(terms)


def _check(
    name: str, limit: float | None, value: float | None, passes: Callable[[float, float], bool]
) -> Guardrail | None:
    """The guardrail of one limit; None if it is switched off."""
    if limit is None:
        return None
    return Guardrail(name, limit, value, passed=value is not None and passes(value, limit))


def _is_within(change: float, limit: float) -> bool:
    return abs(change) <= limit


def _freshness(limit: float | None, draft: Draft, now: datetime) -> Guardrail | None:
    """The newest data may be as old as they come rarely, and the limit beyond that."""
    if limit is None:
        return None
    limit += draft.data_every / HOUR
    if draft.data_as_of is None:
        return Guardrail("data_age_hours", limit, None, passed=False)
    hours = (now - draft.data_as_of) / HOUR
    return Guardrail("data_age_hours", limit, round(hours, 2), passed=hours <= limit)


def _quiet_hours(quiet: QuietHours | None, now: datetime) -> Guardrail | None:
    if quiet is None:
        return None
    hours = f"{quiet.begins:%H:%M} to {quiet.ends:%H:%M}"
    clock = f"{now.astimezone(quiet.zone):%H:%M}"
    return Guardrail("quiet_hours", hours, clock, not quiet.covers(now))
