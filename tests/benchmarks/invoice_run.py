"""A month's invoices: `python -m tests.benchmarks.invoice_run [--quick]`.

Customers on three plans, monthly and yearly, at list and negotiated prices, with a total of calls
each day and an invoice of the month before, of whom one in fifty changed the plan in the month
and one in a hundred used something late. All are previewed in this process; CPU seconds count,
since one core is meant. Then 118 customers with 13 issued months have their next one issued.
"""

import argparse
import sys
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from time import perf_counter, process_time
from typing import Any

import numpy as np

from tests.benchmarks.database import database
from tests.benchmarks.report import Report

CUSTOMERS, QUICK = 100_000, 2_000
PREVIEW_SECONDS, ISSUE_SECONDS = 60.0, 3.0
COMPANY, MONTHS, COMPANY_CURRENCY = 118, 13, "GBP"
PUBLISHED_AT = datetime(2024, 1, 1, tzinfo=UTC)
SEED = 20260105
MONTH, END = date(2026, 3, 1), date(2026, 4, 1)
ISSUED_AT = datetime(2026, 3, 3, 4, 40, tzinfo=UTC)
NOW = datetime(2026, 4, 3, 4, 40, tzinfo=UTC)
PLANS = {"starter": 29, "professional": 99, "enterprise": 499}
BATCH = 5_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.invoice_run")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} customers")
    chosen = parser.parse_args()
    report = Report("Invoice run benchmark")
    report.say(f"# {report.title}")
    with database():
        from django.apps import apps  # noqa: PLC0415 - Django is set up only now

        from revenue.billing.services import usage  # noqa: PLC0415
        from revenue.pricing.seeding import seed_default_book  # noqa: PLC0415

        seed_default_book(apps)
        usage.ensure_meter("api_calls", title="API calls")
        issue_company(report)
        preview_many(report, QUICK if chosen.quick else CUSTOMERS)
    return report.exit_code


def issue_company(report: Report) -> None:
    """118 customers with 13 invoices each, issued by the service."""
    from revenue.billing.models import Invoice  # noqa: PLC0415 - Django is set up only now
    from revenue.billing.periods import complete_months  # noqa: PLC0415
    from revenue.billing.services import invoice_run  # noqa: PLC0415

    months = complete_months(END, MONTHS + 1)
    store(COMPANY, np.random.default_rng(SEED), months[0].start, COMPANY_CURRENCY)
    for span in months:
        begun = process_time()
        at = datetime.combine(span.end, NOW.time(), UTC) + timedelta(days=2)
        invoice_run.issue_month(COMPANY_CURRENCY, span, by="user:1", now=at)
        spent = process_time() - begun
    report.say(f"{Invoice.objects.count():,} invoices of {COMPANY} customers issued.")
    report.judge(
        f"CPU seconds to issue the last month of {COMPANY}:", round(spent, 2), ISSUE_SECONDS
    )


def preview_many(report: Report, count: int) -> None:
    from revenue.billing.periods import billing_month  # noqa: PLC0415 - Django is set up only now
    from revenue.billing.reports import invoice_run  # noqa: PLC0415

    store(count, np.random.default_rng(SEED + 1), MONTH, "EUR")
    begun, real = process_time(), perf_counter()
    found = invoice_run.month_preview("EUR", billing_month(MONTH))
    spent, waited = process_time() - begun, perf_counter() - real
    assert found is not None
    report.say(
        f"{found.invoices:,} previews, {found.total:,.2f} in all, {len(found.refused)} refused,"
        f" in {waited:.1f} s."
    )
    limit = PREVIEW_SECONDS * count / CUSTOMERS
    report.judge(f"CPU seconds to preview {count:,} customers:", round(spent, 2), limit)


def store(count: int, random: np.random.Generator, since: date, currency: str) -> None:
    """Customers with their terms and use; those in euros have an invoice of the month before."""
    from revenue.billing.models import Meter  # noqa: PLC0415 - Django is set up only now

    publish_book(currency)
    meter = Meter.objects.get(code="api_calls")
    for first in range(0, count, BATCH):
        rows = stored_customers(range(first, min(first + BATCH, count)), currency)
        store_terms(rows, random)
        store_use(rows, random, meter, since)
        if currency == "EUR":
            store_invoices(rows)


