"""Random histories of customers: what happened, and when it became known.

Each event sets every term, so that the oracle needs no rule about what a change leaves as it was.
"""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

FIRST = date(2024, 1, 1)
MONTHS = 18
DAYS = 540  # in which something happens
INTERVALS = ("month", "month", "month", "quarter", "half_year", "year", "week")
PLANS = ("small", "large")
LIST_PRICES = {"small": 40, "large": 90}
READINGS = {"seats": 30, "peak": 90, "load": 50}  # the highest; some months have none
METRICS = ("calls", *READINGS)


@dataclass(frozen=True)
class Event:
    """The terms of a subscription from `on`; known from `recorded` on."""

    subscription: int
    on: date
    recorded: date
    state: str
    plan: str
    basis: str
    price: Decimal
    interval: str
    quantity: int
    coupon_percent: int = 0
    coupon_until: date | None = None
    trial_until: date | None = None
    coupon_amount: Decimal = Decimal(0)


@dataclass(frozen=True)
class DayUse:
    record: int
    metric: str
    day: date
    recorded: date
    quantity: int


@dataclass
class History:
    """A customer of one or two records, merged on `merged` into the first."""

    owners: list[int] = field(default_factory=list)  # by subscription, its record
    events: list[Event] = field(default_factory=list)
    use: list[DayUse] = field(default_factory=list)
    records: int = 1
    merged: date | None = None


def random_history(random: np.random.Generator) -> History:
    found = History(records=1 + int(random.random() < 0.3))
    if found.records > 1:
        found.merged = FIRST + timedelta(days=int(random.integers(60, 380)))
    for record in range(found.records):
        for _ in range(1 + int(random.random() < 0.35)):
            found.owners.append(record)
            found.events += _life(random, len(found.owners) - 1)
        found.use += _use(random, record, found)
    return found


def _late(random: np.random.Generator, on: date, most: int = 100) -> date:
    """Often known at once, sometimes weeks later."""
    late = int(random.integers(1, most)) if random.random() < 0.3 else 0
    return min(on + timedelta(days=late), FIRST + timedelta(days=DAYS))


def _life(random: np.random.Generator, subscription: int) -> list[Event]:
    on = FIRST + timedelta(days=int(random.integers(0, 300)))
    found = [_terms(random, subscription, on, is_first=True)]
    for _ in range(int(random.integers(0, 5))):
        on += timedelta(days=int(random.integers(1, 130)))
        if on >= FIRST + timedelta(days=DAYS):
            break
        found.append(_terms(random, subscription, on))
    if random.random() < 0.3 and on + timedelta(days=40) < FIRST + timedelta(days=DAYS):
        on += timedelta(days=int(random.integers(1, 40)))
        # an end is recorded after every change
        known = max([_late(random, on), *(each.recorded for each in found)])
        found.append(Event(subscription, on, known, "ended", "", "", Decimal(0), "month", 1))
    start = found[0].recorded
    return [
        each if each.recorded >= start else Event(**{**each.__dict__, "recorded": start})
        for each in found
    ]


def _terms(
    random: np.random.Generator, subscription: int, on: date, *, is_first: bool = False
) -> Event:
    state = str(random.choice(["active", "active", "active", "trial", "free", "paused"]))
    if is_first and state == "paused":
        state = "active"
    plan, interval = PLANS[int(random.integers(2))], INTERVALS[int(random.integers(7))]
    basis = "list" if random.random() < 0.4 else "negotiated"
    price = Decimal(int(random.integers(0, 200_000))).scaleb(-2)
    coupon = int(random.choice([0, 0, 0, 10, 33, 100]))
    until = on + timedelta(days=int(random.integers(1, 200)))
    off = Decimal(0)
    if not coupon and random.random() < 0.25:  # often more than the fee
        off = Decimal(int(random.integers(1, 60_000))).scaleb(-2)
    return Event(
        subscription,
        on,
        _late(random, on),
        state,
        plan,
        basis,
        price,
        interval,
        int(random.integers(1, 4)),
        coupon,
        until if (coupon or off) and random.random() < 0.7 else None,
        on + timedelta(days=int(random.integers(1, 60))) if state == "trial" else None,
        off,
    )


def _use(random: np.random.Generator, record: int, found: History) -> list[DayUse]:
    if random.random() < 0.2:
        return []
    rows = []
    for place in range(DAYS):
        day = FIRST + timedelta(days=place)
        if random.random() < 0.25:
            known = _late(random, day, 80)
            rows.append(DayUse(record, "calls", day, known, int(random.integers(0, 2_000))))
        for metric, most in READINGS.items():
            if random.random() < 0.01:
                value = int(random.integers(1, most))
                rows.append(DayUse(record, metric, day, _late(random, day, 80), value))
    return rows
