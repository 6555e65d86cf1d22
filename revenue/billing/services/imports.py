"""Importing billed usage from CSV files."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django.utils import timezone

from aethercrown.csv.importing import ImportCounts, Importer, ImportOptions
from aethercrown.csv.reader import CSVColumn, CSVRow, InvalidCSV, RowError, day, number, text
from operations.imports.services import plain_target
from revenue.billing.reports.usage import all_meters, daily_totals
from revenue.billing.services import usage
from revenue.billing.services.undo_imports import undo_usage
from revenue.customers.billing_interval import rounded
from revenue.customers.models import Customer
from revenue.customers.services.imports import by_external_id, import_day, owner_faults


def quantity(cell: str) -> Decimal:
    """A quantity of 0 or more."""
    value = number(cell)
    if not 0 <= value <= usage.MAX_QUANTITY:
        raise InvalidCSV(f"must be 0 to {usage.MAX_QUANTITY:f}, not {cell}")
    return value


USAGE = (
    CSVColumn("customer", text, about="the customer's external_id"),
    CSVColumn("metric", text, about="the meter's code, such as api_calls"),
    CSVColumn("day", day, about="in the customer's billing time zone", cell="date"),
    CSVColumn("quantity", quantity, about="of the whole day", cell="number"),
)


def usage_faults(batch: Sequence[CSVRow], options: ImportOptions) -> list[RowError]:
    """Rows with an unknown customer or meter, a future day, or another total than the stored one.

    A stored total may be repeated; another total needs `options.update`.
    """
    today = import_day(options)
    known = by_external_id(values["customer"] for _, values in batch)
    meters = all_meters()
    stored = daily_totals([_key(values, known) for _, values in batch])
    faults: list[RowError] = []
    for row, values in batch:
        faults.extend(owner_faults(row, values["customer"], known))
        if values["metric"] not in meters:
            there = ", ".join(sorted(meters)) or "none"
            faults.append(RowError(row, "metric", f"is not a meter; known: {there}"))
        if values["day"] > today:
            faults.append(RowError(row, "day", f"{values['day']} is after today, {today}"))
        total = stored.get(_key(values, known))
        if not options.update and total not in {None, rounded(values["quantity"])}:
            reason = f"the day's total is {total:f}; import with update to correct it"
            faults.append(RowError(row, "quantity", reason))
    return faults


def _key(values: dict[str, Any], known: dict[str, Customer]) -> tuple[int, str, date]:
    owner = known.get(values["customer"])
    return (owner.pk if owner else 0, values["metric"], values["day"])


def save_usage(batch: Sequence[CSVRow], options: ImportOptions) -> ImportCounts:
    known = by_external_id(values["customer"] for _, values in batch)
    totals = [usage.DailyTotal(*_key(values, known), values["quantity"]) for _, values in batch]
    return usage.record(totals, now=timezone.now(), import_id=options.import_id)


BILLED_USE = Importer(
    "billed-use",
    "Billed usage by day",
    USAGE,
    ("customer", "metric", "day"),
    usage_faults,
    save_usage,
)
IMPORTERS = (BILLED_USE,)
TARGET = plain_target(
    BILLED_USE,
    (
        ("customer", "metric", "day", "quantity"),
        ("acme", "api_calls", "2026-04-02", "1250"),
        ("acme", "api_calls", "2026-04-03", "980"),
    ),
    undo=undo_usage,
)