def publish_book(currency: str) -> None:
    """A published copy of the default book, older than every invoice."""
    from revenue.pricing import services as pricing  # noqa: PLC0415 - Django is set up only now
    from revenue.pricing.models import PriceBook, PriceBookVersion  # noqa: PLC0415

    book = PriceBook.objects.create(code=currency.lower(), currency=currency)
    version = PriceBookVersion.objects.create(
        book=book, number=1, effective_from=date(2020, 1, 1), created_at=PUBLISHED_AT
    )
    source = PriceBookVersion.objects.get(book__currency="USD")
    for rows in (source.prices, source.factors, source.rules):
        for row in rows.all():
            row.pk, row.version, row._state.adding = None, version, True
            row.save()
    pricing.publish(version.pk, actor="benchmark", now=PUBLISHED_AT)


def stored_customers(numbers: range, currency: str) -> list[Any]:
    from revenue.customers.models import Customer  # noqa: PLC0415 - Django is set up only now

    return Customer.objects.bulk_create(
        Customer(external_id=f"{currency}-{n}", name=f"Customer {n}", currency=currency)
        for n in numbers
    )


def store_terms(rows: list[Any], random: np.random.Generator) -> None:
    """A subscription since 2024, or 2025; one in ten by the year; one in fifty changes in March."""
    from revenue.customers.models import Subscription, SubscriptionChange  # noqa: PLC0415

    subscriptions, changes = [], []
    for row in rows:
        plan = str(random.choice(list(PLANS)))
        interval = "year" if random.random() < 0.1 else "month"
        price = Decimal(PLANS[plan] * (12 if interval == "year" else 1))
        basis = "list" if random.random() < 0.5 else "negotiated"
        started = date(2024, 1, 1) + timedelta(days=int(random.integers(0, 400)))
        terms = {"plan": plan, "interval": interval, "price": price, "basis": basis}
        subscriptions.append(
            Subscription(
                external_id=f"s{row.pk}",
                customer=row,
                currency=row.currency,
                started_on=started,
                amount=PLANS[plan],
                **terms,
            )
        )
        changes.append([{**terms, "on": started, "recorded_at": ISSUED_AT - timedelta(days=300)}])
        if random.random() < 0.02:
            moved = {**terms, "plan": "enterprise", "basis": "negotiated"}
            changes[-1].append({**moved, "on": MONTH + timedelta(days=9), "recorded_at": NOW})
    kept = Subscription.objects.bulk_create(subscriptions)
    SubscriptionChange.objects.bulk_create(
        SubscriptionChange(subscription=parent, amount=parent.amount, **each)
        for parent, every in zip(kept, changes, strict=True)
        for each in every
    )


def store_use(rows: list[Any], random: np.random.Generator, meter: Any, since: date) -> None:
    """Calls of each day until the month's end; of one in a hundred some of a month before."""
    from revenue.billing.models import DailyUse  # noqa: PLC0415 - Django is set up only now

    days = [since + timedelta(days=n) for n in range((END - since).days)]
    totals = random.poisson(random.lognormal(6, 1.5, size=(len(rows), 1)), (len(rows), len(days)))
    found = []
    for row, mine in zip(rows, totals.tolist(), strict=True):
        used = list(zip(days, mine, strict=True))
        if random.random() < 0.01:
            used.append((since - timedelta(days=20), 500))
        found += [
            DailyUse(
                customer_id=row.pk,
                meter=meter,
                day=day,
                quantity=Decimal(total),
                booked_at=datetime.combine(max(day, since), NOW.time(), UTC) + timedelta(days=1),
            )
            for day, total in used
        ]
    DailyUse.objects.bulk_create(found, batch_size=BATCH)


def store_invoices(rows: list[Any]) -> None:
    """An invoice of February, issued on 3 March."""
    from revenue.billing.models import Invoice  # noqa: PLC0415 - Django is set up only now
    from revenue.billing.reports.versions import in_force  # noqa: PLC0415

    version = in_force("EUR", MONTH)
    Invoice.objects.bulk_create(
        Invoice(
            customer=row,
            version=version,
            digest=version.digest,
            currency="EUR",
            period_start=date(2026, 2, 1),
            period_end=MONTH,
            inputs={"usage_data": {"api_calls": "500"}},
            plan_periods=[],
            lines=[],
            rated=99,
            total=99,
            issued_at=ISSUED_AT,
        )
        for row in rows
    )


if __name__ == "__main__":
    sys.exit(main())
