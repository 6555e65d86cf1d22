"""The MRR ledger as arithmetic: what happened to a customer's recurring revenue, day by day.

A customer's MRR is the sum of what the subscriptions charge a month. Its net change on a day is
one movement, whatever number of changes made it up: switching a plan is no churn, and an error put
right on the same day is no movement.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

ZERO = Decimal(0)


class Kind(StrEnum):
    """What a movement is; the last two take revenue away."""

    NEW = "new"
    REACTIVATION = "reactivation"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"

    @property
    def sign(self) -> int:
        return -1 if self in {Kind.CONTRACTION, Kind.CHURN} else 1


class Step(NamedTuple):
    """From the day `on`, a subscription charges `amount` a month."""

    on: date
    subscription: Hashable
    amount: Decimal


class Sums(NamedTuple):
    """What rows of one kind add up to: recurring revenue, and customers who pay."""

    amount: Decimal
    payers: int


class Movement(NamedTuple):
    """A row for the ledger; `before` and `after` are the customer's MRR around that day."""

    on: date
    kind: Kind
    amount: Decimal
    payers: int
    before: Decimal
    after: Decimal
    is_adjustment: bool = False


Place = tuple[date, Kind]
NOTHING = Sums(ZERO, 0)


def totals(steps: Iterable[Step]) -> Iterator[tuple[date, Decimal]]:
    """The customer's MRR at the end of each day with a step; steps come as they were recorded.

    Of two steps of one subscription on one day, the one recorded last holds.
    """
    charged: dict[Hashable, Decimal] = {}
    total = ZERO
    for day, of_day in groupby(sorted(steps, key=attrgetter("on")), key=attrgetter("on")):
        for step in of_day:
            total += step.amount - charged.get(step.subscription, ZERO)
            charged[step.subscription] = step.amount
        yield day, total


def derived(steps: Iterable[Step]) -> list[Movement]:
    """Every net movement of one customer in one currency, in order."""
    found = []
    before, paid = ZERO, False
    for day, after in totals(steps):
        if after != before:
            kind = _kind(before, after, paid=paid)
            payers = (after > 0) - (before > 0)
            found.append(Movement(day, kind, abs(after - before), payers, before, after))
        before, paid = after, paid or after > 0
    return found


def _kind(before: Decimal, after: Decimal, *, paid: bool) -> Kind:
    if not before:
        return Kind.REACTIVATION if paid else Kind.NEW
    if not after:
        return Kind.CHURN
    return Kind.EXPANSION if after > before else Kind.CONTRACTION


def missing(steps: Iterable[Step], booked: Mapping[Place, Sums]) -> list[Movement]:
    """The rows that make the ledger, now at `booked`, say what the steps say.

    A day and kind that has rows already is corrected by an adjustment, whose amount and count
    may be negative; nothing is missing where both agree, so booking twice changes nothing.
    """
    known = list(steps)
    wanted = {(each.on, each.kind): each for each in derived(known)}
    around = _around(known)
    rows = []
    for place in sorted(wanted.keys() | booked.keys()):
        target, has = wanted.get(place), booked.get(place, NOTHING)
        amount = (target.amount if target else ZERO) - has.amount
        payers = (target.payers if target else 0) - has.payers
        if amount or payers:
            day, kind = place
            before, after = around.get(day, (ZERO, ZERO))
            rows.append(Movement(day, kind, amount, payers, before, after, place in booked))
    return rows


def _around(steps: Iterable[Step]) -> dict[date, tuple[Decimal, Decimal]]:
    """MRR before and after each day with a step."""
    before, found = ZERO, {}
    for day, after in totals(steps):
        found[day] = (before, after)
        before = after
    return found
