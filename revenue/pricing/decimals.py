"""Read and validate decimal numbers, and calculate with them exactly.

Arithmetic runs under CONTEXT: its 120 digits hold every product of two numbers accepted here, so
only divisions are rounded before the amount of a line is.
"""

import decimal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation

ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)
LARGEST_NUMBER = Decimal(10) ** 18
MAX_DECIMALS = 30
UNITS = tuple(ONE.scaleb(-digits) for digits in range(MAX_DECIMALS + 1))
CONTEXT = decimal.Context(
    prec=120,
    rounding=ROUND_HALF_UP,
    traps=[InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One bad value: its path, such as `tiers[1].up_to`, a code, and what is wrong with it."""

    path: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}".removeprefix(": ")


class InvalidValues(ValueError):
    """A price or a usage cannot be rated; `problems` lists every bad value."""

    def __init__(self, *problems: FieldProblem) -> None:
        super().__init__("; ".join(str(each) for each in problems))
        self.problems = problems


def invalid(path: str, code: str, message: str) -> InvalidValues:
    return InvalidValues(FieldProblem(path, code, message))


@contextmanager
def exact_arithmetic() -> Iterator[None]:
    """Decimal arithmetic in the block runs under CONTEXT, independent of the caller's context."""
    with decimal.localcontext(CONTEXT):
        yield


SNAP = ONE.scaleb(-60)


def snapped(value: Decimal) -> Decimal:
    """To 60 decimals: what a division and a multiplication by the same days left is removed.

    Without it 0.125 x 31 / 29 x 29 / 31 may end just below 0.125 and be rounded down.
    """
    return value.quantize(SNAP, context=CONTEXT).normalize(CONTEXT)


def rounded(amount: Decimal, digits: int) -> Decimal:
    """Round half away from zero to `digits` decimals; the result is never -0."""
    return amount.quantize(UNITS[digits], ROUND_HALF_UP, CONTEXT) + ZERO


def read_decimal(value: object, path: str, *, text: bool = False) -> Decimal:
    """A finite Decimal up to LARGEST_NUMBER; text is accepted only with `text`.

    Floats are read in their shortest form; more than 30 decimals are rounded to 30. Raises
    InvalidValues.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise invalid(path, "not_a_number", "must be a number")
    if isinstance(value, str) and not text:
        raise invalid(path, "not_a_number", "must be a number, not text")
    try:
        found = Decimal(value) if isinstance(value, int) else Decimal(str(value).strip())
    except InvalidOperation:
        raise invalid(path, "not_a_number", f"must be a number, not {value!r}") from None
    if not found.is_finite():
        raise invalid(path, "not_finite", "must be a finite number")
    if abs(found) > LARGEST_NUMBER:
        raise invalid(path, "max_value", f"must be {LARGEST_NUMBER:f} or less")
    exponent = found.as_tuple().exponent
    too_fine = isinstance(exponent, int) and -exponent > MAX_DECIMALS
    return found.quantize(UNITS[MAX_DECIMALS], context=CONTEXT) if too_fine else found


def non_negative(value: object, path: str, *, text: bool = False) -> Decimal:
    """As `read_decimal`, and 0 or more."""
    found = read_decimal(value, path, text=text)
    if found < 0:
        raise invalid(path, "min_value", f"must be 0 or more, not {found}")
    return found


def without_trailing_zeros(value: Decimal) -> Decimal:
    """The same number without trailing zeros: 1.5 for 1.5000."""
    return value.quantize(ONE) if value == value.to_integral_value() else value.normalize(CONTEXT)


def read_date(value: object, path: str) -> date:
    """A date, or its ISO text."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        message = f"must be a date such as 2026-12-31, not {value!r}"
        raise invalid(path, "not_a_date", message) from None
