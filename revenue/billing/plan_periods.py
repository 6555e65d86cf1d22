"""The plans of a customer during a month, from the changes of their subscriptions; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from itertools import groupby
from operator import attrgetter

from revenue.billing.periods import Month
from revenue.customers.plan_change import PlanChange
from revenue.pricing.calculation.invoice import PlanPeriod
from revenue.pricing.decimals import invalid


def overlapping_periods(changes: Sequence[PlanChange], span: Month) -> list[list[PlanPeriod]]:
    """The plan periods of a month, in one sequence for each subscription that runs in parallel.

    The first sequence starts with the oldest subscription, and carries the usage. A subscription
    that follows another joins its sequence. Of several changes on one day, the last is valid.
    Raises InvalidValues where one names no plan.
    """
    mine = sorted(changes, key=lambda each: (each.subscription, each.on))
    grouped = [list(rows) for _, rows in groupby(mine, key=attrgetter("subscription"))]
    found: list[list[PlanPeriod]] = []
    for rows in sorted(grouped, key=lambda rows: (rows[0].on, rows[0].subscription)):
        of_one = _of_one(rows, span)
        sequence = next((sequence for sequence in found if not _overlaps(sequence, of_one)), None)
        if sequence is not None:
            sequence += of_one
        elif of_one:
            found.append(of_one)
    return [_joined(sequence) for sequence in found]


def _overlaps(sequence: Sequence[PlanPeriod], more: Sequence[PlanPeriod]) -> bool:
    return any(
        one.active_from < other.active_to and other.active_from < one.active_to
        for one in sequence
        for other in more
    )


def _of_one(changes: Sequence[PlanChange], span: Month) -> list[PlanPeriod]:
    last = {each.on: each for each in changes}  # of one day, the one recorded last
    ends = [*(each.on for each in list(last.values())[1:]), date.max]
    found = []
    for each, next_on in zip(last.values(), ends, strict=True):
        start, end = max(each.on, span.start), min(next_on, span.end)
        if not each.amount or start >= end:
            continue
        if not each.plan:
            message = f"subscription {each.subscription} names no plan, so it cannot be rated"
            raise invalid("plan", "required", message)
        found.append(PlanPeriod(each.plan, start, end))
    return found


def _joined(sequence: Iterable[PlanPeriod]) -> list[PlanPeriod]:
    """In order; adjacent periods of one plan are joined."""
    rows: list[PlanPeriod] = []
    for each in sorted(sequence, key=attrgetter("active_from")):
        last = rows[-1] if rows else None
        if last and last.plan == each.plan and last.active_to == each.active_from:
            rows[-1] = replace(last, active_to=each.active_to)
        else:
            rows.append(each)
    return rows
