"""Subscriptions in the exports of billing systems and of subscription analytics; pure."""

import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal

from aethercrown.csv import reader
from aethercrown.csv.reader import CSVColumn, CSVRow, InvalidCSV, day, text
from aethercrown.tabular.presets import Preset
from revenue.customers import imports
from revenue.customers.billing_interval import MONTHS
from revenue.customers.imports import SubscriptionRow

KIND = "subscriptions-export"
CENT = Decimal("0.01")
INTERVALS = {
    **{name: name for name in MONTHS},
    **dict.fromkeys(("weekly", "1 week"), "week"),
    **dict.fromkeys(("monthly", "1 month", "months"), "month"),
    **dict.fromkeys(("quarterly", "3 months", "every 3 months"), "quarter"),
    **dict.fromkeys(("6 months", "half-yearly", "semiannual", "every 6 months"), "half_year"),
    **dict.fromkeys(("yearly", "annual", "annually", "1 year", "12 months", "years"), "year"),
    **dict.fromkeys(("2 years", "24 months", "2-year", "biennial"), "two_years"),
    **dict.fromkeys(("3 years", "36 months", "3-year"), "three_years"),
}
TRIAL = "trialing"


def interval_words(cell: str) -> str:
    """A billing interval in words, such as 2 years."""
    words = re.sub(r"\s+", " ", cell.casefold().strip())
    if words not in INTERVALS:
        raise InvalidCSV(f"{cell[:40]!r} is no billing interval such as month, year or 2 years")
    return INTERVALS[words]


COLUMNS = (
    CSVColumn("subscription", text, about="its identifier", headers=("id", "subscription id")),
    CSVColumn(
        "customer",
        text,
        about="the customer's identifier",
        headers=("customer id", "customer external id"),
    ),
    CSVColumn("customer_name", lambda cell: text(cell, 200), required=False),
    CSVColumn("plan", text, required=False),
    CSVColumn(
        "amount", imports.amount, required=False, about="of all units an interval", cell="amount"
    ),
    CSVColumn("mrr", imports.amount, required=False, about="instead of the amount", cell="amount"),
    CSVColumn("every", interval_words, required=False, headers=("interval", "plan interval")),
    CSVColumn("quantity", imports.quantity, required=False, cell="number"),
    CSVColumn("currency", reader.currency, required=False, cell="currency"),
    CSVColumn("status", text, required=False),
    CSVColumn("started_on", day, cell="date", headers=("start date", "first subscribed at")),
    CSVColumn("trial_until", day, required=False, cell="date", headers=("trial end",)),
    CSVColumn("ended_on", day, required=False, cell="date", headers=("cancelled at", "ended at")),
)
PRESETS = (
    Preset(
        "stripe",
        "Stripe",
        KIND,
        ("id", "customer id", "interval", "created (utc)", "current period end (utc)"),
        {
            "subscription": ("id",),
            "customer": ("customer id",),
            "customer_name": ("customer name", "customer description", "customer email"),
            "plan": ("plan",),
            "amount": ("amount",),
            "every": ("interval",),
            "quantity": ("quantity",),
            "currency": ("currency",),
            "status": ("status",),
            "started_on": ("start date (utc)", "start (utc)", "created (utc)"),
            "trial_until": ("trial end (utc)",),
            "ended_on": ("ended at (utc)",),
        },
    ),
    Preset(
        "chartmogul",
        "ChartMogul",
        KIND,
        ("customer external id", "plan interval", "mrr", "first subscribed at"),
        {
            "subscription": ("subscription external id", "customer external id"),
            "customer": ("customer external id",),
            "customer_name": ("customer name",),
            "plan": ("plan",),
            "mrr": ("mrr",),
            "every": ("plan interval",),
            "quantity": ("quantity",),
            "currency": ("currency",),
            "started_on": ("first subscribed at",),
            "ended_on": ("cancelled at",),
        },
    ),
)


def term_amount(mrr: Decimal, every: str) -> Decimal:
    """The price of an interval from its MRR in cents: the roundest that gives that MRR."""
    months = MONTHS[every]
    exact = mrr * months.numerator / months.denominator
    for places in ("1000", "100", "10", "1", "0.1", "0.01"):
        found = (exact / Decimal(places)).quantize(Decimal(1), ROUND_HALF_EVEN) * Decimal(places)
        monthly = found * months.denominator / months.numerator
        if monthly.quantize(CENT, ROUND_HALF_EVEN) == mrr.quantize(CENT, ROUND_HALF_EVEN):
            return found
    return exact.quantize(CENT, ROUND_HALF_EVEN)


def unit_price(total: Decimal, quantity: int) -> tuple[Decimal, int]:
    """The price of a unit and the quantity; the whole as one unit where cents do not divide."""
    unit = (total / quantity).quantize(CENT, ROUND_HALF_EVEN)
    return (unit, quantity) if unit * quantity == total else (total, 1)


def subscription_row(record: CSVRow, today: date) -> SubscriptionRow:
    """From a row of an export; a trial has its price from the day that it ends on."""
    row, values = record
    every = values["every"] or "month"
    total = values["amount"]
    if total is None:
        total = term_amount(values["mrr"] or Decimal(0), every)
    price, quantity = unit_price(total, values["quantity"] or 1)
    on_trial = (values["status"] or "").casefold() == TRIAL and values["trial_until"]
    return SubscriptionRow(
        row,
        values["subscription"],
        values["customer"],
        values["plan"] or "",
        price,
        values["currency"],
        values["started_on"],
        values["ended_on"],
        every,
        quantity,
        trial_until=values["trial_until"] if on_trial and values["trial_until"] > today else None,
    )
