"""The MRR bridge over a million movements: `python -m tests.benchmarks.mrr [--quick]`.

Random customers subscribe, grow, shrink, leave and come back over two years. Our movements go
into a database of their own; the bridge adds them up there. A lower bound that keeps no ledger
recomputes every customer's MRR at each month's end from the subscription changes; another adds
the same rows as floats. Closing MRR and movements must agree to the last millionth.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

import numpy as np

from revenue.customers.billing_interval import months_before
from revenue.customers.plan_change import PlanChange
from revenue.mrr.bridge import Bridge
from revenue.mrr.movements import MovementKind, NetMovement, derive
from tests.benchmarks.report import Report

MOVEMENTS, QUICK = 1_000_000, 20_000
FIRST, LAST = date(2024, 1, 1), date(2025, 12, 31)
DAYS = (LAST - FIRST).days + 1
COLUMNS = (
    "customer_id",
    "currency",
    "on",
    "effective_on",
    "kind",
    "amount",
    "payers",
    "before",
    "after",
    "cause",
    "is_adjustment",
    "booked_at",
)
CUSTOMERS_AT_ONCE = 10_000
ASKED = 5.0  # seconds for one bridge over all of them
PARTS = 1.0  # seconds for the bridges of all segments


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.mrr")
    parser.add_argument("--quick", action="store_true", help="fewer movements")
    chosen = parser.parse_args()
    report = Report("MRR bridge benchmark")
    report.say(f"# {report.title}")
    with tempfile.TemporaryDirectory(prefix="aethercrown-mrr-") as folder:
        database(folder)
        run(report, QUICK if chosen.quick else MOVEMENTS)
    return report.exit_code


def database(folder: str) -> None:
    """An SQLite file of this run's own, whatever the environment names."""
    os.environ.pop("DATABASE_URL", None)
    os.environ |= {
        "DJANGO_SETTINGS_MODULE": "aethercrown.settings",
        "DATA_DIR": folder,
        "SECRET_KEY": "only-for-benchmarks-" + "x" * 50,
        "API_KEY_PEPPER": "only-for-benchmarks-" + "y" * 50,
    }
    import django  # noqa: PLC0415 - the environment must be set first
    from django.core.management import call_command  # noqa: PLC0415

    django.setup()
    call_command("migrate", verbosity=0)


def histories(count: int) -> tuple[list[list[PlanChange]], list[list[NetMovement]], float]:
    """Customers' steps until they make `count` movements, those, and the seconds to derive them."""
    random = np.random.default_rng(20260105)
    steps: list[list[PlanChange]] = []
    moved: list[list[NetMovement]] = []
    found, spent = 0, 0.0
    while found < count:
        life = list(_life(random))
        begun = perf_counter()
        every = derive(life)
        spent += perf_counter() - begun
        rows = every[: count - found]
        if len(rows) < len(every):
            life = [each for each in life if each.on <= rows[-1].on]
        steps.append(life)
        moved.append(rows)
        found += len(rows)
    return steps, moved, spent


def _life(random: np.random.Generator) -> Iterator[PlanChange]:
    """Two subscriptions with changes on random days, in cents and in finer parts."""
    for which in (1, 2):
        days = np.sort(random.integers(0, DAYS, size=int(random.integers(1, 8))))
        for day in days:
            millionths = int(random.integers(0, 500_000)) * int(random.choice((1, 10_000)))
            amount = Decimal(0) if random.random() < 0.15 else Decimal(millionths).scaleb(-6)
            yield PlanChange(FIRST + timedelta(days=int(day)), str(which), amount)


def store(moved: list[list[NetMovement]]) -> None:
    from django.db import connection, transaction  # noqa: PLC0415

    places = ", ".join(["%s"] * len(COLUMNS))
    named = ", ".join(f'"{each}"' for each in COLUMNS)
    people = (
        "INSERT INTO revenue_customer (id, external_id, name, segment, size, owner, currency,"
        " time_zone, created_at) VALUES (%s, %s, %s, %s, '', '', 'USD', 'UTC', '2024-01-01')"
    )
    movements = f"INSERT INTO revenue_mrrmovement ({named}) VALUES ({places})"  # noqa: S608 - names from above
    with transaction.atomic(), connection.cursor() as cursor:
        names = ((n, f"c{n}", f"c{n}", f"segment {n % 5}") for n in range(1, len(moved) + 1))
        cursor.executemany(people, list(names))
        for start in range(0, len(moved), CUSTOMERS_AT_ONCE):
            part = moved[start : start + CUSTOMERS_AT_ONCE]
            cursor.executemany(movements, list(_rows(part, start + 1)))


