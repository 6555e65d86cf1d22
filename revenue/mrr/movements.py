"""MRR movements: what happened to a customer's recurring revenue on each day; pure.

A customer's MRR is the sum of what the subscriptions charge a month. Its net change on a day is
one movement, however many changes made it up: switching plans is not churn, and an error corrected
on the same day is no movement.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from revenue.customers.plan_change import PlanChange

ZERO = Decimal(0)


class MovementKind(StrEnum):
    """Kinds of movements; contraction and churn reduce MRR."""

    NEW = "new"
    REACTIVATION = "reactivation"
    EXPANSION = "expansion"
    CONTRACTION = "contraction"
    CHURN = "churn"

    @property
    def sign(self) -> int:
        return -1 if self in {MovementKind.CONTRACTION, MovementKind.CHURN} else 1


class MovementSums(NamedTuple):
    """The sums of several movements: MRR, and the change in paying customers."""

    amount: Decimal
    payers: int

    def plus(self, amount: Decimal, payers: int) -> "MovementSums":
        return MovementSums(self.amount + amount, self.payers + payers)


class NetMovement(NamedTuple):
    """A row for the ledger; `before` and `after` are the customer's MRR around that day."""

    on: date
    kind: MovementKind
    amount: Decimal
    payers: int
    before: Decimal
    after: Decimal
    is_adjustment: bool = False


MovementKey = tuple[date, MovementKind]
NOTHING = MovementSums(ZERO, 0)


def daily_totals(changes: Iterable[PlanChange]) -> Iterator[tuple[date, Decimal]]:
    """The customer's MRR at the end of each day with a change; changes in the order of recording.

    Of two changes of one subscription on one day, the one recorded last is valid.
    """
    charged: dict[str, Decimal] = {}
    total = ZERO
    for day, of_day in groupby(sorted(changes, key=attrgetter("on")), key=attrgetter("on")):
        for change in of_day:
            total += change.amount - charged.get(change.subscription, ZERO)
            charged[change.subscription] = change.amount
        yield day, total


def derive(changes: Iterable[PlanChange]) -> list[NetMovement]:
    """Every net movement of one customer in one currency, in order."""
    found = []
    before, paid = ZERO, False
    for day, after in daily_totals(changes):
        if after != before:
            kind = _kind(before, after, paid=paid)
            payers = (after > 0) - (before > 0)
            found.append(NetMovement(day, kind, abs(after - before), payers, before, after))
        before, paid = after, paid or after > 0
    return found


def _kind(before: Decimal, after: Decimal, *, paid: bool) -> MovementKind:
    if not before:
        return MovementKind.REACTIVATION if paid else MovementKind.NEW
    if not after:
        return MovementKind.CHURN
    return MovementKind.EXPANSION if after > before else MovementKind.CONTRACTION


def missing(
    changes: Iterable[PlanChange], booked: Mapping[MovementKey, MovementSums]
) -> list[NetMovement]:
    """The rows that bring the ledger, now at `booked`, in line with the changes.

    A day and kind that has rows already gets an adjustment, whose amount and count may be negative.
    Nothing is missing where both agree, so booking twice changes nothing.
    """
    known = list(changes)
    wanted = {(each.on, each.kind): each for each in derive(known)}
    around = _around(known)
    rows = []
    for key in sorted(wanted.keys() | booked.keys()):
        target, has = wanted.get(key), booked.get(key, NOTHING)
        amount = (target.amount if target else ZERO) - has.amount
        payers = (target.payers if target else 0) - has.payers
        if amount or payers:
            day, kind = key
            before, after = around.get(day, (ZERO, ZERO))
            rows.append(NetMovement(day, kind, amount, payers, before, after, key in booked))
    return rows


def _around(changes: Iterable[PlanChange]) -> dict[date, tuple[Decimal, Decimal]]:
    """MRR before and after each day with a change."""
    before, found = ZERO, {}
    for day, after in daily_totals(changes):
        found[day] = (before, after)
        before = after
    return found
