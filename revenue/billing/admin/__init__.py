"""Admin screens of meters, daily use, invoices, credit and invoice runs."""

from revenue.billing.admin.invoice_runs import InvoiceRunAdmin
from revenue.billing.admin.invoices import CreditEntryAdmin, CreditNoteAdmin, InvoiceAdmin
from revenue.billing.admin.usage import DailyUseAdmin, MeterAdmin, UnbilledUseChoiceAdmin
