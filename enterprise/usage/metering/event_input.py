"""Read events as callers send them: ours, or CloudEvents 1.0 in JSON; pure."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from hashlib import blake2b
from math import isfinite
from typing import Any, NamedTuple

from aethercrown.formatting import date_text

WINDOW = timedelta(days=34)  # back from now; older use needs a backfill
MAX_CLOCK_AHEAD = timedelta(minutes=5)  # by which a caller's clock may be wrong
MAX_EVENTS = 5_000  # of one call
MAX_ID_CHARACTERS = MAX_SOURCE_CHARACTERS = 100
MAX_WHOLE, MAX_QUANTITY, DECIMALS = 10**12, Decimal(10) ** 12, 6
EARLIEST_YEAR, LATEST_YEAR = 1900, 2199
REQUIRED = ("event_id", "client_id", "metric", "quantity", "timestamp")
NAMES = (*REQUIRED, "corrects", "value", "source")
TEXTS = (
    ("event_id", MAX_ID_CHARACTERS),
    ("client_id", MAX_ID_CHARACTERS),
    ("metric", MAX_ID_CHARACTERS),
    ("corrects", MAX_ID_CHARACTERS),
    ("value", MAX_ID_CHARACTERS),
    ("source", MAX_SOURCE_CHARACTERS),
)
MAX_UNKNOWN = 20  # names of one event that are listed; the others are counted
CLOUD_NAMES = {"id": "event_id", "subject": "client_id", "type": "metric", "time": "timestamp"}
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


class EventInput(NamedTuple):
    """An event that may be stored. `value` is what a metric of different values counts once."""

    event_id: str
    client_id: str
    metric: str
    quantity: Decimal
    at: datetime
    corrects: str = ""
    source: str = DEFAULT_SOURCE
    value: str = ""

    @property
    def key(self) -> str:
        """A digest of source and id, as 32 hexadecimal digits."""
        return blake2b(f"{self.source}\0{self.event_id}".encode(), digest_size=16).hexdigest()

    @property
    def content(self) -> int:
        """A digest of everything else, as a signed number of 64 bits."""
        quantity = self.quantity
        whole = int(quantity)
        number = str(whole) if whole == quantity else format(quantity.normalize(), "f")
        parts = [self.client_id, self.metric, number, self.at.isoformat(), self.corrects]
        if self.value:
            parts.append(self.value)
        found = blake2b("\0".join(parts).encode(), digest_size=8).digest()
        return int.from_bytes(found, signed=True)


class InvalidEvent(ValueError):
    """The event cannot be stored; `problems` has every bad field."""

    def __init__(self, problems: list[InputProblem]) -> None:
        super().__init__("; ".join(f"{each.field} {each.message}".strip() for each in problems))
        self.problems = problems


def read_event(
    item: object,
    now: datetime,
    window: timedelta | None = WINDOW,
    source: str = DEFAULT_SOURCE,
    earliest: datetime | None = None,
) -> EventInput:
    """One event, at most `window` old (None: any age), and not before `earliest`.

    Raises InvalidEvent.
    """
    if window is not None:
        plain = _plain_event(item, now - window, now + MAX_CLOCK_AHEAD, source)
        if plain is not None:
            return plain
    if not isinstance(item, Mapping):
        raise InvalidEvent([InputProblem("", "not_a_dict", "must be an object")])
    given = _of_cloud_event(item) if "specversion" in item else item
    problems = list(_unknown(given))
    texts = {name: _text(given, name, problems, most) for name, most in TEXTS}
    if texts["source"] in RESERVED_SOURCES:
        problems.append(InputProblem("source", "reserved", "is a name of the platform's own"))
    quantity = _quantity(given, problems)
    at = _moment(given, now, window, earliest, problems)
    if quantity is not None and quantity < 0 and not texts["corrects"]:
        words = "must be 0 or more; only a correction, with `corrects`, is negative"
        problems.append(InputProblem("quantity", "min_value", words))
    if problems or quantity is None or at is None:
        raise InvalidEvent(problems)
    event_id, client_id, metric, corrects, value, given_source = texts.values()
    return EventInput(
        event_id, client_id, metric, quantity, at, corrects, given_source or source, value
    )


def _plain_event(
    item: object, earliest: datetime, latest: datetime, source: str
) -> EventInput | None:
    """An event of the five required fields in their usual form; None is for the full check.

    Nearly all events are such, and this takes a fifth of the time.
    """
    if type(item) is not dict or len(item) != len(REQUIRED):
        return None
    texts: Any = tuple(map(item.get, ("event_id", "client_id", "metric", "timestamp")))
    quantity = item.get("quantity")
    if (
        type(quantity) is not int
        or not 0 <= quantity <= MAX_WHOLE
        or not all(map(_is_plain, texts))
    ):
        return None
    event_id, client_id, metric, timestamp = texts
    try:
        at = datetime.fromisoformat(timestamp).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    has_offset = timestamp[-1] == "Z" or "+" in timestamp
    if not (has_offset and earliest <= at <= latest):
        return None
    return EventInput(event_id, client_id, metric, Decimal(quantity), at, "", source)


def _is_plain(text: object) -> bool:
    return (
        type(text) is str
        and 0 < len(text) <= MAX_ID_CHARACTERS
        and text.isprintable()
        and text[0] != " "
        and text[-1] != " "
    )


def _of_cloud_event(item: Mapping[Any, Any]) -> dict[Any, Any]:
    """The attributes of a CloudEvent under our names, without its extensions; `data` is ours."""
    data = item.get("data")
    known = {CLOUD_NAMES.get(name, name): value for name, value in item.items()}
    kept = {name: known[name] for name in NAMES if name in known and name != "quantity"}
    return {**kept, **(data if isinstance(data, Mapping) else {})}


def _unknown(given: Mapping[Any, Any]) -> Iterator[InputProblem]:
    """The first few names that are not known, each with the nearest one, and how many more."""
    unknown = [str(name)[:MAX_ID_CHARACTERS] for name in given if name not in NAMES]
    for name in unknown[:MAX_UNKNOWN]:
        yield InputProblem(name, "unknown", f"is not known here; the nearest is {nearest(name)}")
    if len(unknown) > MAX_UNKNOWN:
        words = f"has {len(unknown) - MAX_UNKNOWN:,} more unknown names"
        yield InputProblem("", "unknown", words)


def nearest(name: str) -> str:
    """The known name that shares most pairs of letters; looking is fast, as a body has many."""
    pairs = _pairs(name.lower())
    return max(NAMES, key=lambda known: 2 * len(pairs & PAIRS[known]) - len(PAIRS[known]))


def _pairs(name: str) -> frozenset[str]:
    return frozenset(name[place : place + 2] for place in range(len(name) - 1))


PAIRS = {name: _pairs(name) for name in NAMES}


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
    earliest: datetime | None,
    problems: list[InputProblem],
) -> datetime | None:
    if _missing(given, "timestamp", problems):
        return None
    try:
        found = read_moment(given["timestamp"]).astimezone(UTC)
    except ValueError as error:
        problems.append(InputProblem("timestamp", "invalid", str(error)))
        return None
    if problem := time_problem(found, now, window, earliest):
        problems.append(problem)
    return found


def time_problem(
    at: datetime,
    now: datetime,
    window: timedelta | None = WINDOW,
    earliest: datetime | None = None,
) -> InputProblem | None:
    """Why use of that time is not taken; None where it is."""
    if at > now + MAX_CLOCK_AHEAD:
        words = f"is more than {MAX_CLOCK_AHEAD.seconds // 60} minutes ahead"
        return InputProblem("timestamp", "in_the_future", words)
    if window is not None and at < now - window:
        words = f"is more than {window.days} days ago; older use needs a backfill"
        return InputProblem("timestamp", "too_old", words)
    if earliest is not None and at < earliest:
        words = f"is before {date_text(earliest)}, from which events are kept by the usage policy"
        return InputProblem("timestamp", "too_old", words)
    return None
