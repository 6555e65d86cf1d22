"""Which plan a customer was on, and when, as the changes of subscriptions tell; pure."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from itertools import groupby, pairwise
from operator import attrgetter
from typing import NamedTuple

from revenue.billing.months import Month
from revenue.pricing.exact import Problem, Wrong
from revenue.pricing.invoice import Stay


class Step(NamedTuple):
    """From `on`, a subscription is of `plan` and brings `amount`; 0 is paused or over."""

    subscription: str
    on: date
    plan: str
    amount: Decimal


def stays(steps: Sequence[Step], span: Month) -> list[Stay]:
    """The plans of a month, one after the other; none where nothing was paid for.

    Steps come as they were recorded: of several on one day, the last holds. Raises Wrong where
    two subscriptions run at once, for each would bill the same use, and where one has no plan.
    """
    found = []
    mine = sorted(steps, key=lambda each: (each.subscription, each.on))
    for key, rows in groupby(mine, key=attrgetter("subscription")):
        found += [(key, each) for each in _of_one(list(rows), span)]
    found.sort(key=lambda each: (each[1].active_from, each[0]))
    _refuse_two_at_once(found)
    return list(_joined(each for _, each in found))


def _of_one(steps: Sequence[Step], span: Month) -> list[Stay]:
    last = {each.on: each for each in steps}  # of a day, the one recorded last
    ends = [*(each.on for each in list(last.values())[1:]), date.max]
    found = []
    for each, next_on in zip(last.values(), ends, strict=True):
        start, end = max(each.on, span.start), min(next_on, span.end)
        if not each.amount or start >= end:
            continue
        if not each.plan:
            message = f"subscription {each.subscription} names no plan, so it cannot be rated"
            raise Wrong(Problem("plan", "required", message))
        found.append(Stay(each.plan, start, end))
    return found


def _refuse_two_at_once(found: Sequence[tuple[str, Stay]]) -> None:
    for (one, before), (other, after) in pairwise(found):
        if after.active_from < before.active_to:
            message = (
                f"{one} and {other} run at once from {after.active_from}: one invoice rates the"
                " use by one plan"
            )
            raise Wrong(Problem("subscriptions", "overlap", message))


def _joined(found: Iterable[Stay]) -> list[Stay]:
    """Neighbours on one plan are one stay."""
    rows: list[Stay] = []
    for each in found:
        last = rows[-1] if rows else None
        if last and last.plan == each.plan and last.active_to == each.active_from:
            rows[-1] = replace(last, active_to=each.active_to)
        else:
            rows.append(each)
    return rows
