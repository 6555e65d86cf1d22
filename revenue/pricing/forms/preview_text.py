"""What a charge costs for sample quantities, as text for its editor; pure."""

from collections.abc import Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any

from aethercrown.currencies import exponent
from revenue.pricing.decimals import ONE, ZERO, InvalidValues, invalid, non_negative
from revenue.pricing.price_book.version import BookCharge
from revenue.pricing.rating.metered import EVENTS_SUFFIX, usage_of
from revenue.pricing.rating.rate import RatedCharge, rate

SAMPLE_QUANTITIES = tuple(map(Decimal, (1, 10, 100, 1000)))
MAX_BOUNDS = 4  # of a charge with tiers that are shown without being asked for
METRIC = "quantity"
USE_PREFIX = "use_of_"  # and the charge's key: the query parameter of the quantity to preview


def preview(model: str, price: Mapping[str, Any], entered: str, currency: str) -> str:
    """What the entered quantity costs, line by line; without one, what sample quantities cost.

    The samples of a charge with tiers are its bounds and one unit more. "1000 / 20" is an amount
    of 1,000 in 20 events. Where the charge cannot be rated, the text says why.
    """
    try:
        charge = BookCharge(METRIC, "Use", model, price)
        if entered.strip():
            quantities = _quantities(entered)
            rated = _rated(charge, quantities, currency)
            lines = "; ".join(f"{each.description}, {each.amount:,f}" for each in rated.lines)
            return f"A use of {quantities[METRIC]:,f} costs {rated.total:,f} {currency}. {lines}."
        found = [(each, _rated(charge, {METRIC: each}, currency).total) for each in _points(price)]
    except InvalidValues as error:
        return "; ".join(f"{each.path.lstrip('.')} {each.message}" for each in error.problems)
    return _compared(found, currency)


def _quantities(entered: str) -> dict[str, Decimal]:
    """The quantity, and the number of events where one is given after a slash."""
    names = (METRIC, f"{METRIC}{EVENTS_SUFFIX}")
    found = {}
    for name, text in zip(names, entered.split("/", maxsplit=1), strict=False):
        try:
            found[name] = Decimal(text.strip().replace(",", ""))
        except InvalidOperation:
            message = f"must be a number, not {text!r}"
            raise invalid("use", "invalid", message) from None
    for each in found.values():
        non_negative(each, "use")
    return found


def _rated(charge: BookCharge, quantities: Mapping[str, Decimal], currency: str) -> RatedCharge:
    usage = usage_of(charge, quantities, ZERO)
    return rate(charge.charge, usage, title="Use", digits=exponent(currency))


def _compared(found: Sequence[tuple[Decimal, Decimal]], currency: str) -> str:
    """The costs of all samples; a cost below that of a smaller quantity is marked."""
    words, most = [], ZERO
    for quantity, cost in found:
        less = " (less than before)" if cost < most else ""
        words.append(f"{quantity:,f} costs {cost:,f}{less}")
        most = max(most, cost)
    return f"In {currency}, a use of {'; '.join(words)}."


def _points(price: Mapping[str, Any]) -> list[Decimal]:
    tiers = price.get("tiers") or ()
    ends = [Decimal(str(each["up_to"])) for each in tiers if each.get("up_to")][:MAX_BOUNDS]
    return [each for end in ends for each in (end, end + ONE)] or list(SAMPLE_QUANTITIES)


def preview_parameters(posted: Mapping[str, str], field: str) -> dict[str, str]:
    """The quantities to preview in a posted form, as query parameters."""
    prefixes = [name.removesuffix(field) for name in posted if name.endswith(f"-{field}")]
    keys = {each: posted.get(f"{each}id", "") for each in prefixes}
    return {f"{USE_PREFIX}{keys[each]}": posted[each + field] for each in prefixes if keys[each]}
