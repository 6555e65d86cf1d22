"""Worked cases in a file: rate each and compare it with the expected amount.

The schema is {"cases": [{id, model, price, input, expected_amount, currency?}]}. An expected
amount with no more decimals than its currency is compared with the rounded line or, where that
is the same number, the exact amount; one with more decimals only with the exact amount.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from aethercrown.currencies import CODES, exponent
from revenue.pricing.decimals import FieldProblem, InvalidValues, invalid, read_decimal
from revenue.pricing.rating import usage
from revenue.pricing.rating.charge import compile_charge, parse_model_name
from revenue.pricing.rating.field_reader import FieldReader
from revenue.pricing.rating.rate import RatedCharge, rate
from revenue.pricing.rating.usage import ActiveDays, Usage


class InvalidCaseFile(ValueError):
    """The file holds no worked cases."""


@dataclass(frozen=True, slots=True)
class CaseResult:
    """The result of one case; `found` is None where it could not be rated."""

    name: str
    model: str
    expected: str
    found: RatedCharge | None
    agrees: bool
    problem: str = ""

    def __str__(self) -> str:
        if self.found is None:
            return f"{self.name} ({self.model}): {self.problem}"
        return (
            f"{self.name} ({self.model}): expected {self.expected}, rated {self.found.total:f}"
            f" (exactly {self.found.exact:f})"
        )


def rate_cases(text: str) -> list[CaseResult]:
    """Rate every case of a file's text. Raises InvalidCaseFile where it is no list of cases."""
    try:
        content = json.loads(text, parse_float=Decimal)
    except (json.JSONDecodeError, RecursionError) as error:
        raise InvalidCaseFile(f"The file is not JSON: {error}.") from error
    found = content.get("cases") if isinstance(content, dict) else content
    if not isinstance(found, list):
        raise InvalidCaseFile('The file must hold {"cases": [...]}, a list of cases.')
    if not found:
        raise InvalidCaseFile("The file holds no cases.")
    return [rate_case(place, each) for place, each in enumerate(found)]


def rate_case(place: int, case: Any) -> CaseResult:
    """Rate one case; what is wrong with it goes into `problem` instead of an exception."""
    row = case if isinstance(case, Mapping) else {}
    name, model = str(row.get("id", f"case {place + 1}")), str(row.get("model", "no model"))
    expected = str(row.get("expected_amount", ""))
    try:
        found, agrees = _rated(case)
    except InvalidValues as error:
        return CaseResult(name, model, expected, None, agrees=False, problem=str(error))
    return CaseResult(name, model, expected, found, agrees)


def _rated(case: Any) -> tuple[RatedCharge, bool]:
    if not isinstance(case, Mapping):
        raise invalid("", "not_a_dict", "a case must be an object")
    if missing := [
        each for each in ("model", "price", "input", "expected_amount") if each not in case
    ]:
        raise InvalidValues(*(FieldProblem(each, "required", "is required") for each in missing))
    currency = str(case.get("currency", "USD"))
    if currency not in CODES:
        raise invalid("currency", "unknown_currency", "must be an ISO 4217 code such as USD")
    expected = read_decimal(case["expected_amount"], "expected_amount", text=True)
    digits = exponent(currency)
    charge = compile_charge(str(case["model"]), case["price"], strict=False)
    found = rate(charge, usage_of_case(case), title=str(case["model"]), digits=digits)
    places = expected.as_tuple().exponent
    finer = isinstance(places, int) and -places > digits
    return found, expected == found.exact or (not finer and expected == found.total)


def usage_of_case(case: Mapping[str, Any]) -> Usage:
    """The usage in a case, with active days where the model needs them."""
    fields = FieldReader(case["input"], "input")
    base, _ = parse_model_name(str(case["model"]))
    found = usage.read_usage(fields)
    if base in {"proration", "min_commitment_prorated"}:
        found = _with_days(found, fields, FieldReader(case["price"], "price", fields.problems))
    fields.finish()
    return found


def _with_days(found: Usage, fields: FieldReader, price: FieldReader) -> Usage:
    """Days are read from the input or the price; a commitment is active to the period's end."""
    source = fields if "period_start" in fields else price
    start, end = source.date("period_start"), source.date("period_end")
    first = next((each for each in ("active_from", "subscription_start") if each in fields), None)
    active_from = fields.date(first) if first else start
    active_to = end
    if "active_to_inclusive" in fields:
        active_to = fields.date("active_to_inclusive") + timedelta(days=1)
    elif "active_to" in fields:
        active_to = fields.date("active_to")
    days = ActiveDays(start, end, active_from, active_to)
    if days.whole <= 0:
        fields.refuse("period_end", "crossed", f"must be after period_start: {start} to {end}")
    elif active_to < active_from:
        message = f"ends before it starts: {active_from} to {active_to}"
        fields.refuse("active_from", "crossed", message)
    return Usage(quantity=found.quantity, usage_amount=found.usage_amount, days=days)
