"""Worked cases in a file: each is rated, and those that differ are told.

The schema is {"cases": [{id, model, price, input, expected_amount, currency?}]}. An expected
amount with no more decimals than its currency is compared with the rounded line or, where that
is the same number, the exact amount; one with more decimals only with the exact amount.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from aethercrown.currencies import CODES
from aethercrown.money import exponent
from revenue.pricing.decimals import Problem, Wrong, number
from revenue.pricing.forms.field_reader import Given
from revenue.pricing.rating import commitment, usage
from revenue.pricing.rating.charge import compiled, parsed
from revenue.pricing.rating.rate import Rated, rate
from revenue.pricing.rating.usage import Days, Use


class Unreadable(ValueError):
    """The file holds no cases."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How one case went; `found` is None where it could not be rated."""

    name: str
    model: str
    expected: str
    found: Rated | None
    agrees: bool
    problem: str = ""

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.name} ({self.model}): {self.problem}"
        return (
            f"{self.name} ({self.model}): expected {self.expected}, rated {self.found.total:f}"
            f" (exactly {self.found.exact:f})"
        )


def verdicts(text: str) -> list[Verdict]:
    """Rate every case of a file's text; raises Unreadable where the file is none of cases."""
    return [verdict(place, each) for place, each in enumerate(read(text))]


def read(text: str) -> Sequence[Any]:
    try:
        content = json.loads(text, parse_float=Decimal)
    except (json.JSONDecodeError, RecursionError) as error:
        raise Unreadable(f"The file is not JSON: {error}.") from error
    found = content.get("cases") if isinstance(content, dict) else content
    if not isinstance(found, list):
        raise Unreadable('The file must hold {"cases": [...]}, a list of cases.')
    if not found:
        raise Unreadable("The file holds no cases.")
    return found


def verdict(place: int, case: Any) -> Verdict:
    """One case rated; whatever is wrong with it is its problem, not an exception."""
    row = case if isinstance(case, Mapping) else {}
    name, model = str(row.get("id", f"case {place + 1}")), str(row.get("model", "no model"))
    expected = str(row.get("expected_amount", ""))
    try:
        found, agrees = _rated(case)
    except Wrong as error:
        return Verdict(name, model, expected, None, agrees=False, problem=str(error))
    return Verdict(name, model, expected, found, agrees)


def _rated(case: Any) -> tuple[Rated, bool]:
    if not isinstance(case, Mapping):
        raise Wrong(Problem("", "not_a_dict", "a case must be an object"))
    if missing := [
        each for each in ("model", "price", "input", "expected_amount") if each not in case
    ]:
        raise Wrong(*(Problem(each, "required", "is required") for each in missing))
    currency = str(case.get("currency", "USD"))
    if currency not in CODES:
        raise Wrong(Problem("currency", "unknown_currency", "must be an ISO 4217 code such as USD"))
    expected = number(case["expected_amount"], "expected_amount", text=True)
    digits = exponent(currency)
    charge = compiled(str(case["model"]), case["price"], strict=False)
    found = rate(charge, used(case), title=str(case["model"]), digits=digits)
    return found, agrees(found, expected, digits)


def agrees(found: Rated, expected: Decimal, digits: int) -> bool:
    exponent_ = expected.as_tuple().exponent
    finer = isinstance(exponent_, int) and -exponent_ > digits
    return expected == found.exact or (not finer and expected == found.total)


def used(case: Mapping[str, Any]) -> Use:
    """The use that a case describes, with its days where the model is one of days."""
    given = Given(case["input"], "input")
    base, _ = parsed(str(case["model"]))
    found = usage.read(given)
    if base in {"proration", "min_commitment_prorated"}:
        found = _with_days(found, given, Given(case["price"], "price", given.problems))
    given.finish()
    return found


def _with_days(found: Use, given: Given, price: Given) -> Use:
    """Days stand in the input or in the price; a commitment is active to the period's end."""
    holder = given if "period_start" in given else price
    start, end = holder.day("period_start"), holder.day("period_end")
    first = next((each for each in ("active_from", "subscription_start") if each in given), None)
    active_from = given.day(first) if first else start
    active_to = end
    if "active_to_inclusive" in given:
        active_to = given.day("active_to_inclusive") + timedelta(days=1)
    elif "active_to" in given:
        active_to = given.day("active_to")
    days = commitment.checked(given, Days(start, end, active_from, active_to))
    return Use(quantity=found.quantity, usage_amount=found.usage_amount, days=days)
