"""Stored quotes: read, recalculated, and as accounts of a simulation."""

from django.db.models import QuerySet

from revenue.pricing.calculation.inputs import PricingInputs, inputs_from_json
from revenue.pricing.calculation.plan_price import CalculatedPrice, calculate_price
from revenue.pricing.calculation.simulation import SimulatedAccount
from revenue.pricing.models import Quote
from revenue.pricing.rating.rate import PriceLine, line_from_json
from revenue.pricing.reports.books import book, with_every_plan_active


def quotes() -> QuerySet[Quote]:
    return Quote.objects.select_related("plan", "version__book")


def quote(quote_id: str) -> Quote:
    """One quote. Raises Quote.DoesNotExist."""
    return quotes().get(quote_id=quote_id)


def lines(found: Quote) -> tuple[PriceLine, ...]:
    return tuple(line_from_json(each) for each in found.lines)


def recalculate(found: Quote) -> CalculatedPrice:
    """The quote calculated again from its inputs and version, also for plans no longer sold."""
    known = with_every_plan_active(book(found.version))
    return calculate_price(known, found.plan.code, inputs_of(found), previous=found.previous_price)


def inputs_of(found: Quote) -> PricingInputs:
    return inputs_from_json(found.inputs)


def accounts_from_quotes(currency: str, most: int) -> list[SimulatedAccount]:
    """The newest quotes in a currency, with their inputs."""
    rows = quotes().filter(currency=currency).order_by("-quoted_at", "-pk")[:most]
    return [
        SimulatedAccount(str(each.quote_id), each.plan.name, each.plan.code, (inputs_of(each),))
        for each in rows
    ]
