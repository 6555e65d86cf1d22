"""Price a plan and store the quote."""

from datetime import datetime
from decimal import Decimal

from revenue.pricing import reports
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import CalculatedPrice, calculate_price
from revenue.pricing.decimals import invalid
from revenue.pricing.models import Quote

MAX_PRICE = Decimal(10) ** 12  # the limit of the column


def create_quote(
    code: str,
    inputs: PricingInputs,
    *,
    now: datetime,
    by: str = "",
    currency: str | None = None,
    previous: Decimal | None = None,
) -> tuple[Quote, CalculatedPrice]:
    """Price a plan by the version in force and store the quote.

    Raises NoSuchPlan, InvalidValues, reports.NothingPublished and reports.Tampered.
    """
    version, plans = reports.version_in_force(now.date()), reports.plans()
    book = reports.book(version, plans)
    if currency is not None and currency != book.currency:
        message = f"must be the plan's, {book.currency}, not {currency}"
        raise invalid("currency", "currency_differs", message)
    price = calculate_price(book, code, inputs, previous=previous)
    if price.final_price >= MAX_PRICE:
        message = f"make a price of {price.final_price:f}; {MAX_PRICE:,} or more is not quoted"
        raise invalid("usage_data", "too_large", message)
    created = Quote.objects.create(
        version=version,
        digest=version.digest,
        plan=plans[code],
        currency=price.currency,
        inputs=inputs.as_json(),
        previous_price=previous,
        lines=[each.as_json() for each in price.lines],
        final_price=price.final_price,
        quoted_at=now,
        quoted_by=by,
    )
    return created, price
