"""Decimal numbers as they come in, checked and named by their path.

Arithmetic runs under CONTEXT: 120 digits hold every product of two numbers accepted here, so
nothing but a division is ever rounded before the line is.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import (
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    InvalidOperation,
    Overflow,
    localcontext,
)

ZERO, ONE, HUNDRED = Decimal(0), Decimal(1), Decimal(100)
LARGEST = Decimal(10) ** 18
MOST_DECIMALS = 30
FINEST = Decimal(1).scaleb(-MOST_DECIMALS)
UNITS = tuple(ONE.scaleb(-digits) for digits in range(MOST_DECIMALS + 1))
CONTEXT = Context(
    prec=120, rounding=ROUND_HALF_UP, traps=[InvalidOperation, DivisionByZero, Overflow]
)


@dataclass(frozen=True, slots=True)
class Problem:
    """One bad value: its path, such as `tiers[1].up_to`, a code, and what is wrong with it."""

    path: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}".removeprefix(": ")


class Wrong(ValueError):
    """A price or a use that cannot be rated; lists every bad value."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(str(each) for each in problems))
        self.problems = problems


@contextmanager
def exactly() -> Iterator[None]:
    """Decimal arithmetic inside is exact whatever the caller's context."""
    with localcontext(CONTEXT):
        yield


def rounded(amount: Decimal, digits: int) -> Decimal:
    """Half up (away from zero) to `digits` decimals; zero has no sign."""
    return amount.quantize(UNITS[digits], ROUND_HALF_UP, CONTEXT) + ZERO


def number(value: object, path: str, *, text: bool = False) -> Decimal:
    """A finite Decimal within LARGEST; floats by their shortest form, texts only if allowed.

    More than 30 decimals are rounded to 30. Raises Wrong.
    """
    if isinstance(value, bool) or not isinstance(value, Decimal | int | float | str):
        raise Wrong(Problem(path, "not_a_number", "must be a number"))
    if isinstance(value, str) and not text:
        raise Wrong(Problem(path, "not_a_number", "must be a number, not text"))
    try:
        found = Decimal(value) if isinstance(value, int) else Decimal(str(value).strip())
    except InvalidOperation:
        raise Wrong(Problem(path, "not_a_number", f"must be a number, not {value!r}")) from None
    if not found.is_finite():
        raise Wrong(Problem(path, "not_finite", "must be a finite number"))
    if abs(found) > LARGEST:
        raise Wrong(Problem(path, "max_value", f"must be {LARGEST:.0f} or less"))
    return found if _decimals(found) <= MOST_DECIMALS else found.quantize(FINEST, context=CONTEXT)


def _decimals(value: Decimal) -> int:
    exponent = value.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0


def positive(value: object, path: str, *, text: bool = False) -> Decimal:
    """As `number`, and 0 or more."""
    found = number(value, path, text=text)
    if found < 0:
        raise Wrong(Problem(path, "min_value", f"must be 0 or more, not {found}"))
    return found


def trimmed(value: Decimal) -> Decimal:
    """The same number without zeros at its end: 1.5 for the 1.5000 of a column."""
    return value.quantize(ONE) if value == value.to_integral_value() else value.normalize(CONTEXT)


def amounts(given: Mapping[str, object], path: str) -> dict[str, Decimal]:
    """Every value of a mapping as a number of 0 or more; all bad ones are named at once."""
    found: dict[str, Decimal] = {}
    problems: list[Problem] = []
    for name, value in given.items():
        try:
            found[name] = positive(value, f"{path}.{name}".lstrip("."))
        except Wrong as error:
            problems += error.problems
    if problems:
        raise Wrong(*problems)
    return found


def day(value: object, path: str) -> date:
    """A date, or its ISO text."""
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        message = f"must be a date such as 2026-12-31, not {value!r}"
        raise Wrong(Problem(path, "not_a_date", message)) from None
