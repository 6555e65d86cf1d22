"""Forecasts of use on a bank of series: `python -m tests.benchmarks.forecasts [--python PATH]`.

For each kind of series, 91 days are known and the sum of the next 30 is forecast: how often the
90 % interval holds it, and how wide it is. PATH is the Python of an environment in which
statsforecast is installed; it is no requirement of this project. Its models get the same series,
and our width is compared with that of the narrowest that holds at least 87 %. Without it, the
coverage alone is judged.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from time import process_time

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from revenue.upsell.forecasting.daily_forecast import forecast_total
from tests.benchmarks.report import Report

Floats = NDArray[np.float64]
WORKER = Path(__file__).with_name("forecasts_worker.py")
KNOWN, AHEAD = 91, 30
SERIES, QUICK = 1_000, 100
LEAST, MOST = 87.0, 93.0
QUICK_MARGIN = 6.0  # two deviations of the coverage of 100 series
WIDER_THAN_PEER = 1.5
SEED = 7777  # of series that no constant of the forecasts was chosen by; 20260105 was
TIMEOUT_SECONDS = 7200


def poisson(draw: Generator, days: int) -> Floats:
    return draw.poisson(0.5, days).astype(float)


def zero_inflated(draw: Generator, days: int) -> Floats:
    return np.where(draw.random(days) < 0.3, draw.lognormal(3, 0.8, days), 0.0)


def bursts(draw: Generator, days: int) -> Floats:
    """A few units a day; on 6 % of days a burst begins, of several days and any height."""
    found, left, height = draw.poisson(2, days).astype(float), 0, 0.0
    for day in range(days):
        if not left and draw.random() < 0.06:
            left, height = 1 + int(draw.geometric(0.4)), draw.lognormal(3.5, 0.5)
        if left:
            found[day] += draw.poisson(height)
            left -= 1
    return found


def weekly(draw: Generator, days: int) -> Floats:
    factors = np.array([1.2, 1.3, 1.3, 1.2, 1.0, 0.4, 0.3])
    return 100 * factors[np.arange(days) % 7] * np.exp(draw.normal(0, 0.15, days))


def trend(draw: Generator, days: int) -> Floats:
    line = 100 + draw.uniform(-0.4, 1.5) * np.arange(days)
    return np.maximum(line + draw.normal(0, 12, days), 0)


def autoregression(draw: Generator, days: int) -> Floats:
    """Order one with 0.8, around 100."""
    found = np.empty(days)
    value = draw.normal(0, 8 / 0.6)
    for day, error in enumerate(draw.normal(0, 8, days)):
        value = 0.8 * value + error
        found[day] = value
    return np.maximum(100 + found, 0)


def random_walk(draw: Generator, days: int) -> Floats:
    return np.maximum(500 + np.cumsum(draw.normal(0, 5, days)), 0)


def level_shift(draw: Generator, days: int) -> Floats:
    """One change of level within the known days."""
    after = 100 * draw.uniform(0.4, 2.5)
    level = np.where(np.arange(days) < draw.integers(15, KNOWN - 14), 100, after)
    return np.maximum(level + draw.normal(0, 12, days), 0)


BANK: Mapping[str, Callable[[Generator, int], Floats]] = {
    "Poisson, 0.5 a day": poisson,
    "zero-inflated": zero_inflated,
    "bursts": bursts,
    "weekly": weekly,
    "trend": trend,
    "autoregression of 0.8": autoregression,
    "random walk": random_walk,
    "level shift": level_shift,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.forecasts")
    parser.add_argument("--python", metavar="PATH", help="Python with statsforecast installed")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} series a kind")
    parser.add_argument("--count", type=int, default=SERIES, help="series a kind")
    parser.add_argument("--seed", type=int, default=SEED, help="draws other series")
    chosen = parser.parse_args()
    report = Report("Forecasts of use")
    report.say(f"# {report.title}")
    if chosen.python is None:
        report.say("statsforecast: not installed (name its Python by --python PATH).")
    count = QUICK if chosen.quick else chosen.count
    run(report, chosen.python, count, seed=chosen.seed, quick=chosen.quick)
    return report.exit_code


def run(report: Report, python: str | None, count: int, *, seed: int, quick: bool) -> None:
    margin = QUICK_MARGIN if quick else 0.0
    for number, (kind, drawn) in enumerate(BANK.items()):
        draw = np.random.default_rng([seed, number])
        series = np.array([drawn(draw, KNOWN + AHEAD) for _ in range(count)])
        known, truth = series[:, :KNOWN], series[:, KNOWN:].sum(axis=1)
        begun = process_time()
        low, high = ours(known)
        took = (process_time() - begun) / count * 1000
        covered, width = judged(low, high, truth)
        report.judge_between(
            f"{kind}: coverage in %, {took:.1f} ms a series,",
            covered,
            LEAST - margin,
            MOST + margin,
        )
        if python is not None:
            compare(report, kind, width, peers(python, known, truth))


def ours(known: Floats) -> tuple[Floats, Floats]:
    found = [forecast_total(each, AHEAD) for each in known.tolist()]
    ends = [(each.low, each.high) for each in found if each is not None]
    if len(ends) < len(known):
        raise SystemExit("A series of the bank has no forecast.")
    return np.array(ends)[:, 0], np.array(ends)[:, 1]


def judged(low: Floats, high: Floats, truth: Floats) -> tuple[float, float]:
    """The share of outcomes in their intervals in percent, and the mean width."""
    inside = (low <= truth) & (truth <= high)
    return 100 * float(inside.mean()), float((high - low).mean())


def peers(python: str, known: Floats, truth: Floats) -> dict[str, tuple[float, float]]:
    """Coverage and width of each model of statsforecast; use is never below 0."""
    task = json.dumps({"series": known.tolist(), "ahead": AHEAD})
    done = subprocess.run(  # noqa: S603 - the Python that was named
        [python, str(WORKER)],
        input=task,
        capture_output=True,
        text=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
    )
    found = json.loads(done.stdout.strip().splitlines()[-1])
    return {
        name: judged(np.maximum(np.array(low), 0), np.maximum(np.array(high), 0), truth)
        for name, (low, high) in found.items()
    }


def compare(
    report: Report, kind: str, width: float, found: Mapping[str, tuple[float, float]]
) -> None:
    covering = {name: each for name, each in found.items() if each[0] >= LEAST}
    if not covering:
        report.say(f"  {kind}: no model of statsforecast holds {LEAST:g} %.")
        return
    best = min(covering, key=lambda name: covering[name][1])
    covered, narrowest = covering[best]
    report.judge(
        f"{kind}: width {width:.1f} beside {best} ({covered:.1f} %, {narrowest:.1f}), ratio",
        width / narrowest,
        WIDER_THAN_PEER,
    )


if __name__ == "__main__":
    sys.exit(main())
