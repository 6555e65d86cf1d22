"""One process that issues a month's invoices as a job until it is killed: `invoicing issue`.

`invoicing prepare COUNT` stores the customers, their subscriptions and the first preview.
"""

import sys
from datetime import UTC, date, datetime
from decimal import Decimal

import django

MONTH = date(2026, 3, 1)
NOW = datetime(2026, 4, 3, tzinfo=UTC)
CALLER = "user:1"


def prepare(count):
    from revenue.billing.periods import billing_month  # noqa: PLC0415 - after the set-up
    from revenue.billing.services import jobs  # noqa: PLC0415
    from revenue.customers import services as customers  # noqa: PLC0415
    from revenue.customers.models import Customer  # noqa: PLC0415

    for number in range(count):
        row = Customer.objects.create(external_id=f"c{number}", name="A customer", currency="USD")
        customers.record_subscription(
            row.pk,
            external_id=f"s{number}",
            amount=Decimal(99),
            currency="USD",
            started_on=date(2026, 1, 1),
            plan="professional",
            now=NOW,
        )
    jobs.request_preview("USD", billing_month(MONTH), caller=CALLER, now=NOW)
    finish()


def issue():
    """Start the job unless it waits, or was left by the process before this one; run it."""
    from revenue.billing.models import InvoiceRun  # noqa: PLC0415 - after the set-up
    from revenue.billing.services import jobs  # noqa: PLC0415

    row = InvoiceRun.objects.get()
    if row.finished_at is None and not jobs.is_open(row):
        jobs.request_issue(row.pk, hold_without_use=False, caller=CALLER, now=NOW)
    finish()


def finish():
    """Recover what a killed process left, as the running platform does, and run what waits."""
    from django.utils import timezone  # noqa: PLC0415 - after the set-up

    from operations.jobs import services  # noqa: PLC0415

    services.recover_jobs(timezone.now())
    while services.run_next() is not None:
        pass


if __name__ == "__main__":
    django.setup()
    if sys.argv[1] == "prepare":
        prepare(int(sys.argv[2]))
    else:
        issue()
