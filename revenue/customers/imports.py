"""What files of customers, subscriptions and payments look like."""

import zoneinfo
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from aethercrown.csv import reader
from aethercrown.csv.reader import Column, Fault, Record, Unreadable, day, flag, number, text
from revenue.mrr.billing_interval import MONTHS, monthly, months_before

LONGEST_TENURE = 1200  # months
LARGEST = Decimal(1_000_000_000)
LARGEST_QUANTITY = Decimal(10) ** 12


def zone(cell: str) -> str:
    """A time zone of the IANA database."""
    if cell not in zoneinfo.available_timezones():
        raise Unreadable(f"{cell[:40]!r} is not a time zone such as Europe/Berlin")
    return cell


def amount(cell: str) -> Decimal:
    """A price or payment of 0 or more."""
    value = number(cell)
    if not 0 <= value <= LARGEST:
        raise Unreadable(f"must be 0 to {LARGEST}, not {cell}")
    return monthly(value, "month")


def interval(cell: str) -> str:
    """How often the amount is paid."""
    if cell.lower() not in MONTHS:
        raise Unreadable(f"{cell[:40]!r} is not one of {', '.join(MONTHS)}")
    return cell.lower()


def months(cell: str) -> int:
    """A whole number of months."""
    value = number(cell)
    if value != value.to_integral_value() or not 0 <= value <= LONGEST_TENURE:
        raise Unreadable(f"must be a whole number from 0 to {LONGEST_TENURE}, not {cell}")
    return int(value)


def direction(cell: str) -> str:
    """Whether money came or went back."""
    if cell.lower() not in {"payment", "refund"}:
        raise Unreadable(f"{cell[:40]!r} is neither payment nor refund")
    return cell.lower()


def quantity(cell: str) -> Decimal:
    """What was used of a metric: 0 or more."""
    value = number(cell)
    if not 0 <= value <= LARGEST_QUANTITY:
        raise Unreadable(f"must be 0 to {LARGEST_QUANTITY:f}, not {cell}")
    return value


PROFILE = (
    Column("name", lambda cell: text(cell, 200), required=False),
    Column("segment", text, required=False),
    Column("size", lambda cell: text(cell, 50), required=False, about="such as 11-50"),
    Column("owner", lambda cell: text(cell, 150), required=False),
    Column("currency", reader.currency, required=False),
    Column("time_zone", zone, required=False),
)
CUSTOMERS = (Column("external_id", text), *PROFILE)
SUBSCRIPTIONS = (
    Column("subscription", text, about="its identifier"),
    Column("customer", text, about="the customer's external_id"),
    Column("plan", text, required=False),
    Column("amount", amount, about="for each interval"),
    Column("every", interval, required=False, about="week, month (usual), quarter or year"),
    Column("currency", reader.currency, required=False),
    Column("started_on", day),
    Column("ended_on", day, required=False, about="first day without it"),
)
PAYMENTS = (
    Column("payment", text, about="its identifier"),
    Column("customer", text, about="the customer's external_id"),
    Column("kind", direction, required=False),
    Column("paid_on", day),
    Column("amount", amount),
    Column("currency", reader.currency, required=False),
)
USE = (
    Column("customer", text, about="the customer's external_id"),
    Column("metric", text, about="the meter's code, such as api_calls"),
    Column("day", day, about="in the customer's billing time zone"),
    Column("quantity", quantity, about="the whole day's"),
)
WIDE = (
    Column("external_id", text),
    *PROFILE,
    Column("plan", text, required=False),
    Column("tenure_months", months, about="how long they have paid, until today or their end"),
    Column("monthly", amount, about="what they pay a month"),
    Column("churned", flag, about="whether they have left"),
)


class Fact(NamedTuple):
    """One subscription of a file, in whichever form it stood there."""

    row: int
    external_id: str
    customer: str
    plan: str
    amount: Decimal
    currency: str
    started_on: date
    ended_on: date | None


def long_fact(record: Record) -> Fact:
    """From a file with a row for each subscription."""
    row, values = record
    return Fact(
        row,
        values["subscription"],
        values["customer"],
        values["plan"] or "",
        monthly(values["amount"], values["every"] or "month"),
        values["currency"],
        values["started_on"],
        values["ended_on"],
    )


def wide_fact(record: Record, today: date) -> Fact:
    """From a file with a row for each customer: they began as many months ago as they have paid.

    Such a file does not say when those who left did so; they are taken to end today.
    """
    row, values = record
    return Fact(
        row,
        values["external_id"],
        values["external_id"],
        values["plan"] or "",
        values["monthly"],
        values["currency"],
        months_before(today, values["tenure_months"]),
        today if values["churned"] else None,
    )


def day_faults(fact: Fact, today: date) -> list[Fault]:
    """What is wrong with a subscription's days."""
    found = []
    for name, on in (("started_on", fact.started_on), ("ended_on", fact.ended_on)):
        if on is not None and on > today:
            found.append(Fault(fact.row, name, f"{on} is after today, {today}"))
    if fact.ended_on is not None and fact.ended_on < fact.started_on:
        reason = f"{fact.ended_on} is before the start, {fact.started_on}"
        found.append(Fault(fact.row, "ended_on", reason))
    return found
