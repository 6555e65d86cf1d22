"""Growth of daily use, with an interval that allows for autocorrelation, and days to a limit; pure.

Theil-Sen's slope and Sen's interval (Sen 1968) of the days without their weekday pattern. Usage of
one day resembles that of the day before, so the variance of the interval is multiplied by
(1 + r) / (1 - r), where r is the correlation of the ranks of neighbouring days, corrected for its
bias in short series (Hamed and Rao 1998). Without it, flat series are called growing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from enterprise.usage.analysis import holt_winters
from enterprise.usage.analysis.holt_winters import SmoothedUse

Floats = NDArray[np.float64]

MIN_DAYS, MIN_VALUES = 14, 8  # fewer give no trend
VERDICT_DAYS, VERDICT_PAIRS = 28, 10  # with fewer days or neighbouring days it is weak
LEVEL_DAYS = 7  # the last adjusted days, whose median is the present level
Z = 2.3263  # of an interval that holds 98 of 100 slopes
MAX_CORRELATION = 0.95
HORIZON_DAYS = 365
WEEK, MAX_BACKTESTED = 7, 4  # the last weeks that a forecast is tried on


class TrendVerdict(StrEnum):
    """What the interval of the slope allows to say."""

    GROWING = "growing"
    DECLINING = "declining"
    UNCLEAR = "no clear trend"
    WEAK = "weak"
    TOO_SHORT = "not enough history"


@dataclass(frozen=True, slots=True)
class Slope:
    """A slope a day with its interval; an end is None where the days do not bound it."""

    estimate: float
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class UsageTrend:
    """The trend of a metric. `slope` is in units a day, `percent` in percent of the median day.

    `level` is the present adjusted day, `factors` what each weekday is of it, Monday first.
    """

    verdict: TrendVerdict
    slope: Slope | None = None
    percent: Slope | None = None
    growth_percent: float | None = None
    level: float = 0.0
    factors: tuple[float, ...] = (1.0,) * 7
    correlation: float = 0.0
    smoothed: SmoothedUse | None = None  # where it forecasts better than the line

    @property
    def method(self) -> str:
        """What the expected days are forecast by."""
        if self.slope is None:
            return ""
        return "line" if self.smoothed is None else "damped Holt-Winters"

    def expected(self, first: date) -> Iterator[float]:
        """The use to expect of each day from the first after the known ones."""
        if self.smoothed is not None:
            return self.smoothed.forecast(HORIZON_DAYS)
        return self.forecast(first, self.slope.estimate if self.slope else 0.0)

    def forecast(self, first: date, slope: float) -> Iterator[float]:
        """The use of each day from the first after the known ones; never below 0."""
        for ahead in range(1, HORIZON_DAYS + 1):
            day = first + timedelta(days=ahead - 1)
            yield max(0.0, (self.level + slope * ahead) * self.factors[day.weekday()])


NO_TREND = UsageTrend(TrendVerdict.TOO_SHORT)


def trend(days: Sequence[float | None], first: date) -> UsageTrend:
    """The trend of complete days from `first`; None is a day of which nothing is known."""
    found = line(days, first)
    if len(days) < VERDICT_DAYS or found.slope is None:
        return found
    errors = backtest(days, first)
    if errors is None or errors.smoothed >= min(errors.line, errors.naive):
        return found
    return replace(found, smoothed=holt_winters.smooth(days))


class BacktestErrors(NamedTuple):
    """Mean absolute errors of forecasts of a week, over the same weeks."""

    line: float
    smoothed: float
    naive: float


def backtest(days: Sequence[float | None], first: date) -> BacktestErrors | None:
    """Forecast each of the last few weeks from the days before it; None where that cannot be."""
    errors: list[BacktestErrors] = []
    for origin in range(len(days) - WEEK, 3 * WEEK - 1, -WEEK)[:MAX_BACKTESTED]:
        known = days[:origin]
        by_line, smoothed = line(known, first), holt_winters.smooth(known)
        naive = holt_winters.naive(known)
        if by_line.slope is None or smoothed is None or naive is None:
            return None
        week = days[origin : origin + WEEK]
        straight = islice(by_line.expected(first + timedelta(days=origin)), WEEK)
        errors += [
            BacktestErrors(*(abs(each - value) for each in forecasts))
            for value, *forecasts in zip(
                week, straight, smoothed.forecast(WEEK), naive, strict=True
            )
            if value is not None
        ]
    if not errors:
        return None
    return BacktestErrors(*(sum(each) / len(errors) for each in zip(*errors, strict=True)))


def line(days: Sequence[float | None], first: date) -> UsageTrend:
    """The trend by the robust slope alone."""
    known = np.array([place for place, each in enumerate(days) if each is not None])
    values = np.array([each for each in days if each is not None], dtype=np.float64)
    if len(days) < MIN_DAYS or len(values) < MIN_VALUES:
        return NO_TREND
    factors = _weekday_factors(known, values, first, len(days))
    adjusted = values / factors[(known + first.weekday()) % 7]
    slope, correlation = sen_slope(known, adjusted)
    middle = float(np.median(adjusted))
    return UsageTrend(
        _verdict(slope, len(days), int((np.diff(known) == 1).sum())),
        slope,
        _percent(slope, middle),
        _growth(slope.estimate, known, adjusted, len(days) - 1),
        float(np.median(adjusted[-LEVEL_DAYS:])),
        tuple(factors.tolist()),
        correlation,
    )


def _weekday_factors(known: NDArray[np.int64], values: Floats, first: date, days: int) -> Floats:
    """What each weekday is of the median day; 1 in short series and where a median is 0."""
    factors = np.ones(7)
    whole = float(np.median(values))
    if days < VERDICT_DAYS or not whole:
        return factors
    weekdays = (known + first.weekday()) % 7
    for weekday in range(7):
        mine = values[weekdays == weekday]
        median = float(np.median(mine)) if len(mine) else 0.0
        factors[weekday] = median / whole if median else 1.0
    return factors


def sen_slope(places: NDArray[np.int64], values: Floats) -> tuple[Slope, float]:
    """The median slope of all pairs with its 98 % interval, and the correlation of neighbours."""
    first, second = np.triu_indices(len(values), k=1)
    slopes = np.sort((values[second] - values[first]) / (places[second] - places[first]))
    estimate = float(np.median(slopes))
    correlation = rank_correlation(places, values - estimate * places)
    spread = _spread(len(values), correlation)
    low = round((len(slopes) - spread) / 2)
    high = round((len(slopes) + spread) / 2) + 1
    ends = [float(slopes[rank - 1]) if 1 <= rank <= len(slopes) else None for rank in (low, high)]
    return Slope(estimate, *ends), correlation


def _spread(count: int, correlation: float) -> float:
    """How many ranks lie between the ends of the interval."""
    inflation = (1 + correlation) / (1 - correlation)
    return float(Z * np.sqrt(inflation * count * (count - 1) * (2 * count + 5) / 18))


def rank_correlation(places: NDArray[np.int64], values: Floats) -> float:
    """The correlation of the ranks of days one day apart, corrected for bias; 0 to .95."""
    count = len(values)
    ranks = _ranks(values)
    ranks = ranks - ranks.mean()
    neighbours = np.flatnonzero(np.diff(places) == 1)
    variance = float((ranks**2).mean())
    if not len(neighbours) or not variance:
        return 0.0
    raw = float((ranks[neighbours] * ranks[neighbours + 1]).mean()) / variance
    return float(np.clip((raw * count + 1) / (count - 4), 0.0, MAX_CORRELATION))


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values have the mean of theirs."""
    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    ranks: Floats = (np.cumsum(count) - (count - 1) / 2)[place]
    return ranks


