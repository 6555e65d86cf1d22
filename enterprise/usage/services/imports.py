"""Importing events from CSV files."""

from collections.abc import Sequence
from datetime import datetime
from io import BytesIO
from typing import Any

from django.utils import timezone

from aethercrown.csv.importing import ImportCounts, Importer, ImportOptions
from aethercrown.csv.reader import (
    CSVColumn,
    CSVReader,
    CSVRow,
    InvalidCSV,
    RowError,
    number,
    text,
)
from enterprise.usage.metering.event_input import WINDOW, ItemStatus, read_moment
from enterprise.usage.services import track

MAX_NAMED = 20  # lines of a CSV text that are no rows


def moment(cell: str) -> datetime:
    """A time with its offset."""
    try:
        return read_moment(cell)
    except ValueError as error:
        raise InvalidCSV(str(error)) from None


COLUMNS = (
    CSVColumn("event_id", text, about="the same on every retry"),
    CSVColumn("client_id", text, about="the customer's external_id"),
    CSVColumn("metric", text, about="such as api_calls"),
    CSVColumn("quantity", number, about="of this event", cell="number"),
    CSVColumn("timestamp", moment, about="with its offset, such as 2026-12-31T23:59:00Z"),
    CSVColumn("corrects", text, required=False, about="the event_id that it corrects"),
    CSVColumn("value", text, required=False, about="what a unique metric counts once"),
)


def quantity_or_text(cell: str) -> Any:
    """A number; text that is none is refused with its row later."""
    try:
        return number(cell)
    except InvalidCSV:
        return cell


LOOSE_COLUMNS = tuple(
    CSVColumn(each.name, quantity_or_text if each.name == "quantity" else str, required=False)
    for each in COLUMNS
)


def events_of_csv(content: str) -> list[dict[str, Any]]:
    """The rows of a CSV text as events, which may be bad. Raises InvalidCSV, naming every line."""
    reader = CSVReader(BytesIO(content.encode()), LOOSE_COLUMNS)
    problems, found = list(reader.faults), []
    for each in () if problems else reader:
        if isinstance(each, RowError):
            problems.append(each)
        else:
            given = {name: value for name, value in each.values.items() if value is not None}
            found.append(given)
    if problems:
        named = (f"line {each.row} {each.column} {each.reason}" for each in problems[:MAX_NAMED])
        raise InvalidCSV("; ".join(" ".join(each.split()) for each in named))
    return found


def event_of(values: dict[str, Any]) -> dict[str, Any]:
    """A row as an event of the API."""
    given = {name: value for name, value in values.items() if value is not None}
    return {**given, "timestamp": values["timestamp"].isoformat()}


def faults(batch: Sequence[CSVRow], _options: ImportOptions) -> list[RowError]:
    """Rows that the API would reject, or whose id another event has."""
    items = [event_of(values) for _, values in batch]
    found = track.looked_at(items, timezone.now(), WINDOW)
    return [
        RowError(row, problem.field or "event_id", problem.message)
        for (row, _), result in zip(batch, found.items, strict=True)
        for problem in track.problems_of(result)
    ]


def save(batch: Sequence[CSVRow], _options: ImportOptions) -> ImportCounts:
    """Store the events of rows; those that are stored already change nothing."""
    items = [event_of(values) for _, values in batch]
    found = track.track(items, atomic=False, now=timezone.now())
    return ImportCounts(created=found.count(ItemStatus.ACCEPTED))


IMPORTER = Importer("usage-events", "Usage events", COLUMNS, ("event_id",), faults, save)