def _rows(moved: list[list[NetMovement]], first: int) -> Iterator[tuple[Any, ...]]:
    for number, rows in enumerate(moved, start=first):
        for each in rows:
            on = each.on.isoformat()
            sums = [int(value * 1_000_000) for value in (each.amount, each.before, each.after)]
            yield (
                number, "USD", on, on, each.kind.value, sums[0], each.payers,
                sums[1], sums[2], "imported", False, "2026-01-01",
            )  # fmt: skip


def recomputed(steps: list[list[PlanChange]]) -> dict[date, tuple[Decimal, int]]:
    """The lower bound without a ledger: MRR and payers at each month's end, from the agreements."""
    ends = {}
    month = FIRST
    while month <= LAST:
        following = months_before(month, -1)
        total, payers = Decimal(0), 0
        for life in steps:
            charged: dict[object, Decimal] = {}
            for step in sorted(life, key=lambda each: each.on):
                if step.on < following:
                    charged[step.subscription] = step.amount
            mrr = sum(charged.values(), Decimal(0))
            total += mrr
            payers += mrr > 0
        ends[month] = (total, payers)
        month = following
    return ends


def as_floats(moved: list[list[NetMovement]]) -> dict[date, float]:
    """The lower bound that adds floats in the order of the rows."""
    ends: dict[date, float] = {}
    total, month = 0.0, FIRST
    for each in sorted((row for rows in moved for row in rows), key=lambda row: row.on):
        while each.on >= months_before(month, -1):
            ends[month], month = total, months_before(month, -1)
        total += each.kind.sign * float(each.amount)
    while month <= LAST:
        ends[month], month = total, months_before(month, -1)
    return ends


def run(report: Report, count: int) -> None:
    from revenue.mrr import reports  # noqa: PLC0415 - Django is ready only now
    from revenue.mrr.services.rollups import roll_up  # noqa: PLC0415

    steps, moved, spent = histories(count)
    store(moved)
    report.section(f"{count:,} movements of {len(moved):,} customers, 24 months")
    bridges, ours = _timed(lambda: reports.bridge("USD", FIRST, LAST))
    every, slow = _timed(lambda: reports.bridges_by_segment("USD", FIRST, LAST))
    _, summing = _timed(lambda: roll_up(now=datetime.now(UTC)))
    parts, split = _timed(lambda: reports.bridges_by_segment("USD", FIRST, LAST))
    _, daily = _timed(lambda: roll_up(now=datetime.now(UTC)))
    truth, again = _timed(lambda: recomputed(steps))
    floats, loose = _timed(lambda: as_floats(moved))
    wrong = sum(truth[each.starts_on] != (each.closing, each.payers_closing) for each in bridges)
    off = sum(round(Decimal(floats[each.starts_on]), 6) != each.closing for each in bridges)
    report.table(
        ("method", "seconds", "closings that differ by a millionth or more, of 24"),
        [
            ("our bridge, summed by the database", f"{ours:.2f}", wrong),
            ("our bridge of each of 5 segments, from monthly sums", f"{split:.2f}", ""),
            ("the same without them, from every row", f"{slow:.2f}", ""),
            ("making the monthly sums, once", f"{summing:.2f}", ""),
            ("bringing them up to date, nothing new", f"{daily:.2f}", ""),
            ("recomputing MRR from the agreements (Decimal)", f"{again:.2f}", 0),
            ("adding the same rows as floats", f"{loose:.2f}", off),
        ],
    )
    report.say(f"Movements derived a second, one core: {count / spent:,.0f}")
    report.say()
    report.judge("closings that differ", wrong, 0)
    report.judge("months whose movements differ row by row", _moves_wrong(bridges, moved), 0)
    report.judge("months whose segments do not add up", _parts_wrong(bridges, parts), 0)
    report.judge("segments that differ from every row", sum(parts[e] != every[e] for e in every), 0)
    report.judge("seconds for a bridge", ours, ASKED)
    report.judge("seconds for the bridges of all segments", split, PARTS)


def _moves_wrong(bridges: list[Bridge], moved: list[list[NetMovement]]) -> int:
    """Months in which a kind's sum differs from adding the derived rows one by one."""
    sums: dict[tuple[date, MovementKind], Decimal] = {}
    for rows in moved:
        for each in rows:
            place = (each.on.replace(day=1), each.kind)
            sums[place] = sums.get(place, Decimal(0)) + each.amount
    return sum(
        any(one.amount(kind) != sums.get((one.starts_on, kind), 0) for kind in MovementKind)
        for one in bridges
    )


def _parts_wrong(bridges: list[Bridge], parts: dict[str, list[Bridge]]) -> int:
    months = zip(bridges, *parts.values(), strict=True)
    return sum(one.closing != sum(each.closing for each in rest) for one, *rest in months)


def _timed(work: Any) -> tuple[Any, float]:
    begun = perf_counter()
    return work(), perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
