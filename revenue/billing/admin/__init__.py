"""Meters, daily usage, invoices and invoice runs in the admin."""

from revenue.billing.admin.invoice_run import InvoiceRunAdmin
from revenue.billing.admin.invoices import DailyUseAdmin, InvoiceAdmin, MeterAdmin
