"""The version of a price book that is in force in a currency."""

from datetime import date

from django.db.models import Case, When

from revenue.pricing import reports as pricing
from revenue.pricing.models import PriceBookVersion


def in_force(currency: str, on: date) -> PriceBookVersion:
    """The version in force in a currency, of the standard book if any. Raises NothingPublished."""
    standard = Case(When(book__code=pricing.STANDARD_BOOK, then=0), default=1)
    found = PriceBookVersion.objects.select_related("book").filter(
        book__currency=currency, state=PriceBookVersion.State.PUBLISHED, effective_from__lte=on
    )
    version = found.order_by(standard, "book__code", "-effective_from", "-number").first()
    if version is None:
        raise pricing.NothingPublished(
            f"No version of a price book in {currency} is published for {on}: publish one in the"
            " admin."
        )
    return version
