"""Every customer's bill of a month beside their MRR."""

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import NamedTuple

from django.db.models import Q

from aethercrown.currencies import exponent
from operations.automations.registry import always
from revenue.billing.models import Invoice
from revenue.billing.periods import Month
from revenue.billing.reconciliation import MonthlyMrr, Reconciliation, average_mrr, reconcile
from revenue.billing.reports import bills
from revenue.billing.reports.previews import RATING_ERRORS, preview
from revenue.customers.models import Customer
from revenue.customers.plan_terms import PlanTerms
from revenue.customers.reports import agreed_terms
from revenue.mrr import reports as mrr
from revenue.mrr.movements import MovementKind, NetMovement

BATCH = 500
ZERO = Decimal(0)


class CustomerReconciliation(NamedTuple):
    customer: Customer
    found: Reconciliation


def reconciliations(
    currency: str, span: Month, keep_going: Callable[[], bool] = always
) -> Iterator[CustomerReconciliation]:
    """The bills of a month, issued or previewed, of customers with a subscription by its end.

    Customers that cannot be billed are left out: the invoice run names them.
    """
    rows = Customer.objects.filter(
        currency=currency, merged_into=None, subscriptions__started_on__lt=span.end
    )
    after = 0
    while keep_going():
        batch = list(rows.filter(pk__gt=after).order_by("pk").distinct()[:BATCH])
        if not batch:
            return
        after = batch[-1].pk
        keys = [each.pk for each in batch]
        terms, ledger = agreed_terms(keys), _ledger(keys, span)
        for customer in batch:
            known = terms.get(customer.pk, [])
            try:
                yield _reconciled(customer, known, ledger[customer.pk], span)
            except RATING_ERRORS:
                continue


def _reconciled(
    customer: Customer, terms: list[list[PlanTerms]], ledger: MonthlyMrr, span: Month
) -> CustomerReconciliation:
    issued = Invoice.objects.filter(
        Q(customer=customer) | Q(customer__merged_into=customer), period_start=span.start
    )
    lines = [line for row in issued for line in bills.lines(row)]
    if not lines:
        lines = list(preview(customer, span.start)[0].lines)
    digits = exponent(customer.currency)
    return CustomerReconciliation(customer, reconcile(ledger, terms, lines, span, digits))


def _ledger(keys: list[int], span: Month) -> dict[int, MonthlyMrr]:
    """MRR of a month by the booked movements alone."""
    found = {}
    for key, sums in {**{key: {} for key in keys}, **mrr.booked_sums(keys)}.items():
        opening = sum(
            (kind.sign * each.amount for (on, kind), each in sums.items() if on < span.start), ZERO
        )
        inside = [
            NetMovement(on, MovementKind(kind), each.amount, each.payers, ZERO, ZERO)
            for (on, kind), each in sorted(sums.items())
            if span.start <= on < span.end
        ]
        found[key] = average_mrr(opening, inside, span)
    return found
