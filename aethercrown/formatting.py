"""The one formatter of what people read: numbers, money, percent, dates, durations, plurals. Pure.

Pages, admin, mails, messages and charts use it. A dash stands for what is not known, never a zero.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import isfinite
from typing import Any

from aethercrown.currencies import exponent

Number = float | int | Decimal | None

MISSING = "\N{EN DASH}"
FLOAT_DIGITS = 4  # of a stored float: decimals, and below one the digits after its zeros
MAX_VALUE = 1e300  # sums and differences of two numbers stay finite
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}
_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))
_SPANS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))


@dataclass(frozen=True, slots=True)
class Unit:
    """The text before and after a number, and the decimals of a full figure."""

    prefix: str = ""
    suffix: str = ""
    digits: int = 0
    trims: bool = False  # whether zeros at the end are left out: 997, 0.5


COUNT = Unit()
RATIO = Unit(digits=2)
PERCENT = Unit(suffix="%", digits=1)
POINTS = Unit(suffix="\u00a0points", digits=1)  # the change of a percentage


def money(currency: str, digits: int | None = None) -> Unit:
    """The unit of an ISO 4217 currency, with its decimals or `digits`."""
    prefix = _SYMBOLS.get(currency, f"{currency}\u00a0")
    return Unit(prefix, digits=exponent(currency) if digits is None else digits)


def rounded(unit: Unit) -> Unit:
    """The same unit without decimals."""
    return replace(unit, digits=0)


def clean(value: Number) -> float | None:
    """A finite float, or None where there is no number to draw."""
    if value is None or not _is_finite(value):
        return None
    return float(max(-MAX_VALUE, min(MAX_VALUE, value)))


def _is_finite(value: float | Decimal) -> bool:
    """Also of whole numbers and decimals beyond the largest float."""
    if isinstance(value, Decimal):
        return value.is_finite()
    return isinstance(value, int) or isfinite(value)


def full(value: Number, unit: Unit = COUNT) -> str:
    """The full figure, for tables: $1,234.50; a dash for None."""
    number = clean(value)
    if number is None:
        return MISSING
    if abs(number) >= 1e15:
        return short(number, unit)
    digits = f"{abs(number):,.{unit.digits}f}"
    if unit.trims and "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return _with_unit(digits, unit, negative=number < 0)


def short(value: Number, unit: Unit = COUNT) -> str:
    """Three digits and a scale, for axes and labels: $1.23k; a dash for None."""
    number = clean(value)
    if number is None:
        return MISSING
    return _with_unit(_scaled(abs(number)), unit, negative=number < 0)


def signed(value: Number, unit: Unit = COUNT) -> str:
    """A full figure with + or a minus sign; zero has none."""
    text = full(value, unit)
    rises = (clean(value) or 0.0) > 0 and any(each in "123456789" for each in text)
    return f"+{text}" if rises else text


def number_text(value: Number, digits: int = 0) -> str:
    return full(value, Unit(digits=digits))


def money_text(value: Number, currency: str) -> str:
    """An amount with its currency's symbol and decimals: $1,634.72, ¥1,635."""
    return full(value, money(currency))


def percent_text(value: Number, digits: int = 1) -> str:
    """A percentage given as such: 6.4%."""
    return full(value, Unit(suffix="%", digits=digits))


def share_text(value: Number, digits: int = 0) -> str:
    """A part of one as a percentage: 0.064 is 6%."""
    number = clean(value)
    return percent_text(None if number is None else 100 * number, digits)


def probability_text(probability: float) -> str:
    """A probability as a whole percentage, never 0 or 100."""
    if probability >= 0.995:
        return "> 99%"
    if probability < 0.005:
        return "< 1%"
    return share_text(probability)


def exact_text(value: Decimal) -> str:
    """Every digit of a decimal, without trailing zeros or an exponent: 1,634.72."""
    if not value.is_finite():
        return MISSING
    text = f"{value:,f}"
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return _with_unit(text.lstrip("-"), COUNT, negative=value < 0)


def date_text(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


def month_text(day: date) -> str:
    return f"{day:%B %Y}"


def moment_text(at: datetime | None, *, seconds: bool = False) -> str:
    """A day and a time with its zone: 2 Mar 2026, 15:04 UTC; with `seconds` unless they are 0."""
    if at is None:
        return MISSING
    clock = f"{at:%H:%M:%S}" if seconds and at.second else f"{at:%H:%M}"
    return f"{date_text(at)}, {clock} {at:%Z}".rstrip()


def duration_text(length: timedelta | float | None) -> str:
    """The two largest units of a length of time in seconds: 3 h 5 min, 1.25 s, 40 ms."""
    seconds = length.total_seconds() if isinstance(length, timedelta) else clean(length)
    if seconds is None:
        return MISSING
    sign = "\N{MINUS SIGN}" if seconds < 0 else ""
    seconds = abs(seconds)
    if 0 < seconds < 0.9995:
        return f"{sign}{seconds * 1000:.3g} ms"
    if seconds < 59.995:
        return sign + f"{seconds:.2f}".rstrip("0").rstrip(".") + " s"
    return sign + _two_units(round(seconds))


def counted(count: int, noun: str, plural: str = "") -> str:
    """The count with its noun: "1 key", "2 keys", "1,000 keys", "3 entries"."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"


def yes_no(value: bool | None) -> str:  # noqa: FBT001 - the value itself is formatted
    return MISSING if value is None else "yes" if value else "no"


def value_text(value: object, currency: str = "") -> str | None:
    """A stored value by its type; a Decimal with a `currency` is money. None for another type."""
    if isinstance(value, bool):
        return yes_no(value)
    if isinstance(value, Decimal):
        return money_text(value, currency) if currency else exact_text(value)
    if isinstance(value, float):
        known = clean(value)
        return MISSING if known is None else exact_text(_without_noise(known))
    texts: tuple[tuple[type, Callable[[Any], str]], ...] = (
        (int, number_text),
        (datetime, moment_text),
        (date, date_text),
        (timedelta, duration_text),
    )
    return next((text(value) for kind, text in texts if isinstance(value, kind)), None)


def _without_noise(value: float) -> Decimal:
    """A stored float as it was meant: 0.30000000000000004 is 0.3, and 0.00002 stays that."""
    return Decimal(f"{value:.{FLOAT_DIGITS}{'g' if abs(value) < 1 else 'f'}}")


def _two_units(seconds: int) -> str:
    place = next(at for at, (size, _) in enumerate(_SPANS) if seconds >= size)
    size, name = _SPANS[place]
    whole, left = divmod(seconds, size)
    text = f"{whole:,} {name}"
    below = _SPANS[min(place + 1, len(_SPANS) - 1)]
    return f"{text} {left // below[0]} {below[1]}" if left >= below[0] else text


def _scaled(number: float) -> str:
    for scale, letter in _SCALES:
        if scale * 0.9995 <= number < 1e15:
            return f"{number / scale:.3g}{letter}"
    return f"{number:.3g}"


def _with_unit(digits: str, unit: Unit, *, negative: bool) -> str:
    sign = "\N{MINUS SIGN}" if negative and any(each in "123456789" for each in digits) else ""
    return f"{sign}{unit.prefix}{digits}{unit.suffix}"