def _verdict(slope: Slope, days: int, pairs: int) -> TrendVerdict:
    if days < VERDICT_DAYS or pairs < VERDICT_PAIRS:
        return TrendVerdict.WEAK
    if slope.low is not None and slope.low > 0:
        return TrendVerdict.GROWING
    if slope.high is not None and slope.high < 0:
        return TrendVerdict.DECLINING
    return TrendVerdict.UNCLEAR


def _percent(slope: Slope, middle: float) -> Slope | None:
    """The slope in percent of the median day; None where that is 0."""
    if not middle:
        return None
    low, high = (None if each is None else 100 * each / middle for each in (slope.low, slope.high))
    return Slope(100 * slope.estimate / middle, low, high)


def _growth(slope: float, places: NDArray[np.int64], values: Floats, last: int) -> float | None:
    """The growth over all days in percent of the fitted first day; None where that is 0."""
    start = float(np.median(values - slope * places))
    return 100 * slope * last / start if start > 0 else None


NO_LIMIT, NO_HISTORY = "no limit is set", "there is not enough history"
NOT_SO_FAR = f"at this growth it is not reached within {HORIZON_DAYS} days"


@dataclass(frozen=True, slots=True)
class DaysToLimit:
    """Days until the limit is reached, day 1 being the first incomplete one; or why there is none.

    `earliest` and `latest` are by the ends of the slope's interval; None: not within the horizon.
    """

    days: int | None
    earliest: int | None = None
    latest: int | None = None
    reason: str = ""


def days_to_limit(
    found: UsageTrend, used: Decimal, limit: Decimal | None, first: date, *, is_gauge: bool
) -> DaysToLimit:
    """When a limit is reached; `first` is the first incomplete day, `used` what counts before it.

    The use of a counter adds up and starts again with each calendar month; a gauge is at the limit
    on the first day whose forecast reaches it.
    """
    if limit is None:
        return DaysToLimit(None, reason=NO_LIMIT)
    if used >= limit and used > 0:
        return DaysToLimit(0, 0, 0)
    if found.slope is None:
        return DaysToLimit(None, reason=NO_HISTORY)
    days, earliest, latest = (
        None if each is None else _first_day(each, used, limit, first, is_gauge=is_gauge)
        for each in (
            found.expected(first),
            *(
                None if slope is None else found.forecast(first, slope)
                for slope in (found.slope.high, found.slope.low)
            ),
        )
    )
    return DaysToLimit(days, earliest, latest, "" if days is not None else NOT_SO_FAR)


def _first_day(
    forecast: Iterator[float], used: Decimal, limit: Decimal, first: date, *, is_gauge: bool
) -> int | None:
    running, wanted = float(used), float(limit)
    for ahead, value in enumerate(forecast):
        if is_gauge or (first + timedelta(days=ahead)).day == 1:
            running = 0.0
        running += value
        if running >= wanted:
            return ahead + 1
    return None


def forecast_sum(found: UsageTrend, first: date, days: int) -> float | None:
    """The forecast use of some days from the first incomplete one; None without a trend."""
    if found.slope is None:
        return None
    return sum(islice(found.expected(first), days))
