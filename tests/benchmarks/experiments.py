"""Watched tests, simulated: `python -m tests.benchmarks.experiments [--quick] [--runs N] [...]`.

Wrong claims among equal arms, visitors to a winner, sample ratio, revenue, campaigns, promises,
delays and drift, through a numpy twin of the engine that a test holds equal to it (1e-12).
`--only SECTION` prints one table, `--runs N` takes that many tests a row (the goals ask 20,000 for
the wrong claims; the default is fewer), `--seed N` others.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from marketing.experiments.engine.claims import EVEN
from marketing.experiments.engine.decision import DecisionPlan
from marketing.experiments.engine.mismatch import Segment
from tests.benchmarks import (
    experiments_delays,
    experiments_promise,
    experiments_ratio,
    experiments_revenue,
)
from tests.benchmarks.experiments_twin import NEVER, Ints
from tests.benchmarks.experiments_walks import (
    Outcome,
    Scenario,
    equal_rates,
    fixed_weights,
    lifted,
    run,
)
from tests.benchmarks.report import Report

LOOKS = 200
RATES = (0.002, 0.005, 0.01, 0.05, 0.2, 0.5)
ARMS = {
    "2 arms": ((1, 1), 200),
    "3 arms": ((1, 1, 1), 300),
    "4 arms": ((1, 1, 1, 1), 400),
    "5 arms": ((1, 1, 1, 1, 1), 500),
    ".1/.9": ((1, 9), 1_000),
}
SPEEDS = {  # lift, rate: looks every, median and 80 % asked, GrowthBook's as measured
    "10 % on 5 %": (0.1, 0.05, 500, 31_000, 52_000),
    "50 % on 1 %": (0.5, 0.01, 250, 11_500, 16_500),
    "20 % on 2 %": (0.2, 0.02, 500, 23_000, 37_000),
    "10 % on 20 %": (0.1, 0.2, 150, 6_600, 11_500),
}
PLANTED = ((Segment("browser", "Safari"), 0.25), (Segment("source", "python 1.0"), 0.2))
LONGEST = 160_000  # visitors per arm after which a test counts as undecided
ENOUGH_FOR_A_BOUND = 2_000
CAMPAIGN = DecisionPlan(effect=0.2, shares=EVEN, min_sample_size=50)


def upper_bound(found: int, of: int) -> float:
    """The 99 % upper bound of a share, in percent (Clopper and Pearson)."""
    from scipy.special import betaincinv  # noqa: PLC0415 - slow to import

    return 100 * float(betaincinv(found + 1, of - found, 0.99)) if found < of else 100.0


def percent(looks: Ints) -> float:
    return 100 * float((looks != NEVER).mean())


def wrong_claims(report: Report, runs: int, seed: int) -> None:
    """Table A: equal arms, a look after every batch."""
    report.section(f"Wrong claims on equal arms, {LOOKS} looks, {runs} tests a row, percent")
    rows = []
    for name, (weights, batch) in ARMS.items():
        for rate in RATES:
            scenario = Scenario(
                equal_rates(rate, len(weights)), fixed_weights(*weights), batch, LOOKS
            )
            found = run(scenario, runs, seed)
            wrong = int((found.first_claim != NEVER).sum())
            rows.append((name, f"{rate:.1%}", *_figures(found), f"{upper_bound(wrong, runs):.2f}"))
            _judge_share(report, f"any wrong claim, {name} at {rate:.1%}", wrong, runs)
    report.table(
        ("arms", "rate", "winner", "any claim", "GrowthBook", "+ 25 conv.", "peeked z", "bound"),
        rows,
    )


def _judge_share(report: Report, what: str, wrong: int, runs: int) -> None:
    """By the upper bound; few tests show no more than that a share is not surely too large."""
    if runs >= ENOUGH_FOR_A_BOUND:
        report.judge(f"{what}, 99 % upper bound", upper_bound(wrong, runs), 5)
    else:
        report.judge(f"{what}, 99 % lower bound", 100 - upper_bound(runs - wrong, runs), 5)


def _figures(found: Outcome) -> list[str]:
    columns = (
        found.first_winner,
        found.first_claim,
        found.first_of_peer,
        found.first_of_peer_with_conversions,
        found.first_of_peeked_z,
    )
    return [f"{percent(each):.2f}" for each in columns]


def speed(report: Report, runs: int, seed: int) -> None:
    """Table B: visitors per arm to a winner."""
    report.section(f"Visitors per arm to a winner, median and 80 %, {runs} tests a row")
    rows = []
    for name, (lift, rate, step, median, most) in SPEEDS.items():
        for variants, lifts in (("one variant", (lift,)), ("three variants", (lift, 0.0, 0.0))):
            scenario = Scenario(
                lifted(rate, *lifts), fixed_weights(*[1] * (len(lifts) + 1)),
                step * (len(lifts) + 1), LONGEST // step, stops=True,
            )  # fmt: skip
            at = _at_win(run(scenario, runs, seed))
            rows.append((name, variants, f"{at[0]:,.0f}", f"{at[1]:,.0f}"))
            if variants == "one variant":
                report.judge(f"{name}, median", at[0], median)
                report.judge(f"{name}, 80 %", at[1], most)
    report.table(("true lift", "variants", "median", "80 %"), rows)
    _ramped(report, runs, seed)


def _at_win(found: Outcome) -> tuple[float, float]:
    at = np.where(np.isnan(found.visitors_at_win) | (found.won < 1), np.inf, found.visitors_at_win)
    return float(np.quantile(at, 0.5, method="higher")), float(
        np.quantile(at, 0.8, method="higher")
    )


def _ramped(report: Report, runs: int, seed: int) -> None:
    """New weights every 4,000 visitors of both arms, .3 to .7."""
    unchanged = Scenario(lifted(0.05, 0.1), fixed_weights(1, 1), 1_000, 240, stops=True)
    ramp = (0.3, 0.4, 0.5, 0.6, 0.7, 0.6, 0.5, 0.4)
    ramped = replace(
        unchanged,
        weights=lambda look: (1 - ramp[look // 4 % len(ramp)], ramp[look // 4 % len(ramp)]),
    )
    plain, changed = (_at_win(run(each, runs, seed))[0] for each in (unchanged, ramped))
    report.judge(
        "new weights every 4,000 visitors, times the unchanged median", changed / plain, 1.2
    )


def ratio(report: Report, runs: int, seed: int) -> None:
    """Table D: sample ratio mismatch."""
    report.section(f"Sample ratio mismatch, {runs} tests a row")
    equal = {"2 arms": (0.5, 0.5), "4 arms": (0.25,) * 4, ".1/.9": (0.1, 0.9)}
    rows = []
    for name, weights in equal.items():
        found = experiments_ratio.watch(weights, weights, runs, seed)
        rows.append(
            (name, f"{percent(found.first_alarm):.2f}", f"{percent(found.first_of_chi_square):.2f}")
        )
        report.judge(f"false alarms, {name}, percent", percent(found.first_alarm), 1)
    report.table(("weights", "false alarm %", "watched chi-square %"), rows)
    found = experiments_ratio.watch((0.5, 0.5), (0.52, 0.48), runs, seed)
    report.judge("52/48: median visitors to the alarm", found.visitors(), 8_000)
    found = experiments_ratio.watch((0.5, 0.5), (0.55, 0.45), runs, seed)
    report.say(f"- 55/45: {found.visitors():,.0f} visitors")
    for planted, lost in PLANTED:
        cause = experiments_ratio.cause_named(planted, lost, max(40, runs // 10), seed)
        what = f"{planted.value} loses {lost:.0%}: named within as many visitors again, percent"
        report.judge_least(what, 100 * cause.soon, 95)
        report.say(f"- at the alarm itself {100 * cause.at_alarm:.0f} % of {cause.alarms}")


def revenue(report: Report, runs: int, seed: int) -> None:
    """Table E: revenue per visitor."""
    report.section(f"Revenue, {runs} tests a row, percent")
    rows = []
    for rate in (0.005, 0.02, 0.1):
        for sigma in (0.5, 1.0, 2.0):
            found = experiments_revenue.watch(rate, sigma, 0.0, capped=True, runs=runs, seed=seed)
            figures = [
                100 * each / runs for each in (found.winners, found.losers, found.relative_claims)
            ]
            rows.append((f"{rate:.1%}", sigma, *(f"{each:.2f}" for each in figures)))
            report.judge(f"wrong winners, {rate:.1%}, sigma {sigma}", figures[0], 5)
    report.table(("conversion", "sigma", "winner", "loser", "relative difference"), rows)
    found = experiments_revenue.watch(0.02, 1.0, 0.4, capped=True, runs=runs, seed=seed)
    report.judge_least(
        "+40 % on 2 % found by 20,000 per arm, percent", 100 * found.winners / runs, 80
    )


def campaigns(report: Report, runs: int, seed: int) -> None:
    """Table F: hold-outs of campaigns."""
    report.section(f"Campaign hold-outs, {runs} tests a row, percent")
    rows = []
    for rate in (0.05, 0.1, 0.2, 0.4):
        for users, looks in ((3_000, 12), (12_000, 84)):
            scenario = Scenario(
                equal_rates(rate, 2), fixed_weights(1, 9), users // looks, looks, CAMPAIGN
            )
            wrong = percent(run(scenario, runs, seed).first_claim)
            rows.append((f"{rate:.0%}", f"{users:,}", f"{wrong:.2f}"))
            report.judge(f"wrong claims at {rate:.0%}, {users:,} users", wrong, 5)
    report.table(("churn", "users", "claims"), rows)
    for held_out, users in ((0.1, 8_000), (0.2, 8_000), (0.5, 4_000)):
        scenario = Scenario(
            lambda _look: (0.2, 0.15),
            fixed_weights(held_out, 1 - held_out),
            users // 40,
            40,
            CAMPAIGN,
        )
        found = run(scenario, runs, seed)
        report.say(f"- 20 % to 15 %, {held_out:.0%} of {users:,} held out: helps in "
                   f"{100 * float((found.won == 0).mean()):.0f} %")  # fmt: skip


def promises(report: Report, runs: int, seed: int) -> None:
    """Table C: limits and promises."""
    report.section(f"Promises and limits, {runs} tests a row")
    rows = []
    for lift in (0.03, 0.05, 0.1, 0.2, 0.4):
        found = experiments_promise.coverage(lift, LOOKS, runs, seed)
        held = 100 * found.held / max(1, found.winners)
        rows.append(
            (f"{lift:.0%}", found.winners, f"{held:.1f}", f"{100 * found.missed / runs:.2f}")
        )
        if lift >= 0.05:
            report.judge_least(f"promise held at a true lift of {lift:.0%}, percent", held, 90)
        report.judge(f"limits ever wrong at {lift:.0%}, percent", 100 * found.missed / runs, 5)
    report.table(("true lift on 5 %", "winners", "promise held %", "limits ever wrong %"), rows)
    families = []
    for family in experiments_promise.FAMILIES:
        errors = experiments_promise.estimate_errors(family, runs, 60, seed)
        figures = (errors.raw, errors.alone, errors.after_ten)
        families.append((family, errors.winners, *(f"{each:+.1f}" for each in figures)))
        report.judge(f"mean error after ten tests, {family}, points", abs(errors.after_ten), 3)
    report.table(("true effects", "winners", "raw", "shrunk alone", "after ten tests"), families)


def delays(report: Report, runs: int, seed: int) -> None:
    """A variant that is only faster; rates that drift under changing weights."""
    report.section(f"Delays and drift, {runs} tests a row, percent")
    rows = []
    for fast in (1.0, 0.1):
        found = experiments_delays.watch((3.0, fast), min(runs, 1_000), seed)
        closed, so_far = (100 * each / found.runs for each in (found.closed, found.so_far))
        rows.append((f"mean delay 3 and {fast:g} days", f"{closed:.2f}", f"{so_far:.1f}"))
        report.judge(f"false winners on closed exposures, delays 3 and {fast:g} days", closed, 5)
    report.table(("equal rates", "closed", "so far"), rows)
    drifting = Scenario(
        lambda look: (0.05 + 0.04 * float(np.sin(look / 15)),) * 2,
        lambda look: ((0.9, 0.1), (0.5, 0.5), (0.3, 0.7))[look // 10 % 3],
        400, LOOKS,
    )  # fmt: skip
    drifted = run(drifting, runs, seed)
    report.judge(
        "wrong claims, rate 1 to 9 % under changing weights", percent(drifted.first_claim), 5
    )
    report.say(f"- a watched z test on pooled counts: {percent(drifted.first_of_peeked_z):.0f} %")


SECTIONS: dict[str, tuple[Callable[[Report, int, int], None], int, int]] = {
    "wrong_claims": (wrong_claims, 2_000, 100),
    "speed": (speed, 2_000, 100),
    "ratio": (ratio, 2_000, 100),
    "revenue": (revenue, 1_000, 60),
    "campaigns": (campaigns, 2_000, 100),
    "promises": (promises, 1_000, 100),
    "delays": (delays, 1_000, 60),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables; 1 where a figure missed its goal."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.experiments", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few tests a row")
    parser.add_argument("--runs", type=int, help="tests a row instead of each section's own number")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="just this table")
    parser.add_argument("--seed", type=int, default=2027)
    chosen = parser.parse_args(arguments)
    report = Report("Experiments")
    for name in chosen.only or SECTIONS:
        table, usual, quick = SECTIONS[name]
        started = time.process_time()
        partial(table, report)(chosen.runs or (quick if chosen.quick else usual), chosen.seed)
        report.say(f"{name}: {time.process_time() - started:.1f} CPU s")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
