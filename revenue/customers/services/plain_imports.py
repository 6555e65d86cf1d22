"""Customers, contacts, subscriptions and payments from files of any program, and their undo."""

from collections.abc import Sequence

from aethercrown.csv.reader import CSVRow
from operations.imports.registry import CheckOptions, Findings, ImportTarget
from operations.imports.services import plain_target
from revenue.customers.services import undo_imports
from revenue.customers.services.imports import IMPORTERS, by_external_id

SAMPLES: dict[str, Sequence[Sequence[str]]] = {
    "customers": (
        ("external_id", "name", "segment", "size", "owner", "currency", "time_zone"),
        ("acme", "Acme Ltd", "Retail", "11-50", "Ada Moreau", "USD", "Europe/London"),
        ("globex", "Globex GmbH", "Industry", "51-200", "", "EUR", "Europe/Berlin"),
    ),
    "contacts": (
        ("customer", "email", "name", "role", "locale", "time_zone", "gets_mail", "consent"),
        ("acme", "fay@acme.example", "Fay Bell", "finance", "en-GB", "", "yes", ""),
        ("globex", "olaf@globex.example", "Olaf Brandt", "owner", "de", "", "yes", "yes"),
    ),
    "subscriptions": (
        ("subscription", "customer", "plan", "amount", "every", "currency", "started_on"),
        ("sub_1", "acme", "professional", "99.00", "month", "USD", "2026-03-01"),
        ("sub_2", "globex", "starter", "348.00", "year", "EUR", "2026-03-01"),
    ),
    "payments": (
        ("payment", "customer", "kind", "paid_on", "amount", "currency"),
        ("pay_1", "acme", "payment", "2026-04-02", "99.00", "USD"),
        ("pay_2", "acme", "refund", "2026-04-20", "10.00", "USD"),
    ),
    "customers-wide": (
        ("external_id", "name", "currency", "plan", "tenure_months", "monthly", "churned"),
        ("initech", "Initech", "USD", "professional", "14", "99.00", "no"),
        ("umbrella", "Umbrella", "USD", "starter", "3", "29.00", "yes"),
    ),
}
OF_CUSTOMERS = {"contacts", "subscriptions", "payments"}
UNDO = {
    "customers": undo_imports.undo_customers,
    "contacts": undo_imports.undo_contacts,
    "subscriptions": undo_imports.undo_subscriptions,
    "payments": undo_imports.undo_payments,
    "customers-wide": undo_imports.undo_subscriptions,
}


def describe(rows: Sequence[CSVRow], _options: CheckOptions, findings: Findings) -> None:
    """Which customers are new."""
    known = by_external_id(values["external_id"] for _, values in rows)
    fresh = sorted({values["external_id"] for _, values in rows} - known.keys())
    findings.new_names = fresh
    findings.consequences.append(f"{len(fresh)} of them are new.")


TARGETS: tuple[ImportTarget, ...] = tuple(
    plain_target(
        each,
        SAMPLES[each.kind],
        None if each.kind in OF_CUSTOMERS else describe,
        UNDO[each.kind],
        names_people=True,
    )
    for each in IMPORTERS
    if each.kind in SAMPLES
)
