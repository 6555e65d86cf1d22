"""Import subscriptions from exports of billing systems, with the customers that are new."""

from collections.abc import Sequence
from decimal import Decimal

from aethercrown.csv.importing import ImportCounts, Importer, ImportOptions
from aethercrown.csv.reader import CSVRow, RowError
from aethercrown.formatting import counted, money_text
from operations.imports.registry import CheckOptions, Findings
from operations.imports.services import plain_target
from revenue.customers import billing_exports
from revenue.customers.imports import PROFILE
from revenue.customers.plan_terms import SubscriptionState
from revenue.customers.services.imports import (
    begins_ahead,
    by_external_id,
    import_day,
    owner_faults,
    save_customers,
    save_rows,
    subscription_row_faults,
)
from revenue.customers.services.undo_imports import undo_subscriptions


def export_faults(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    today = import_day(options)
    rows = [billing_exports.subscription_row(record, today) for record in batch]
    known = by_external_id(each.customer for each in rows)
    faults = list(subscription_row_faults(rows, today))
    for record, each in zip(batch, rows, strict=True):
        if each.customer in known:
            faults.extend(owner_faults(each.row, each.customer, known, each.currency))
        if record.values["amount"] is None and record.values["mrr"] is None:
            faults.append(RowError(each.row, "amount", "neither an amount nor an MRR is given"))
    return faults


def save_export(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    """Store new customers, then the subscriptions."""
    known = by_external_id(values["customer"] for _, values in batch)
    fresh: dict[str, CSVRow] = {}
    for row, values in batch:
        if values["customer"] not in known:
            fresh.setdefault(values["customer"], CSVRow(row, _customer(values)))
    save_customers(list(fresh.values()), options)
    today = import_day(options)
    rows = [billing_exports.subscription_row(record, today) for record in batch]
    stored = save_rows(rows, options.import_id)
    return ImportCounts(stored.created, 0, tuple(f"customer {name}" for name in fresh))


def _customer(values: dict[str, object]) -> dict[str, object]:
    blank = dict.fromkeys(column.name for column in PROFILE)
    return {
        **blank,
        "external_id": values["customer"],
        "name": values["customer_name"],
        "currency": values["currency"],
    }


def describe(rows: Sequence[CSVRow], options: CheckOptions, findings: Findings) -> None:
    """What storing a file would change: new customers, MRR by currency, trials and ends."""
    found = [billing_exports.subscription_row(record, options.today) for record in rows]
    known = by_external_id(each.customer for each in found)
    findings.new_names = sorted({each.customer for each in found} - known.keys())
    if findings.new_names:
        findings.consequences.append(f"{counted(len(findings.new_names), 'new customer')}.")
    findings.header = ("Currency", "Subscriptions", "MRR", "On trial", "Ended")
    for currency in sorted({each.currency for each in found}):
        own = [each for each in found if each.currency == currency]
        trial = [each for each in own if each.terms.state is SubscriptionState.TRIAL]
        ended = [each for each in own if each.ended_on and each.ended_on <= options.today]
        now = [each for each in own if each not in ended and each.started_on <= options.today]
        mrr = sum((each.terms.mrr for each in now), Decimal(0))
        findings.totals[f"MRR in {currency}"] = f"{mrr:f}"
        findings.lines.append(
            (currency, str(len(own)), money_text(mrr, currency), str(len(trial)), str(len(ended)))
        )


IMPORTER = Importer(
    billing_exports.KIND,
    "Subscriptions of a billing system, with their customers",
    billing_exports.COLUMNS,
    ("subscription",),
    export_faults,
    save_export,
    begins_ahead,
)
TARGET = plain_target(
    IMPORTER,
    (
        ("subscription", "customer", "customer_name", "plan", "amount", "every", "started_on"),
        ("sub_1", "acme", "Acme Ltd", "professional", "99.00", "month", "2026-03-01"),
        ("sub_2", "globex", "Globex GmbH", "starter", "1188.00", "year", "2026-03-01"),
    ),
    describe,
    undo_subscriptions,
    names_people=True,
)
