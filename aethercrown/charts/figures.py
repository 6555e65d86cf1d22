"""Format numbers for charts and pages: money, percent and counts, in full or short."""

from dataclasses import dataclass, replace
from decimal import Decimal
from math import isfinite

from aethercrown.currencies import exponent

Number = float | int | Decimal | None

MISSING = "\N{EN DASH}"
MAX_VALUE = 1e300  # sums and differences of two numbers stay finite
_SYMBOLS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "INR": "₹", "KRW": "₩"}
_SCALES = ((1e12, "T"), (1e9, "B"), (1e6, "M"), (1e3, "k"))


@dataclass(frozen=True, slots=True)
class Unit:
    """The text before and after a number, and the decimals of a full figure."""

    prefix: str = ""
    suffix: str = ""
    digits: int = 0


COUNT = Unit()
PERCENT = Unit(suffix="%", digits=1)


def money(currency: str, digits: int | None = None) -> Unit:
    """The unit of an ISO 4217 currency, with its decimals or `digits`."""
    prefix = _SYMBOLS.get(currency, f"{currency}\u00a0")
    return Unit(prefix, digits=exponent(currency) if digits is None else digits)


def rounded(unit: Unit) -> Unit:
    """The same unit without decimals."""
    return replace(unit, digits=0)


def clean(value: Number) -> float | None:
    """A finite float, or None where there is no number to draw."""
    if value is None or (isinstance(value, Decimal) and not value.is_finite()):
        return None
    number = max(-MAX_VALUE, min(MAX_VALUE, value))
    return float(number) if isfinite(value) else None


def full(value: Number, unit: Unit = COUNT) -> str:
    """The full figure, for tables: $1,234.50; a dash for None."""
    number = clean(value)
    if number is None:
        return MISSING
    if abs(number) >= 1e15:
        return short(number, unit)
    return _with_unit(f"{abs(number):,.{unit.digits}f}", unit, negative=number < 0)


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


def _scaled(number: float) -> str:
    for scale, letter in _SCALES:
        if scale * 0.9995 <= number < 1e15:
            return f"{number / scale:.3g}{letter}"
    return f"{number:.3g}"


def _with_unit(digits: str, unit: Unit, *, negative: bool) -> str:
    sign = "\N{MINUS SIGN}" if negative and any(each in "123456789" for each in digits) else ""
    return f"{sign}{unit.prefix}{digits}{unit.suffix}"
