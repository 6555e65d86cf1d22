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
    CSVColumn("currency", reader.currency, required=False, cell="currency"),
    CSVColumn("is_active", flag, required=False),
    CSVColumn("is_held", flag, required=False),
    CSVColumn("floor", money, required=False, about="minimum spend a week", cell="amount"),
    CSVColumn("ceiling", money, required=False, about="maximum spend a week", cell="amount"),
    CSVColumn("incrementality", factor, required=False, cell="number"),
    CSVColumn("platform_roi", factor, required=False, cell="number"),
    CSVColumn("notes", lambda cell: text(cell, 10_000), required=False),
)
DATE_HEADERS = (
    *("day", "week", "week of", "month", "datum", "tag", "woche", "monat", "fecha", "data", "jour"),
    *("date start", "reporting starts", "start date", "period"),
)
CHANNEL_HEADERS = (
    *("kanal", "werbekanal", "canal", "canale", "kanaal", "source", "medium", "platform"),
    *("marketing channel", "channel group", "session default channel group"),
)
SPEND_HEADERS = (
    *("cost", "costs", "kosten", "ausgaben", "amount spent", "total spent", "spent", "ad spend"),
    *("ads cost", "media spend", "werbeausgaben", "coût", "dépenses", "gasto", "spesa", "uitgaven"),
)
REVENUE_HEADERS = (
    *("umsatz", "erlös", "einnahmen", "conv. value", "conversion value", "total revenue", "sales"),
    *("total conversion value", "purchases conversion value", "purchase revenue", "ingresos"),
    *("chiffre d'affaires", "omzet", "ricavi"),
)
CURRENCY_HEADERS = ("currency code", "währung", "devise", "moneda", "valuta")
CURRENCY = CSVColumn(
    "currency", reader.currency, required=False, cell="currency", headers=CURRENCY_HEADERS
)
PERFORMANCE = (
    CSVColumn("date", day, cell="date", headers=DATE_HEADERS),
    CSVColumn("channel", text, headers=CHANNEL_HEADERS),
    CSVColumn("spend", money, cell="amount", headers=SPEND_HEADERS),
    CSVColumn(
        "revenue",
        money,
        required=False,
        about="empty where only the total is known",
        cell="amount",
        headers=REVENUE_HEADERS,
    ),
    CURRENCY,
)
TOTALS = (
    CSVColumn("date", day, cell="date", headers=DATE_HEADERS),
    CSVColumn("revenue", money, cell="amount", headers=REVENUE_HEADERS),
    CURRENCY,
)
WEEKLY = (
    CSVColumn("date", day, cell="date", headers=DATE_HEADERS),
    CSVColumn(
        "revenue", money, about="the company's total", cell="amount", headers=REVENUE_HEADERS
    ),
    CSVColumn("spend", money, many=True, about="a column a channel", cell="amount"),
    CSVColumn(
        "control",
        lambda cell: float(number(cell)),
        required=False,
        many=True,
        about="a column a calendar flag",
        cell="number",
    ),
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
