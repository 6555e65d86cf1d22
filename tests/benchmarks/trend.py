"""The trend of use on generated series: `python -m tests.benchmarks.trend [--quick] [--seed N]`.

The error of the slope on growing days with gaps, weekends and outliers; how often its 98 % interval
holds the true slope; how often flat days, independent and autocorrelated, are called growing or
declining; how often a growth of .5 % a day is found; and the day on which a limit is reached.
"""

import argparse
import sys
from datetime import date
from decimal import Decimal
from math import sqrt

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from enterprise.usage.analysis.trend import TrendVerdict, days_to_limit, trend
from tests.benchmarks.report import Report

SEED, MONDAY = 2027, date(2027, 1, 4)
GROWTH, DEVIATION = 0.005, 0.1  # a day, of a day's logarithm
RUNS = {28: 1_500, 56: 1_000, 90: 500}
QUICK = 150
VERDICTS = {TrendVerdict.GROWING, TrendVerdict.DECLINING}
Floats = NDArray[np.float64]


def growing(draw: Generator, days: int, *, dirty: bool) -> list[float | None]:
    """100 units a day, growing; dirty ones have weekends, 20 % gaps and 5 % tenfold days."""
    t = np.arange(days)
    values = 100 * (1 + GROWTH * t) * np.exp(draw.normal(0, DEVIATION, days))
    if not dirty:
        return list(values.tolist())
    values = values * np.where(t % 7 >= 5, 0.5, 1.0)
    known = draw.random(days) >= 0.2
    values = values * np.where(draw.random(days) < 0.05, 10.0, 1.0)
    return [float(value) if there else None for value, there in zip(values, known, strict=True)]


def flat(draw: Generator, days: int, correlation: float) -> list[float | None]:
    """100 units a day with stationary autocorrelated errors of the same deviation."""
    errors = np.empty(days)
    errors[0] = draw.normal(0, DEVIATION)
    for day in range(1, days):
        shock = draw.normal(0, DEVIATION * sqrt(1 - correlation**2))
        errors[day] = correlation * errors[day - 1] + shock
    return list((100 * np.exp(errors)).tolist())


def truth(days: int) -> float:
    """The true slope in percent of the median day."""
    return 100 * GROWTH / float(np.median(1 + GROWTH * np.arange(days)))


def errors_and_coverage(draw: Generator, days: int, runs: int) -> tuple[float, float, float]:
    """RMSE in percent a day, the share of intervals that hold the truth, and of growth found."""
    squares, held, found = [], 0, 0
    for _ in range(runs):
        made = trend(growing(draw, days, dirty=True), MONDAY)
        if made.percent is None:
            continue
        squares.append((made.percent.estimate - truth(days)) ** 2)
        low = -np.inf if made.percent.low is None else made.percent.low
        high = np.inf if made.percent.high is None else made.percent.high
        held += low <= truth(days) <= high
        found += made.verdict is TrendVerdict.GROWING
    return sqrt(float(np.mean(squares))), held / len(squares), found / runs


def false_verdicts(draw: Generator, days: int, correlation: float, runs: int) -> float:
    """In percent of flat series."""
    made = (trend(flat(draw, days, correlation), MONDAY) for _ in range(runs))
    return 100 * sum(each.verdict in VERDICTS for each in made) / runs


def breach(draw: Generator, runs: int, *, is_gauge: bool) -> float:
    """The share of clean series whose day of a limit is forecast within 20 %.

    The use of a counter adds up from 1 March to 3,000, which it truly reaches on day 23; the level
    of a gauge reaches 160 after 65 days.
    """
    days, first, close = 56, date(2027, 3, 1), 0
    level = 100 * (1 + GROWTH * np.arange(days, 2 * days))
    truly = 65.0 if is_gauge else float(np.argmax(np.cumsum(level) >= 3_000) + 1)
    for _ in range(runs):
        made = trend(growing(draw, days, dirty=False), MONDAY)
        limit = Decimal(160 if is_gauge else 3_000)
        found = days_to_limit(made, Decimal(0), limit, first, is_gauge=is_gauge)
        close += found.days is not None and abs(found.days - truly) <= 0.2 * truly
    return close / runs


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.trend", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer series")
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    draw = np.random.default_rng(chosen.seed)
    runs = {days: QUICK if chosen.quick else count for days, count in RUNS.items()}
    report = Report(f"Trend of use, seed {chosen.seed}")
    for days, most in ((28, 0.33), (56, 0.13)):
        report.section(f"{days} days with weekends, gaps and outliers ({runs[days]:,} series)")
        error, held, found = errors_and_coverage(draw, days, runs[days])
        report.judge("error of the slope, % a day", error, most)
        report.judge_least("98 % intervals that hold the slope", held, 0.94)
        if days == 56:
            report.judge_least("growth of .5 % a day found", found, 0.80)
    for days, count in runs.items():
        report.section(f"Flat series of {days} days ({count:,}) called growing or declining, %")
        for correlation, most in ((0.0, 4.0), (0.3, 6.5), (0.5, 6.5), (0.7, 8.0)):
            wrong = false_verdicts(draw, days, correlation, count)
            report.judge(f"correlation {correlation:g}", wrong, most)
    report.section(f"Days to a limit on clean series of 56 days ({runs[56]:,})")
    close = breach(draw, runs[56], is_gauge=False)
    report.judge_least("days of a counter within 20 % of the true one, share", close, 0.9)
    close = breach(draw, runs[56], is_gauge=True)
    report.say(f"- of a gauge, 65 days ahead: {100 * close:.1f} % within 20 %")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
