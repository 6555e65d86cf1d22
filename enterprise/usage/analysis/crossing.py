"""When use crosses a threshold of its limit; pure. Percents are compared exactly, never rounded."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from aethercrown.severity import CRITICAL, WARNING, rank

HUNDRED = Decimal(100)
REARMED_BELOW_POINTS = Decimal(5)  # under the threshold a gauge must fall before it alerts again
GAUGE_INTERVAL = timedelta(hours=24)  # between two alerts of a gauge's threshold


@dataclass(frozen=True, slots=True)
class Threshold:
    """A percent of the limit, and how serious reaching it is."""

    percent: Decimal
    severity: str


DEFAULT_THRESHOLDS = (Threshold(Decimal(80), WARNING), Threshold(Decimal(95), CRITICAL))


class UsageLevel(NamedTuple):
    """What is used of a limit."""

    used: Decimal
    limit: Decimal

    @property
    def percent(self) -> Decimal | None:
        """In percent of the limit; None at a limit of 0."""
        return HUNDRED * self.used / self.limit if self.limit else None

    def reaches(self, percent: Decimal) -> bool:
        """At a limit of 0 any use is above every threshold."""
        if not self.limit:
            return self.used > 0
        return HUNDRED * self.used >= percent * self.limit

    def is_below(self, percent: Decimal) -> bool:
        """At or below `percent` of the limit."""
        if not self.limit:
            return self.used <= 0
        return HUNDRED * self.used <= percent * self.limit


def reached(now: UsageLevel, thresholds: Iterable[Threshold]) -> Threshold | None:
    """The worst threshold that is reached now."""
    found = [each for each in thresholds if now.reaches(each.percent)]
    return max(found, key=lambda each: (rank(each.severity), each.percent), default=None)


def crossed(
    previous: UsageLevel | None, now: UsageLevel, thresholds: Iterable[Threshold]
) -> list[Threshold]:
    """The thresholds between the previous level of the same period and this one, lowest first.

    Without a level of the period the previous one is 0 %.
    """
    found = [
        each
        for each in thresholds
        if now.reaches(each.percent) and not (previous and previous.reaches(each.percent))
    ]
    return sorted(found, key=lambda each: each.percent)


@dataclass(frozen=True, slots=True)
class GaugeArming:
    """Whether a gauge's threshold alerts at its next crossing, and its alerts so far."""

    is_armed: bool = True
    number: int = 0
    alerted_at: datetime | None = None


class GaugeCrossing(NamedTuple):
    """The thresholds that alert now, and the arming of all of them after it."""

    crossed: list[tuple[Threshold, int]]
    armings: dict[Decimal, GaugeArming]


def gauge_crossed(
    armings: Mapping[Decimal, GaugeArming],
    now: UsageLevel,
    thresholds: Iterable[Threshold],
    at: datetime,
) -> GaugeCrossing:
    """The thresholds of a gauge, which has one endless period, that alert now.

    An armed threshold that is reached alerts, at most once in GAUGE_INTERVAL, and is disarmed. It
    is armed again when the gauge is REARMED_BELOW_POINTS below it.
    """
    found: list[tuple[Threshold, int]] = []
    after = dict(armings)
    for each in sorted(thresholds, key=lambda threshold: threshold.percent):
        arming = armings.get(each.percent, GaugeArming())
        rests = arming.alerted_at is not None and at - arming.alerted_at < GAUGE_INTERVAL
        if now.is_below(each.percent - REARMED_BELOW_POINTS):
            arming = replace(arming, is_armed=True)
        elif arming.is_armed and now.reaches(each.percent) and not rests:
            arming = GaugeArming(is_armed=False, number=arming.number + 1, alerted_at=at)
            found.append((each, arming.number))
        after[each.percent] = arming
    return GaugeCrossing(found, after)
