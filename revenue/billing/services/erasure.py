"""Erase who a customer is from log entries about what they were billed; amounts stay."""

from collections.abc import Collection

from revenue.billing.models import CreditEntry, CreditNote, Invoice, UnbilledUseChoice
from revenue.billing.reports import exports, list_prices
from revenue.customers.data_hooks import CustomerDataHook
from revenue.customers.services import erase_admin_log


def erase(customer_ids: Collection[int]) -> None:
    """Blank the admin's log entries about these customers' invoices, notes, credit and choices."""
    for model in (Invoice, CreditEntry, UnbilledUseChoice):
        erase_admin_log(model.objects.filter(customer__in=customer_ids))
    erase_admin_log(CreditNote.objects.filter(invoice__customer__in=customer_ids))


CUSTOMER_HOOK = CustomerDataHook(
    "billing", exports.personal_data, erase, list_price=list_prices.list_price
)
