"""Putting amounts in force and taking them back, under a lock on the currency's channels.

Called inside the transaction of the decision that does so.
"""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from marketing.allocations import reports
from marketing.allocations.models import Allocation
from marketing.channels import services as channels
from marketing.channels.models import Channel

Amounts = Mapping[str, Decimal]


class Changed(Exception):
    """The amounts in force, or the channels' currency, are not what was expected."""


def replace(
    currency: str, before: Amounts, after: Amounts, decision_id: int, now: datetime
) -> dict[str, Channel]:
    """Put `after` in the place of `before`, making channels that are not there yet.

    Raises Changed where something else is in force.
    """
    _hold(currency, before)
    named = channels.named(after, currency)
    _refuse_foreign(named, currency)
    Allocation.objects.filter(currency=currency, valid_to__isnull=True).update(valid_to=now)
    fresh = [
        Allocation(
            channel=named[name],
            decision_id=decision_id,
            amount=amount,
            currency=currency,
            valid_from=now,
        )
        for name, amount in sorted(after.items())
    ]
    try:
        with transaction.atomic():
            Allocation.objects.bulk_create(fresh)
    except IntegrityError as error:  # two first plans at once: no channel was there to hold
        raise Changed("Another allocation came into force at the same time.") from error
    return named


def _refuse_foreign(named: Mapping[str, Channel], currency: str) -> None:
    foreign = sorted(
        f"{each} in {each.currency}" for each in named.values() if each.currency != currency
    )
    if foreign:
        raise Changed(f"This plan is in {currency}, but kept are: {', '.join(foreign)}.")


def restore(currency: str, after: Amounts, decision_id: int, now: datetime) -> None:
    """Put in force again what the decision replaced, if anything.

    Raises Changed where the decision's own amounts, `after`, are in force no longer.
    """
    _hold(currency, after)
    own = Allocation.objects.filter(decision_id=decision_id, valid_to__isnull=True)
    since = own.values_list("valid_from", flat=True)[0]
    former = list(Allocation.objects.filter(currency=currency, valid_to=since))
    now = max(now, since)
    own.update(valid_to=now)
    for each in former:
        each.pk, each.valid_from, each.valid_to = None, now, None
    Allocation.objects.bulk_create(former)


def _hold(currency: str, wanted: Amounts) -> None:
    list(Channel.objects.select_for_update().filter(currency=currency).order_by("pk"))
    if reports.amounts(currency) != wanted:
        raise Changed(f"The {currency} allocation in force has changed since this plan was made.")
