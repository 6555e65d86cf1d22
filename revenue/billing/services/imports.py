"""Importing billed usage from CSV files."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from django.utils import timezone

from aethercrown.csv.importing import ImportCounts, Importer, ImportOptions
from aethercrown.csv.reader import CSVRow, RowError
from revenue.billing import imports
from revenue.billing.reports.usage import all_meters, daily_totals
from revenue.billing.services import usage
from revenue.customers.billing_interval import rounded
from revenue.customers.models import Customer
from revenue.customers.services.imports import by_external_id, import_day, owner_faults


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


def save_usage(batch: Sequence[CSVRow], _options: ImportOptions) -> ImportCounts:
    known = by_external_id(values["customer"] for _, values in batch)
    totals = [usage.DailyTotal(*_key(values, known), values["quantity"]) for _, values in batch]
    counts = usage.record(totals, now=timezone.now())
    return ImportCounts(counts.created, counts.corrected)


IMPORTERS = (
    Importer(
        "billed-use",
        "Billed usage by day",
        imports.USAGE,
        ("customer", "metric", "day"),
        usage_faults,
        save_usage,
    ),
)
