"""Damped Holt-Winters with a season of 7 days; pure.

Exponential smoothing of level, trend and weekday (Holt 1957, Winters 1960), with a trend that fades
(Gardner and McKenzie 1985). The weights are fixed: chosen by the same few days that judge the
forecast, they would win by chance.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

SEASON = 7
LEVEL_WEIGHT, TREND_WEIGHT, SEASON_WEIGHT, DAMPING = 0.2, 0.05, 0.1, 0.9
Days = Sequence[float | None]


@dataclass(frozen=True, slots=True)
class SmoothedUse:
    """Level and trend a day after the last known one, and what each weekday adds from then on."""

    level: float
    slope: float
    season: tuple[float, ...]

    def forecast(self, days: int) -> Iterator[float]:
        """The days after the known ones; never below 0."""
        risen, fading = 0.0, 1.0
        for ahead in range(days):
            fading *= DAMPING
            risen += fading * self.slope
            yield max(0.0, self.level + risen + self.season[ahead % SEASON])


def smooth(days: Days) -> SmoothedUse | None:
    """Smooth complete days, of which None are not known; None without two whole weeks."""
    start = _start(days)
    if start is None:
        return None
    level, slope, season = start
    for place, value in enumerate(days):
        weekday = place % SEASON
        before = level + DAMPING * slope
        if value is None:
            level, slope = before, DAMPING * slope
            continue
        level = LEVEL_WEIGHT * (value - season[weekday]) + (1 - LEVEL_WEIGHT) * before
        slope = TREND_WEIGHT * (level - before + DAMPING * slope) + (1 - TREND_WEIGHT) * (
            DAMPING * slope
        )
        season[weekday] += SEASON_WEIGHT * (value - level - season[weekday])
    shift = len(days) % SEASON
    return SmoothedUse(level, slope, (*season[shift:], *season[:shift]))


def _start(days: Days) -> tuple[float, float, list[float]] | None:
    """The mean of the first two weeks, no trend, and each weekday's difference from the mean."""
    first = days[: 2 * SEASON]
    known = [each for each in first if each is not None]
    weekdays = [
        [each for each in first[weekday::SEASON] if each is not None] for weekday in range(SEASON)
    ]
    if len(first) < 2 * SEASON or not all(weekdays):
        return None
    mean = sum(known) / len(known)
    return mean, 0.0, [sum(each) / len(each) - mean for each in weekdays]


def naive(days: Days) -> list[float] | None:
    """The next week as the newest known day of each weekday; None where one has none."""
    found = []
    for ahead in range(SEASON):
        same = [each for each in days[(len(days) + ahead) % SEASON :: SEASON] if each is not None]
        if not same:
            return None
        found.append(same[-1])
    return found
