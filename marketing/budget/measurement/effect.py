"""The lift that an applied plan brought, and whether revenue stays below its expectation.

Revenue is compared with what the plan's curves expected of the present mix at the same total. The
season is removed by the same weeks of the year before, where there are any. Noise is estimated
from differences of successive weeks (von Neumann, 1941), so trend and season do not count as
noise.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import exp, hypot, log, sqrt

from marketing.budget.planner.proposal import Interval

YEAR = dt.timedelta(weeks=52)
WEEK = dt.timedelta(weeks=1)
Z90 = 1.645
MIN_NOISE = 0.02
MEASURED_PERIODS = 4  # a plan is measured over this many periods
HARM_PERIODS = 2  # successive periods below the bound that count as harm

Revenue = Mapping[dt.date, float]


@dataclass(frozen=True, slots=True)
class PlanExpectation:
    """Revenue a period that a plan expected from `starts_on` on, and its lift in percent."""

    starts_on: dt.date
    revenue: Interval
    lift: Interval

    @property
    def baseline_revenue(self) -> float:
        """Revenue a period expected of the present mix at the same total."""
        return self.revenue.estimate / (1 + self.lift.estimate / 100)


@dataclass(frozen=True, slots=True)
class Effect:
    """Realised lift in percent with its 90 % interval; `inside` the expected interval or not."""

    lift: Interval
    inside: bool
    periods: tuple[dt.date, ...]
    season_adjusted: bool
    noise: float


def measure_effect(
    weekly: Revenue, window: Sequence[dt.date], expectation: PlanExpectation
) -> Effect:
    """Compare revenue of the periods in `window` (at least one) with the expectation."""
    spread = noise(weekly, window[0])
    adjusted = [weekly[on] / season_ratio(weekly, on, expectation.starts_on) for on in window]
    mean = sum(adjusted) / len(adjusted)
    is_seasonal = all(_around(weekly, on - YEAR) for on in (*window, expectation.starts_on))
    # in units of one period's variance; last year's smoothed weeks add the second term
    season_variance = 1 / (len(window) + 2) + 1 / 3 if is_seasonal else 0.0
    doubt = Z90 * spread * sqrt(1 / len(window) + season_variance)
    log_lift = log(max(mean, 1e-9) / expectation.baseline_revenue)
    expected = expectation.lift
    bound = expected.high if log_lift > _log(expected.estimate) else expected.low
    allowed = hypot(doubt, _log(bound) - _log(expected.estimate))
    return Effect(
        Interval(_percent(log_lift), _percent(log_lift - doubt), _percent(log_lift + doubt)),
        abs(log_lift - _log(expected.estimate)) <= allowed,
        tuple(window),
        is_seasonal,
        spread,
    )


def stays_below_bound(
    weekly: Revenue, window: Sequence[dt.date], expectation: PlanExpectation
) -> bool:
    """Whether revenue was below the expected 5 % bound in each of the last two periods."""
    if len(window) < HARM_PERIODS:
        return False
    spread = noise(weekly, window[0])
    low = log(expectation.revenue.estimate / max(expectation.revenue.low, 1e-9))
    bound = expectation.revenue.estimate * exp(-hypot(low, Z90 * spread))
    last = window[-HARM_PERIODS:]
    return all(weekly[on] / season_ratio(weekly, on, expectation.starts_on) < bound for on in last)


def noise(weekly: Revenue, before: dt.date) -> float:
    """Standard deviation of log revenue from one period to the next, over the last year."""
    past = [weekly[on] for on in sorted(weekly) if before - YEAR <= on < before and weekly[on] > 0]
    steps = [log(later / earlier) for earlier, later in pairwise(past)]
    if len(steps) < 2:
        return MIN_NOISE
    return max(MIN_NOISE, sqrt(sum(step**2 for step in steps) / len(steps) / 2))


def season_ratio(weekly: Revenue, on: dt.date, reference: dt.date) -> float:
    """Season of `on` over the season of `reference`; 1 where last year is not known."""
    then, base = _around(weekly, on - YEAR), _around(weekly, reference - YEAR)
    return then / base if then and base else 1.0


def _around(weekly: Revenue, on: dt.date) -> float:
    """Mean of three periods around a date of last year; 0 if one is missing."""
    three = [weekly.get(on + shift) for shift in (-WEEK, dt.timedelta(), WEEK)]
    known = [each for each in three if each is not None]
    return sum(known) / 3 if len(known) == 3 else 0.0


def _log(percent: float) -> float:
    return log(max(1 + percent / 100, 1e-9))


def _percent(log_lift: float) -> float:
    return 100 * (exp(log_lift) - 1)
