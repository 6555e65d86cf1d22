"""Whether the ledger matches the subscriptions, and the roll-ups match the ledger."""

from collections.abc import Callable, Iterator
from datetime import date

from django.db.models import Sum
from django.utils import timezone

from aethercrown.formatting import counted, date_text, exact_text, month_text
from operations.automations.registry import always
from revenue.customers.models import Customer, Subscription
from revenue.customers.plan_terms import expanded, mrr_on
from revenue.customers.reports import agreed_terms, plan_changes
from revenue.mrr.models import MrrMovement, MrrRollup, RollupWatermark
from revenue.mrr.movements import NOTHING, MovementSums, missing
from revenue.mrr.reports.ledger import booked_sums

BATCH = 500
LISTED = 20  # differences described


def differing_customers(
    keep_going: Callable[[], bool] = always, most: int = LISTED, *, today: date | None = None
) -> tuple[int, list[str]]:
    """How many customers' ledgers differ from their subscriptions, and the first `most` described.

    Every day and kind up to `today` is recomputed and compared, and each subscription's amount
    with the terms in force. Stops early where `keep_going` returns False.
    """
    until = today or timezone.localdate()
    differences, after = list(_differing_subscriptions(until, most)), 0
    count = len(differences)
    while keep_going() and (keys := _next_customers(after)):
        after = keys[-1]
        changes, booked = plan_changes(keys, until), booked_sums(keys)
        for key in keys:
            lacking = missing(changes.get(key, []), booked.get(key, {}))
            count += bool(lacking)
            if lacking and len(differences) < most:
                first, more = lacking[0], counted(len(lacking) - 1, "row")
                differences.append(
                    f"customer {key}: the ledger lacks {first.kind} of"
                    f" {exact_text(first.amount)} on {date_text(first.on)} and {more} more"
                )
    return count, differences


def _next_customers(after: int) -> list[int]:
    rows = Customer.objects.filter(pk__gt=after, merged_into=None).order_by("pk")
    return list(rows.values_list("pk", flat=True)[:BATCH])


def _differing_subscriptions(today: date, most: int) -> Iterator[str]:
    """Subscriptions whose amount is not that of the terms in force."""
    found, after = 0, 0
    while found < most and (keys := _next_customers(after)):
        after = keys[-1]
        stored = dict(
            Subscription.objects.filter(customer__in=keys).values_list("external_id", "amount")
        )
        for customer, rows in agreed_terms(keys).items():
            for terms in rows:
                amount = mrr_on(expanded(terms), today)
                held = stored[terms[0].subscription]
                if held != amount and found < most:
                    found += 1
                    yield f"customer {customer}: a subscription brings {held}, its terms {amount}"


def wrong_rollups() -> list[str]:
    """Roll-ups that are not the sum of their rows; reads the whole ledger."""
    watermark = RollupWatermark.objects.filter(pk=1).first()
    if watermark is None:
        return []
    found = []
    for basis in MrrRollup.Basis.values:
        summed, stored = _ledger_sums(basis, watermark), _rollup_sums(basis)
        found += [
            f"{kind} of {month_text(month)} in {currency} ({basis})"
            for currency, month, kind in sorted(summed.keys() | stored.keys())
            if summed.get((currency, month, kind)) != stored.get((currency, month, kind))
        ]
    return found


MonthSums = dict[tuple[str, date, str], MovementSums]  # by currency, month and kind


def _rollup_sums(basis: str) -> MonthSums:
    grouped = MrrRollup.objects.filter(basis=basis).order_by()
    rows = grouped.values_list("currency", "month", "kind").annotate(Sum("amount"), Sum("payers"))
    return {tuple(key): MovementSums(amount, payers) for *key, amount, payers in rows}


def _ledger_sums(basis: str, watermark: RollupWatermark) -> MonthSums:
    rows = MrrMovement.objects.filter(pk__lte=watermark.upto).order_by()
    days = rows.values_list("currency", basis, "kind").annotate(Sum("amount"), Sum("payers"))
    found: MonthSums = {}
    for currency, on, kind, amount, payers in days.iterator():
        key = (currency, on.replace(day=1), kind)
        found[key] = found.get(key, NOTHING).plus(amount, payers)
    return found
