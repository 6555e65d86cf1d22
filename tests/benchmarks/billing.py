"""Random customer histories against a day-by-day oracle: `python -m tests.benchmarks.billing`.

Each history (plan changes, trials, free and paused spans, coupons, quantities, intervals from a
week to a year, side by side subscriptions, merges, backdated changes, late use) is played through
the services over 18 months, every month is issued, and the sum of its invoices less the credit
left is compared with the oracle's exact fractions, to the cent.
"""

import argparse
import sys
from time import perf_counter

import numpy as np

from tests.benchmarks.database import database
from tests.benchmarks.report import Report

HISTORIES, QUICK = 2_000, 60
SEED = 20260105
LISTED = 10


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.billing")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK} histories")
    parser.add_argument("--first", type=int, default=0, help="the number of the first history")
    parser.add_argument("--count", type=int, default=HISTORIES, help="how many histories")
    chosen = parser.parse_args()
    report = Report("Billing benchmark")
    report.say(f"# {report.title}")
    with database():
        run(report, chosen.first, QUICK if chosen.quick else chosen.count)
    return report.exit_code


def run(report: Report, first: int, count: int) -> None:
    from revenue.billing.models import Invoice  # noqa: PLC0415 - Django is set up only now
    from tests.revenue.billing.histories import random_history  # noqa: PLC0415
    from tests.revenue.billing.history_runner import Player, publish_prices  # noqa: PLC0415

    publish_prices()
    wrong, begun = [], perf_counter()
    for number in range(first, first + count):
        player = Player.of(number, random_history(np.random.default_rng([SEED, number])))
        player.play()
        billed, cost = player.was_billed(), player.costs()
        if billed != cost:
            wrong.append(f"history {number}: billed {float(billed):.2f}, cost {float(cost):.2f}")
    for each in wrong[:LISTED]:
        report.say(each)
    report.say(f"{Invoice.objects.count():,} invoices in {perf_counter() - begun:.0f} s.")
    report.judge(f"histories of {count:,} that differ from the oracle:", len(wrong), 0)


if __name__ == "__main__":
    sys.exit(main())
