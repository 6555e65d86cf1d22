"""Read a mapping field by field and collect every problem before raising."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

from revenue.pricing import decimals
from revenue.pricing.decimals import ZERO, FieldProblem, InvalidValues

Value = TypeVar("Value")


class FieldReader:
    """The fields of a price or a usage. Problems are collected in one list, shared with rows."""

    def __init__(
        self, values: object, path: str = "", problems: list[FieldProblem] | None = None
    ) -> None:
        self.path = path
        self.problems = [] if problems is None else problems
        self.known: set[str] = set()
        self.values: Mapping[str, Any] = {}
        if isinstance(values, Mapping):
            self.values = values
        else:
            self.refuse("", "not_a_dict", "must be an object")

    def __contains__(self, name: str) -> bool:
        return self.values.get(name) is not None

    def at(self, name: str) -> str:
        return f"{self.path}.{name}".strip(".")

    def refuse(self, name: str, code: str, message: str) -> None:
        self.problems.append(FieldProblem(self.at(name), code, message))

    def amount(self, name: str, default: Decimal | None = None) -> Decimal:
        """A number of 0 or more; required where there is no default."""
        return self._read(name, default, ZERO, lambda v, p: decimals.non_negative(v, p, text=True))

    def signed(self, name: str, default: Decimal | None = None) -> Decimal:
        return self._read(name, default, ZERO, lambda v, p: decimals.read_decimal(v, p, text=True))

    def optional_amount(self, name: str) -> Decimal | None:
        """A number of 0 or more, or None where the field is missing."""
        self.known.add(name)
        return self.amount(name) if name in self else None

    def positive_amount(self, name: str) -> Decimal:
        before = len(self.problems)
        found = self.amount(name, None)
        if found == 0 and len(self.problems) == before:
            self.refuse(name, "min_value", "must be more than 0")
        return found or Decimal(1)

    def integer(self, name: str, default: int | None = None) -> int:
        found = self.amount(name, None if default is None else Decimal(default))
        if found != found.to_integral_value():
            self.refuse(name, "not_whole", f"must be a whole number, not {found}")
        return int(found)

    def date(self, name: str) -> date:
        return self._read(name, None, date(2000, 1, 1), decimals.read_date)

    def items(self, name: str) -> Sequence[Any]:
        """A list; empty where the field is missing."""
        self.known.add(name)
        found = self.values.get(name)
        if found is None:
            return ()
        if isinstance(found, Sequence) and not isinstance(found, str):
            return found
        self.refuse(name, "not_a_list", "must be a list")
        return ()

    def amounts(self, name: str) -> tuple[Decimal, ...]:
        row = {f"{name}[{place}]": value for place, value in enumerate(self.items(name))}
        each = FieldReader(row, self.path, self.problems)
        return tuple(each.amount(place) for place in row)

    def rows(self, name: str) -> list["FieldReader"]:
        """The objects of a list, which must not be empty."""
        found = self.items(name)
        if not found:
            self.refuse(name, "empty", "must be a list of at least one tier")
        return [
            FieldReader(each, f"{self.at(name)}[{place}]", self.problems)
            for place, each in enumerate(found)
        ]

    def amounts_by_name(self, name: str) -> dict[str, Decimal]:
        """An object of numbers of 0 or more."""
        self.known.add(name)
        if self.values.get(name) is None:
            return {}
        inner = FieldReader(self.values[name], self.at(name), self.problems)
        return {each: inner.amount(each) for each in inner.values}

    def finish(self, *, strict: bool = False) -> None:
        """Raise InvalidValues with all problems; `strict` also refuses names that were not read."""
        if strict:
            for name in sorted(set(self.values) - self.known):
                known_names = ", ".join(sorted(self.known))
                self.refuse(name, "unknown", f"is not known here; known: {known_names}")
        if self.problems:
            raise InvalidValues(*self.problems)

    def _read(
        self,
        name: str,
        default: Value | None,
        fallback: Value,
        convert: Callable[[object, str], Value],
    ) -> Value:
        """The converted value, or `fallback` with a problem noted where it cannot be read."""
        self.known.add(name)
        value = self.values.get(name)
        if value is None:
            if default is None:
                self.refuse(name, "required", "is required")
            return fallback if default is None else default
        try:
            return convert(value, self.at(name))
        except InvalidValues as error:
            self.problems += error.problems
            return fallback
