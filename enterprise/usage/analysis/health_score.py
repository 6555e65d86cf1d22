"""The health of a client by its usage, as points of 100; pure."""

from collections.abc import Sequence
from dataclasses import dataclass

DECLINING, LOW_USE, NEAR_LIMIT, PAYMENT_FAILED, SILENT = 20, 15, 10, 15, 20
LOW_USE_PERCENT, NEAR_LIMIT_PERCENT = 30, 95
SILENT_DAYS = 7
LOW_RISK, MEDIUM_RISK = 80, 60  # points from which the risk is low, and medium


@dataclass(frozen=True, slots=True)
class UsageFacts:
    """What is known of a client; None is unknown, and deducts nothing."""

    is_declining: bool | None
    limit_percents: Sequence[float]
    payment_failed: bool | None
    days_since_event: int | None


@dataclass(frozen=True, slots=True)
class Deduction:
    points: int
    reason: str


@dataclass(frozen=True, slots=True)
class UsageHealth:
    """The points that are left, and why others are not; None where nothing is known."""

    score: int | None
    deductions: tuple[Deduction, ...] = ()

    @property
    def risk_level(self) -> str | None:
        if self.score is None:
            return None
        if self.score >= LOW_RISK:
            return "low"
        return "medium" if self.score >= MEDIUM_RISK else "high"


def usage_health(facts: UsageFacts) -> UsageHealth:
    """100 points less those of what is wrong; without any use there is no score."""
    if facts.days_since_event is None:
        return UsageHealth(None)
    found = [each for each in _deductions(facts) if each is not None]
    return UsageHealth(100 - sum(each.points for each in found), tuple(found))


def _deductions(facts: UsageFacts) -> Sequence[Deduction | None]:
    percents = sorted(facts.limit_percents)
    middle = _median(percents)
    return (
        Deduction(DECLINING, "its use declines") if facts.is_declining else None,
        Deduction(LOW_USE, f"it uses {round(middle)}% of its limits")
        if middle is not None and middle < LOW_USE_PERCENT
        else None,
        Deduction(NEAR_LIMIT, "a metric is near its limit")
        if percents and percents[-1] >= NEAR_LIMIT_PERCENT
        else None,
        Deduction(PAYMENT_FAILED, "a payment failed lately") if facts.payment_failed else None,
        Deduction(SILENT, f"nothing came for {facts.days_since_event} days")
        if facts.days_since_event is not None and facts.days_since_event >= SILENT_DAYS
        else None,
    )


def _median(ordered: Sequence[float]) -> float | None:
    if not ordered:
        return None
    half = len(ordered) // 2
    return ordered[half] if len(ordered) % 2 else (ordered[half - 1] + ordered[half]) / 2
