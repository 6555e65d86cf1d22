"""Spend summed by channel and date in a temporary file, so that memory does not grow; pure."""

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from aethercrown.csv.reader import RowError
from aethercrown.text import folded

MAX_CHANNELS = 2_000
MAX_CENTS = 99_999_999_999_999
SCHEMA = """
CREATE TABLE spend (
    channel INTEGER NOT NULL, day TEXT NOT NULL, cents INTEGER NOT NULL, revenue INTEGER,
    line INTEGER NOT NULL, count INTEGER NOT NULL, PRIMARY KEY (channel, day)
) WITHOUT ROWID
"""
ADD = """
INSERT INTO spend VALUES (?, ?, ?, ?, ?, 1) ON CONFLICT (channel, day) DO UPDATE SET
cents = cents + excluded.cents, revenue = revenue + excluded.revenue, count = count + 1
"""


class SpendRecord(NamedTuple):
    """Spend of a channel, by its place among the channels, on a day; revenue None if unknown."""

    channel: int
    date: date
    spend: Decimal
    revenue: Decimal | None


@dataclass(slots=True)
class ChannelTotal:
    """One channel of a file."""

    name: str
    currency: str
    records: int = 0
    spend: Decimal = Decimal(0)
    revenue: Decimal | None = None
    unknown_revenue: int = 0


class SpendTable:
    """Rows of a file by channel and date. `known` are stored channels' currencies by name."""

    def __init__(self, known: dict[str, str], *, add_up: bool) -> None:
        self.channels: list[ChannelTotal] = []
        self.spellings: dict[str, str] = {}  # a spelling that was read as another name
        self._known = {folded(name): (name, currency) for name, currency in known.items()}
        self._places: dict[str, int] = {}
        self._exact: dict[str, int] = {}
        self._add_up = add_up
        self._rows = sqlite3.connect("")  # a temporary file that SQLite deletes
        self._rows.execute("PRAGMA synchronous = OFF")
        self._rows.execute(SCHEMA)

    def add(
        self, line: int, name: str, currency: str, on: date, amounts: tuple[Decimal, Decimal | None]
    ) -> RowError | None:
        """Add a row; a fault where its currency is not the channel's or it is there twice."""
        at = self._exact.get(name)
        if at is None:
            at = self._place(name, currency)
            if at is None:
                return RowError(line, "channel", f"there are more than {MAX_CHANNELS} channels")
        channel = self.channels[at]
        if channel.currency != currency:
            reason = (
                f"{channel.name} is in {channel.currency}, this row is in {currency}: "
                f"mixed currencies need a rate"
            )
            return RowError(line, "currency", reason)
        spend, revenue = amounts
        earned = None if revenue is None else int(revenue * 100)
        row = (at, on.isoformat(), int(spend * 100), earned)
        if not self._add_up and (first := self._line_of(at, row[1])):
            return RowError(line, "date", f"{on}, {channel.name} is in row {first} already")
        self._rows.execute(ADD, (*row, line))
        return None

    def _line_of(self, at: int, on: str) -> int:
        found = self._rows.execute(
            "SELECT line FROM spend WHERE channel = ? AND day = ?", (at, on)
        ).fetchone()
        return int(found[0]) if found else 0

    def _place(self, name: str, currency: str) -> int | None:
        """The channel of a spelling; new ones are added. None where there are too many."""
        key = folded(name)
        at = self._places.get(key)
        if at is None:
            if len(self.channels) == MAX_CHANNELS:
                return None
            stored, own = self._known.get(key, (name, currency))
            at = self._places[key] = len(self.channels)
            self.channels.append(ChannelTotal(stored, own))
        if self.channels[at].name != name:
            self.spellings[name] = self.channels[at].name
        if len(self._exact) < 10 * MAX_CHANNELS:
            self._exact[name] = at
        return at

    def finish(self) -> tuple[int, date | None, date | None]:
        """Total each channel; how many records there are, and their first and last day."""
        rows = self._rows.execute(
            "SELECT channel, count(*), sum(cents), sum(revenue), count(*) - count(revenue)"
            " FROM spend GROUP BY channel"
        )
        for at, count, cents, revenue, unknown in rows:
            each = self.channels[at]
            each.records, each.spend, each.unknown_revenue = count, Decimal(cents) / 100, unknown
            each.revenue = None if revenue is None else Decimal(revenue) / 100
        count, first, last = self._rows.execute(
            "SELECT count(*), min(day), max(day) FROM spend"
        ).fetchone()
        days = (first and date.fromisoformat(first), last and date.fromisoformat(last))
        return count, *days

    def too_large(self) -> list[tuple[int, str]]:
        """Line and channel of sums that do not fit."""
        rows = self._rows.execute(
            "SELECT line, channel FROM spend WHERE cents > ? OR revenue > ? LIMIT 20",
            (MAX_CENTS, MAX_CENTS),
        )
        return [(line, self.channels[at].name) for line, at in rows]

    def after(self, last_day: date) -> list[tuple[int, date]]:
        """Line and date of records after a day, the first 20."""
        rows = self._rows.execute(
            "SELECT line, day FROM spend WHERE day > ? ORDER BY line LIMIT 20",
            (last_day.isoformat(),),
        )
        return [(line, date.fromisoformat(on)) for line, on in rows]

    def records(self) -> Iterator[SpendRecord]:
        """Every record, by date and channel: so few pages of the stored table's indexes change."""
        for at, on, cents, revenue in self._rows.execute(
            "SELECT channel, day, cents, revenue FROM spend ORDER BY day, channel"
        ):
            earned = None if revenue is None else Decimal(revenue).scaleb(-2)
            yield SpendRecord(at, date.fromisoformat(on), Decimal(cents).scaleb(-2), earned)

    def close(self) -> None:
        self._rows.close()
