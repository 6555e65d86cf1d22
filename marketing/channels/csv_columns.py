"""Columns of marketing's CSV files, and rows read from them."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from aethercrown.csv import reader
from aethercrown.csv.reader import Column, Record, Unreadable, day, flag, money, number, text


def factor(cell: str) -> float:
    """A number from 0 to 1,000,000."""
    value = number(cell)
    if not 0 <= value <= 1_000_000:
        raise Unreadable(f"must be 0 to 1000000, not {cell}")
    return float(value)


CHANNELS = (
    Column("name", text),
    Column("currency", reader.currency, required=False),
    Column("is_active", flag, required=False),
    Column("is_held", flag, required=False),
    Column("floor", money, required=False, about="minimum spend a week"),
    Column("ceiling", money, required=False, about="maximum spend a week"),
    Column("incrementality", factor, required=False),
    Column("platform_roi", factor, required=False),
    Column("notes", lambda cell: text(cell, 10_000), required=False),
)
PERFORMANCE = (
    Column("date", day),
    Column("channel", text),
    Column("spend", money),
    Column("revenue", money, required=False, about="empty where only the total is known"),
    Column("currency", reader.currency, required=False),
)
TOTALS = (
    Column("date", day),
    Column("revenue", money),
    Column("currency", reader.currency, required=False),
)
WEEKLY = (
    Column("date", day),
    Column("revenue", money, about="the company's total"),
    Column("spend", money, many=True, about="a column a channel"),
    Column("control", lambda cell: float(number(cell)), required=False, many=True),
)


class SpendEntry(NamedTuple):
    """Spend of one channel on one date, from a long or a wide file."""

    row: int
    channel: str
    date: date
    spend: Decimal
    revenue: Decimal | None
    currency: str


def long_entries(batch: Iterable[Record]) -> Iterator[SpendEntry]:
    """Entries of a file with one row for each channel and date."""
    for row, values in batch:
        yield SpendEntry(
            row,
            values["channel"],
            values["date"],
            values["spend"],
            values["revenue"],
            values["currency"],
        )


def wide_entries(batch: Iterable[Record], currency: str) -> Iterator[SpendEntry]:
    """Entries of a file with one row for each date and one spend column for each channel."""
    for row, values in batch:
        for channel, spend in values["spend"].items():
            yield SpendEntry(row, channel, values["date"], spend, None, currency)
