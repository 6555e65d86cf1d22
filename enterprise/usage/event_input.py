"""Read events as callers send them: ours, or CloudEvents 1.0 in JSON; pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from difflib import get_close_matches
from enum import StrEnum
from hashlib import blake2b
from math import isfinite
from typing import Any, NamedTuple

WINDOW = timedelta(days=34)  # back from now; older use needs a backfill
MAX_CLOCK_AHEAD = timedelta(minutes=5)  # by which a caller's clock may be wrong
MAX_ID_CHARACTERS, MAX_SOURCE_CHARACTERS = 100, 50
MAX_QUANTITY, DECIMALS = Decimal(10) ** 12, 6
EARLIEST_YEAR, LATEST_YEAR = 1900, 2199
NAMES = ("event_id", "client_id", "metric", "quantity", "timestamp", "corrects", "source")
REQUIRED = NAMES[:5]
CLOUD_NAMES = {"id": "event_id", "subject": "client_id", "type": "metric", "time": "timestamp"}
CLOUD_IGNORED = ("specversion", "datacontenttype", "dataschema")
DEFAULT_SOURCE = "api"
RESERVED_SOURCES = frozenset({"readings", "backfill"})  # of rows that the platform writes


class ItemStatus(StrEnum):
    """What became of one event of a call."""

    ACCEPTED = "accepted"
    DUPLICATE = "duplicate"
    CONFLICT = "conflict"
    REJECTED = "rejected"


class InputProblem(NamedTuple):
    """What is wrong with a field of an event."""

    field: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class EventInput:
    """An event that may be stored."""

    event_id: str
    client_id: str
    metric: str
    quantity: Decimal
    at: datetime
    corrects: str = ""
    source: str = DEFAULT_SOURCE

    @property
    def key(self) -> str:
        """A digest of source and id, as 32 hexadecimal digits."""
        return blake2b(f"{self.source}\0{self.event_id}".encode(), digest_size=16).hexdigest()

    @property
    def content(self) -> int:
        """A digest of everything else, as a signed number of 64 bits."""
        parts = (
            self.client_id,
            self.metric,
            format(self.quantity.normalize(), "f"),
            self.at.isoformat(),
            self.corrects,
        )
        found = blake2b("\0".join(parts).encode(), digest_size=8).digest()
        return int.from_bytes(found, signed=True)


class InvalidEvent(ValueError):
    """The event cannot be stored; `problems` has every bad field."""

    def __init__(self, problems: list[InputProblem]) -> None:
        super().__init__("; ".join(f"{each.field} {each.message}".strip() for each in problems))
        self.problems = problems


def read_event(
    item: object, now: datetime, window: timedelta | None = WINDOW, source: str = DEFAULT_SOURCE
) -> EventInput:
    """One event; `window` is how old it may be, None any age. Raises InvalidEvent."""
    if not isinstance(item, Mapping):
        raise InvalidEvent([InputProblem("", "not_a_dict", "must be an object")])
    given = _of_cloud_event(item) if "specversion" in item else item
    problems = list(_unknown(given))
    texts = {
        name: _text(given, name, problems, most)
        for name, most in (
            ("event_id", MAX_ID_CHARACTERS),
            ("client_id", MAX_ID_CHARACTERS),
            ("metric", MAX_ID_CHARACTERS),
            ("corrects", MAX_ID_CHARACTERS),
            ("source", MAX_SOURCE_CHARACTERS),
        )
    }
    if texts["source"] in RESERVED_SOURCES:
        problems.append(InputProblem("source", "reserved", "is a name of the platform's own"))
    quantity = _quantity(given, problems)
    at = _moment(given, now, window, problems)
    if quantity is not None and quantity < 0 and not texts["corrects"]:
        words = "must be 0 or more; only a correction, with `corrects`, is negative"
        problems.append(InputProblem("quantity", "min_value", words))
    if problems or quantity is None or at is None:
        raise InvalidEvent(problems)
    return EventInput(
        texts["event_id"],
        texts["client_id"],
        texts["metric"],
        quantity,
        at,
        texts["corrects"],
        texts["source"] or source,
    )


def _of_cloud_event(item: Mapping[Any, Any]) -> dict[Any, Any]:
    """The attributes of a CloudEvent under our names; `data` holds the quantity."""
    data = item.get("data")
    known = {CLOUD_NAMES.get(name, name): value for name, value in item.items()}
    kept = {name: value for name, value in known.items() if name not in {*CLOUD_IGNORED, "data"}}
    return {**kept, **(data if isinstance(data, Mapping) else {})}


def _unknown(given: Mapping[Any, Any]) -> Iterator[InputProblem]:
    for name in given:
        if name not in NAMES:
            nearest = get_close_matches(str(name)[:50], NAMES, n=1, cutoff=0)[0]
            words = f"is not known here; the nearest is {nearest}"
            yield InputProblem(str(name)[:MAX_ID_CHARACTERS], "unknown", words)


def _missing(given: Mapping[Any, Any], name: str, problems: list[InputProblem]) -> bool:
    """Whether there is no value, which is a problem where one is required."""
    if name not in given and name not in REQUIRED:
        return True
    if given.get(name) is None:
        is_there = name in given
        problems.append(
            InputProblem(name, "null", "must not be null")
            if is_there
            else InputProblem(name, "required", "is required")
        )
        return True
    return False


def _text(given: Mapping[Any, Any], name: str, problems: list[InputProblem], most: int) -> str:
    if _missing(given, name, problems):
        return ""
    value = given[name]
    if isinstance(value, int) and not isinstance(value, bool) and name != "metric":
        value = str(value)
    if not isinstance(value, str):
        problems.append(InputProblem(name, "invalid", "must be a string"))
        return ""
    value = value.strip()
    if not value:
        problems.append(InputProblem(name, "blank", "must not be blank"))
    elif len(value) > most:
        words = f"must have {most} characters or fewer"
        problems.append(InputProblem(name, "max_length", words))
    elif not value.isprintable():
        problems.append(InputProblem(name, "invalid", "must have printable characters only"))
    return value


def read_quantity(value: object) -> Decimal:
    """A finite number of at most six decimals and 10^12. Raises ValueError with what it must be."""
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise ValueError("must be a number")  # noqa: TRY004 - one error for every bad quantity
    if not isinstance(value, int) and not isfinite(value):
        raise ValueError("must be a finite number")
    exact = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    if abs(exact) > MAX_QUANTITY:
        raise ValueError(f"must be at most {MAX_QUANTITY:,}")
    if exact != round(exact, DECIMALS):
        raise ValueError(f"must have at most {DECIMALS} decimals")
    return exact


def _quantity(given: Mapping[Any, Any], problems: list[InputProblem]) -> Decimal | None:
    if _missing(given, "quantity", problems):
        return None
    try:
        return read_quantity(given["quantity"])
    except ValueError as error:
        problems.append(InputProblem("quantity", "invalid", str(error)))
        return None


def read_moment(value: object) -> datetime:
    """A time with its offset. Raises ValueError with what it must be."""
    if not isinstance(value, str) or len(value) > 40:
        raise ValueError("must be a time such as 2026-12-31T23:59:00Z")
    try:
        found = datetime.fromisoformat(value.strip().upper())
    except ValueError:
        raise ValueError("must be a time such as 2026-12-31T23:59:00Z") from None
    if found.tzinfo is None:
        raise ValueError("must end in its offset from UTC, such as Z or +02:00")
    if not EARLIEST_YEAR <= found.year <= LATEST_YEAR:
        raise ValueError(f"must lie in the years {EARLIEST_YEAR} to {LATEST_YEAR}")
    return found


def _moment(
    given: Mapping[Any, Any],
    now: datetime,
    window: timedelta | None,
    problems: list[InputProblem],
) -> datetime | None:
    if _missing(given, "timestamp", problems):
        return None
    try:
        found = read_moment(given["timestamp"]).astimezone(now.tzinfo)
    except ValueError as error:
        problems.append(InputProblem("timestamp", "invalid", str(error)))
        return None
    if problem := time_problem(found, now, window):
        problems.append(problem)
    return found


def time_problem(
    at: datetime, now: datetime, window: timedelta | None = WINDOW
) -> InputProblem | None:
    """Why use of that time is not taken; None where it is."""
    if at > now + MAX_CLOCK_AHEAD:
        words = f"is more than {MAX_CLOCK_AHEAD.seconds // 60} minutes ahead"
        return InputProblem("timestamp", "in_the_future", words)
    if window is not None and at < now - window:
        words = f"is more than {window.days} days ago; older use needs a backfill"
        return InputProblem("timestamp", "too_old", words)
    return None
