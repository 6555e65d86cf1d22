"""Putting amounts in force and taking them back, one at a time in each currency.

Called inside the transaction of the decision that does so.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from marketing.budget.models import Allocation, AllocationLock
from marketing.budget.reports import allocations
from marketing.channels import services as channels
from marketing.channels.models import Channel

Amounts = Mapping[str, Decimal]


class AllocationChanged(Exception):
    """The amounts in force, or the channels' currency, are not what was expected."""


def put_in_force(
    currency: str, before: Amounts, after: Amounts, decision_id: int, now: datetime
) -> dict[str, Channel]:
    """Put `after` in the place of `before`, making channels that are not there yet.

    Raises Changed where something else is in force.
    """
    _lock(currency)
    _require_in_force(currency, before)
    named = channels.get_or_create(after, currency)
    _require_currency(named, currency)
    Allocation.objects.filter(currency=currency, valid_to__isnull=True).update(valid_to=now)
    Allocation.objects.bulk_create(
        Allocation(
            channel=named[name],
            decision_id=decision_id,
            amount=amount,
            currency=currency,
            valid_from=now,
        )
        for name, amount in sorted(after.items())
    )
    return named


def _require_currency(named: Mapping[str, Channel], currency: str) -> None:
    foreign = sorted(
        f"{each} in {each.currency}" for each in named.values() if each.currency != currency
    )
    if foreign:
        raise AllocationChanged(f"This plan is in {currency}, but kept are: {', '.join(foreign)}.")


def restore_previous(currency: str, after: Amounts, decision_id: int, now: datetime) -> None:
    """Put in force again what the decision replaced, if anything.

    Raises Changed where the decision's own amounts, `after`, are in force no longer.
    """
    _lock(currency)
    _require_in_force(currency, after)
    own = Allocation.objects.filter(decision_id=decision_id, valid_to__isnull=True)
    since = own.values_list("valid_from", flat=True).first()
    if since is None:
        raise AllocationChanged("A later decision put the same amounts in force.")
    former = list(Allocation.objects.filter(currency=currency, valid_to=since))
    now = max(now, since)
    own.update(valid_to=now)
    for each in former:
        each.pk, each.valid_from, each.valid_to = None, now, None
    Allocation.objects.bulk_create(former)


def _lock(currency: str) -> None:
    """Nobody else changes this currency's allocation until the transaction ends."""
    book, _ = AllocationLock.objects.get_or_create(currency=currency)
    AllocationLock.objects.select_for_update().get(pk=book.pk)


def _require_in_force(currency: str, wanted: Amounts) -> None:
    if allocations.amounts(currency) != wanted:
        raise AllocationChanged(
            f"The {currency} allocation in force has changed since this plan was made."
        )
