"""Booking what customers used a day, and issuing invoices; each function is one transaction."""

from revenue.billing.services.invoices import (
    BATCH,
    LARGEST,
    ZERO,
    Booked,
    Total,
    issue,
    meter,
    record,
)

__all__ = [
    "BATCH",
    "LARGEST",
    "ZERO",
    "Booked",
    "Total",
    "issue",
    "meter",
    "record",
]
