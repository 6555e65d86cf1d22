"""Booking in the ledger what subscription changes make of a customer's MRR."""

from collections.abc import Collection
from datetime import date, datetime

from django.utils import timezone

from revenue.customers.billing_interval import month_of
from revenue.customers.models import Customer
from revenue.customers.reports import plan_changes
from revenue.mrr.models import MrrMovement
from revenue.mrr.movements import missing
from revenue.mrr.reports.ledger import booked_sums

BATCH = 500


def book(
    customer_ids: Collection[int], *, now: datetime, cause: str, history: bool = False
) -> list[MrrMovement]:
    """Book the movements that these customers' ledger lacks.

    Call it inside a transaction that locks the customers. Movements of earlier months count today,
    with `history` (an import) on their own days.
    """
    today = timezone.localdate(now)
    open_from = date.min if history else month_of(today)
    customers = Customer.objects.in_bulk(customer_ids)
    changes, booked = plan_changes(customer_ids, today), booked_sums(customer_ids)
    rows = [
        MrrMovement(
            customer=customers[each],
            currency=customers[each].currency,
            on=row.on if row.on >= open_from else today,
            effective_on=row.on,
            kind=row.kind,
            amount=row.amount,
            payers=row.payers,
            before=row.before,
            after=row.after,
            cause=cause,
            is_adjustment=row.is_adjustment,
            booked_at=now,
        )
        for each in customer_ids
        for row in missing(changes.get(each, []), booked.get(each, {}))
    ]
    return MrrMovement.objects.bulk_create(rows, batch_size=BATCH)
