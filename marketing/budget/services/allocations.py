"""Put amounts in force and restore previous ones, in the transaction of the decision."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from marketing.budget import reports
from marketing.budget.models import Allocation, AllocationLock
from marketing.channels import services as channels
from marketing.channels.models import Channel

Amounts = Mapping[str, Decimal]


class AllocationChanged(Exception):
    """The amounts in force, or the channels' currency, are not what was expected."""


def put_in_force(
    currency: str, before: Amounts, after: Amounts, decision_id: int, now: datetime
) -> dict[str, Channel]:
    """Replace the amounts `before` by `after`, creating missing channels.

    Raises AllocationChanged where `before` is not in force.
    """
    _lock(currency)
    _require_in_force(currency, before)
    named = channels.get_or_create(dict.fromkeys(after, currency))
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
        raise AllocationChanged(
            f"This plan is in {currency}, but these channels are not: {', '.join(foreign)}."
        )


def restore_previous(currency: str, decision_id: int, now: datetime) -> None:
    """Put in force again what the decision replaced when it first was applied, if anything.

    Raises AllocationChanged where the decision's own amounts are no longer in force.
    """
    _lock(currency)
    every = Allocation.objects.filter(decision_id=decision_id)
    own = every.filter(valid_to__isnull=True)
    since = own.values_list("valid_from", flat=True).first()
    if since is None:
        raise AllocationChanged(f"A later decision changed the {currency} allocation in force.")
    # Not `since`: a plan that was restored came after one that was rolled back.
    applied_at = every.order_by("valid_from").values_list("valid_from", flat=True)[0]
    ended = Allocation.objects.filter(currency=currency, valid_to=applied_at)
    former = list(ended.exclude(decision_id=decision_id))
    now = max(now, since)
    own.update(valid_to=now)
    for each in former:
        each.pk, each.valid_from, each.valid_to = None, now, None
    Allocation.objects.bulk_create(former)


def _lock(currency: str) -> None:
    """Lock this currency's allocation until the transaction ends."""
    lock, _ = AllocationLock.objects.get_or_create(currency=currency)
    AllocationLock.objects.select_for_update().get(pk=lock.pk)


def _require_in_force(currency: str, wanted: Amounts) -> None:
    if reports.amounts_in_force(currency) != wanted:
        raise AllocationChanged(
            f"The {currency} allocation in force has changed since this plan was made."
        )
