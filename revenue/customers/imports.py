"""The columns of CSV files of customers, subscriptions and payments; pure."""

import re
import zoneinfo
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from aethercrown.csv import reader
from aethercrown.csv.reader import CSVColumn, CSVRow, InvalidCSV, RowError, day, flag, number, text
from revenue.customers.billing_interval import MONTHS, monthly, months_before
from revenue.customers.plan_terms import (
    MAX_AMOUNT,
    MAX_FEE,
    MAX_QUANTITY,
    TOO_FAR_AHEAD,
    PlanTerms,
    PriceBasis,
    SubscriptionState,
    is_too_far_ahead,
)

MAX_TENURE_MONTHS = 1200
MAX_EMAIL = 254
EMAIL = re.compile(r"[^\s@<>,;\"]{1,64}@[A-Za-z0-9.-]{1,180}\.[A-Za-z]{2,63}")
LOCALE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}")
ROLES = ("owner", "technical", "finance", "viewer")
BASES = (PriceBasis.LIST.value, PriceBasis.NEGOTIATED.value)


def zone(cell: str) -> str:
    """A time zone of the IANA database."""
    if cell not in zoneinfo.available_timezones():
        raise InvalidCSV(f"{cell[:40]!r} is not a time zone such as Europe/Berlin")
    return cell


def amount(cell: str) -> Decimal:
    """A price or payment of 0 or more."""
    value = number(cell)
    if not 0 <= value <= MAX_AMOUNT:
        raise InvalidCSV(f"must be 0 to {MAX_AMOUNT}, not {cell}")
    return monthly(value, "month")


def interval(cell: str) -> str:
    """A billing interval: week, month, quarter, half_year, year, two_years or three_years."""
    if cell.lower() not in MONTHS:
        raise InvalidCSV(f"{cell[:40]!r} is not one of {', '.join(MONTHS)}")
    return cell.lower()


def months(cell: str) -> int:
    """A whole number of months."""
    value = number(cell)
    if value != value.to_integral_value() or not 0 <= value <= MAX_TENURE_MONTHS:
        raise InvalidCSV(f"must be a whole number from 0 to {MAX_TENURE_MONTHS}, not {cell}")
    return int(value)


def quantity(cell: str) -> int:
    """A whole number of units from 1."""
    value = number(cell)
    if value != value.to_integral_value() or not 1 <= value <= MAX_QUANTITY:
        raise InvalidCSV(f"must be a whole number from 1 to {MAX_QUANTITY}, not {cell}")
    return int(value)


def basis(cell: str) -> str:
    """Whether the price follows the price book (list) or was negotiated."""
    if cell.lower() not in BASES:
        raise InvalidCSV(f"{cell[:40]!r} is neither {' nor '.join(BASES)}")
    return cell.lower()


def direction(cell: str) -> str:
    """Payment or refund."""
    if cell.lower() not in {"payment", "refund"}:
        raise InvalidCSV(f"{cell[:40]!r} is neither payment nor refund")
    return cell.lower()


def email(cell: str) -> str:
    """An e-mail address, in one of the usual forms."""
    if len(cell) > MAX_EMAIL or not EMAIL.fullmatch(cell):
        raise InvalidCSV(f"{cell[:40]!r} is not an e-mail address")
    return cell


def role(cell: str) -> str:
    """What a person at a customer does."""
    if cell.lower() not in ROLES:
        raise InvalidCSV(f"{cell[:40]!r} is not one of {', '.join(ROLES)}")
    return cell.lower()


def locale(cell: str) -> str:
    """A language, or one of a country, such as de-AT."""
    if not LOCALE.fullmatch(cell):
        raise InvalidCSV(f"{cell[:40]!r} is not a locale such as de-AT")
    return cell


