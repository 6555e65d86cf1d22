"""What a charge comes to for some uses, in words for whoever edits it; pure."""

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from aethercrown.money import exponent
from revenue.pricing.decimals import ONE, ZERO, FieldProblem, InvalidValues, read_amounts
from revenue.pricing.price_book.version import BookCharge
from revenue.pricing.rating.metered import usage_of
from revenue.pricing.rating.rate import RatedCharge, rate

SAMPLE_QUANTITIES = tuple(map(Decimal, (1, 10, 100, 1000)))
MAX_BOUNDS = 4  # of a charge with tiers, at which it is worked out by itself
METRIC = "quantity"
USE_PREFIX = "use_of_"  # and the charge's key: the use to work it out for, in a page's address


def preview(model: str, price: Mapping[str, Any], told: str, currency: str) -> str:
    """What a use of `told` costs, line by line; left empty, what some telling uses cost.

    With tiers these are their bounds, and one more than each. What cannot be worked out says why.
    """
    try:
        charge = BookCharge(METRIC, "Use", model, price)
        if told.strip():
            quantity = _number(told)
            return _explained(quantity, _rated(charge, quantity, currency), currency)
        found = [(each, _rated(charge, each, currency).total) for each in _points(price)]
    except InvalidValues as error:
        return "; ".join(f"{each.path.lstrip('.')} {each.message}" for each in error.problems)
    return _compared(found, currency)


def _number(told: str) -> Decimal:
    try:
        quantity = Decimal(told.strip().replace(",", ""))
    except InvalidOperation:
        raise InvalidValues(
            FieldProblem("use", "invalid", f"must be a number, not {told!r}")
        ) from None
    return read_amounts({"use": quantity}, "")["use"]


def _rated(charge: BookCharge, quantity: Decimal, currency: str) -> RatedCharge:
    known = usage_of(charge, {METRIC: quantity}, ZERO)
    return rate(charge.charge, known, title="Use", digits=exponent(currency))


def _explained(quantity: Decimal, found: RatedCharge, currency: str) -> str:
    lines = "; ".join(f"{each.description}, {each.amount:,f}" for each in found.lines)
    return f"A use of {quantity:,f} costs {found.total:,f} {currency}. {lines}."


def _compared(found: Sequence[tuple[Decimal, Decimal]], currency: str) -> str:
    """The costs side by side; one that is less than that of a smaller use is marked."""
    words, most = [], ZERO
    for quantity, cost in found:
        less = " (less than before)" if cost < most else ""
        words.append(f"{quantity:,f} costs {cost:,f}{less}")
        most = max(most, cost)
    return f"In {currency}, a use of {'; '.join(words)}."


def _points(price: Mapping[str, Any]) -> list[Decimal]:
    tiers = price.get("tiers")
    ends = [each["up_to"] for each in tiers if each.get("up_to")] if tiers else []
    return list(_around(ends[:MAX_BOUNDS])) if ends else list(SAMPLE_QUANTITIES)


def _around(ends: Sequence[object]) -> Iterator[Decimal]:
    for each in ends:
        end = Decimal(str(each))
        yield end
        yield end + ONE


def preview_parameters(posted: Mapping[str, str], field: str) -> dict[str, str]:
    """The uses that a page's rows were posted with, by name in the page's address."""
    prefixes = [name.removesuffix(field) for name in posted if name.endswith(f"-{field}")]
    keys = {each: posted.get(f"{each}id", "") for each in prefixes}
    return {f"{USE_PREFIX}{keys[each]}": posted[each + field] for each in prefixes if keys[each]}
