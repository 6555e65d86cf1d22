"""Reading usage, bills, invoice runs, and what simulations and forecasts start from."""

from revenue.billing.reports.accounts import (
    MAX_PAGE_ACCOUNTS,
    SIMULATED_MONTHS,
    digests,
    list_prices_today,
    needs_job,
    newest_simulation,
    simulation,
)
from revenue.billing.reports.bills import NothingPublished, Tampered, bill, invoices_of
from revenue.billing.reports.credit_balance import balances
from revenue.billing.reports.exports import EXPORTERS
from revenue.billing.reports.invoice_run import named as named_customers
from revenue.billing.reports.issued import listed_invoices, newest_runs, run_of_month
from revenue.billing.reports.usage import first_days, readings
from revenue.billing.reports.versions import in_force