PROFILE = (
    CSVColumn("name", lambda cell: text(cell, 200), required=False),
    CSVColumn("segment", text, required=False),
    CSVColumn("size", lambda cell: text(cell, 50), required=False, about="such as 11-50"),
    CSVColumn("owner", lambda cell: text(cell, 150), required=False),
    CSVColumn("currency", reader.currency, required=False, cell="currency"),
    CSVColumn("time_zone", zone, required=False),
)
CUSTOMERS = (CSVColumn("external_id", text), *PROFILE)
SUBSCRIPTIONS = (
    CSVColumn("subscription", text, about="its identifier"),
    CSVColumn("customer", text, about="the customer's external_id"),
    CSVColumn("plan", text, required=False),
    CSVColumn("amount", amount, about="of one unit for each interval", cell="amount"),
    CSVColumn("every", interval, required=False, about=f"{', '.join(MONTHS)}; default month"),
    CSVColumn("quantity", quantity, required=False, about="units; default 1", cell="number"),
    CSVColumn("terms", basis, required=False, about="list (follows the price book) or negotiated"),
    CSVColumn("currency", reader.currency, required=False, cell="currency"),
    CSVColumn("started_on", day, cell="date"),
    CSVColumn("ended_on", day, required=False, about="first day without charge", cell="date"),
)
PAYMENTS = (
    CSVColumn("payment", text, about="its identifier"),
    CSVColumn("customer", text, about="the customer's external_id"),
    CSVColumn("kind", direction, required=False),
    CSVColumn("paid_on", day, cell="date"),
    CSVColumn("amount", amount, cell="amount"),
    CSVColumn("currency", reader.currency, required=False, cell="currency"),
)
CONTACTS = (
    CSVColumn("customer", text, about="the customer's external_id"),
    CSVColumn("email", email, about="of one person; a stored one is left as it is"),
    CSVColumn("name", lambda cell: text(cell, 200)),
    CSVColumn("role", role, required=False, about=f"{', '.join(ROLES)}; default viewer"),
    CSVColumn("locale", locale, required=False, about="such as de-AT"),
    CSVColumn("time_zone", zone, required=False),
    CSVColumn("gets_mail", flag, required=False, about="default yes"),
    CSVColumn(
        "consent", flag, required=False, about="whether the person agreed to offers and news"
    ),
)
WIDE = (
    CSVColumn("external_id", text),
    *PROFILE,
    CSVColumn("plan", text, required=False),
    CSVColumn(
        "tenure_months",
        months,
        about="months of payment until today or their end",
        cell="number",
    ),
    CSVColumn("monthly", amount, about="MRR", cell="amount"),
    CSVColumn("churned", flag, about="whether the customer has left"),
)


class SubscriptionRow(NamedTuple):
    """One subscription of a file; `row` is its row number, `amount` that of an interval."""

    row: int
    external_id: str
    customer: str
    plan: str
    amount: Decimal
    currency: str
    started_on: date
    ended_on: date | None
    every: str = "month"
    quantity: int = 1
    basis: str = PriceBasis.NEGOTIATED.value
    trial_until: date | None = None

    @property
    def terms(self) -> PlanTerms:
        return PlanTerms(
            self.started_on,
            self.external_id,
            self.plan,
            self.amount,
            basis=PriceBasis(self.basis),
            interval=self.every,
            quantity=self.quantity,
            state=SubscriptionState.TRIAL if self.trial_until else SubscriptionState.ACTIVE,
            trial_until=self.trial_until,
        )


def from_subscription_record(record: CSVRow) -> SubscriptionRow:
    """From a file with one row per subscription."""
    row, values = record
    return SubscriptionRow(
        row,
        values["subscription"],
        values["customer"],
        values["plan"] or "",
        values["amount"],
        values["currency"],
        values["started_on"],
        values["ended_on"],
        values["every"] or "month",
        values.get("quantity") or 1,
        values.get("terms") or PriceBasis.NEGOTIATED.value,
    )


def from_wide_record(record: CSVRow, today: date) -> SubscriptionRow:
    """From a file with one row per customer: each started `tenure_months` before today.

    Such a file has no end dates; those who churned are taken to end today.
    """
    row, values = record
    return SubscriptionRow(
        row,
        values["external_id"],
        values["external_id"],
        values["plan"] or "",
        values["monthly"],
        values["currency"],
        months_before(today, values["tenure_months"]),
        today if values["churned"] else None,
    )


def row_faults(subscription: SubscriptionRow, today: date) -> list[RowError]:
    """A start too far ahead, an end to come or before the start, and a fee that is too large."""
    found = []
    if subscription.amount * subscription.quantity > MAX_FEE:
        reason = f"the fee of all units must be at most {MAX_FEE:,}"
        found.append(RowError(subscription.row, "amount", reason))
    if is_too_far_ahead(subscription.started_on, today):
        reason = f"{subscription.started_on} {TOO_FAR_AHEAD}"
        found.append(RowError(subscription.row, "started_on", reason))
    if subscription.ended_on is not None and subscription.ended_on > today:
        reason = f"{subscription.ended_on} is after today, {today}"
        found.append(RowError(subscription.row, "ended_on", reason))
    if subscription.ended_on is not None and subscription.ended_on < subscription.started_on:
        reason = f"{subscription.ended_on} is before the start, {subscription.started_on}"
        found.append(RowError(subscription.row, "ended_on", reason))
    return found
