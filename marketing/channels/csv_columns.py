"""Columns of marketing's CSV files, and rows read from them."""

from collections.abc import Iterable, Iterator
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from aethercrown.csv import reader
from aethercrown.csv.reader import CSVColumn, CSVRow, InvalidCSV, day, flag, money, number, text


def factor(cell: str) -> float:
    """A number from 0 to 1,000,000."""
    value = number(cell)
    if not 0 <= value <= 1_000_000:
        raise InvalidCSV(f"must be 0 to 1000000, not {cell}")
    return float(value)


CHANNELS = (
    CSVColumn("name", text),
    CSVColumn("currency", reader.currency, required=False),
    CSVColumn("is_active", flag, required=False),
    CSVColumn("is_held", flag, required=False),
    CSVColumn("floor", money, required=False, about="minimum spend a week"),
    CSVColumn("ceiling", money, required=False, about="maximum spend a week"),
    CSVColumn("incrementality", factor, required=False),
    CSVColumn("platform_roi", factor, required=False),
    CSVColumn("notes", lambda cell: text(cell, 10_000), required=False),
)
PERFORMANCE = (
    CSVColumn("date", day),
    CSVColumn("channel", text),
    CSVColumn("spend", money),
    CSVColumn("revenue", money, required=False, about="empty where only the total is known"),
    CSVColumn("currency", reader.currency, required=False),
)
TOTALS = (
    CSVColumn("date", day),
    CSVColumn("revenue", money),
    CSVColumn("currency", reader.currency, required=False),
)
WEEKLY = (
    CSVColumn("date", day),
    CSVColumn("revenue", money, about="the company's total"),
    CSVColumn("spend", money, many=True, about="a column a channel"),
    CSVColumn("control", lambda cell: float(number(cell)), required=False, many=True),
)


class SpendEntry(NamedTuple):
    """Spend of one channel on one date, from a long or a wide file."""

    row: int
    channel: str
    date: date
    spend: Decimal
    revenue: Decimal | None
    currency: str


def long_entries(batch: Iterable[CSVRow]) -> Iterator[SpendEntry]:
    """Entries of a file with one row for each channel and date."""
    for row, values in batch:
        yield SpendEntry(row, **{name: values[name] for name in SpendEntry._fields[1:]})


def wide_entries(batch: Iterable[CSVRow], currency: str) -> Iterator[SpendEntry]:
    """Entries of a file with one row for each date and one spend column for each channel."""
    for row, values in batch:
        for channel, spend in values["spend"].items():
            yield SpendEntry(row, channel, values["date"], spend, None, currency)
