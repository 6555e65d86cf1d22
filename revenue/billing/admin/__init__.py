"""Meters, daily use and invoices as staff see them; services write all but the meters."""

from revenue.billing.admin.invoices import (
    AdjustmentInline,
    Booked,
    DailyUseAdmin,
    InvoiceAdmin,
    MeterAdmin,
)

__all__ = [
    "AdjustmentInline",
    "Booked",
    "DailyUseAdmin",
    "InvoiceAdmin",
    "MeterAdmin",
]
