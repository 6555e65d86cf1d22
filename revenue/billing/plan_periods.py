"""Which plan a customer was on, and when, as the changes of subscriptions tell; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import groupby
from operator import attrgetter
from typing import NamedTuple

from revenue.billing.periods import Month
from revenue.pricing.calculation.invoice import PlanPeriod
from revenue.pricing.decimals import FieldProblem, InvalidValues


class Step(NamedTuple):
    """From `on`, a subscription is of `plan` and brings `amount`; 0 is paused or over."""

    subscription: str
    on: date
    plan: str
    amount: Decimal


def lanes(steps: Sequence[Step], span: Month) -> list[list[PlanPeriod]]:
    """The plans of a month, one after the other; subscriptions that run at once, side by side.

    The first lane begins with the subscription that began first, and carries the use. One that
    follows another stands in its lane. Steps come as they were recorded: of several on one day,
    the last holds. Raises Wrong where one has no plan.
    """
    mine = sorted(steps, key=lambda each: (each.subscription, each.on))
    grouped = [list(rows) for _, rows in groupby(mine, key=attrgetter("subscription"))]
    found: list[list[PlanPeriod]] = []
    for rows in sorted(grouped, key=lambda rows: (rows[0].on, rows[0].subscription)):
        of_one = _of_one(rows, span)
        lane = next((lane for lane in found if not _overlaps(lane, of_one)), None)
        if lane is not None:
            lane += of_one
        elif of_one:
            found.append(of_one)
    return [_joined(lane) for lane in found]


def _overlaps(lane: Sequence[PlanPeriod], more: Sequence[PlanPeriod]) -> bool:
    return any(
        one.active_from < other.active_to and other.active_from < one.active_to
        for one in lane
        for other in more
    )


def _of_one(steps: Sequence[Step], span: Month) -> list[PlanPeriod]:
    last = {each.on: each for each in steps}  # of a day, the one recorded last
    ends = [*(each.on for each in list(last.values())[1:]), date.max]
    found = []
    for each, next_on in zip(last.values(), ends, strict=True):
        start, end = max(each.on, span.start), min(next_on, span.end)
        if not each.amount or start >= end:
            continue
        if not each.plan:
            message = f"subscription {each.subscription} names no plan, so it cannot be rated"
            raise InvalidValues(FieldProblem("plan", "required", message))
        found.append(PlanPeriod(each.plan, start, end))
    return found


def _joined(lane: Iterable[PlanPeriod]) -> list[PlanPeriod]:
    """In order; neighbours on one plan are one stay."""
    rows: list[PlanPeriod] = []
    for each in sorted(lane, key=attrgetter("active_from")):
        last = rows[-1] if rows else None
        if last and last.plan == each.plan and last.active_to == each.active_from:
            rows[-1] = replace(last, active_to=each.active_to)
        else:
            rows.append(each)
    return rows
