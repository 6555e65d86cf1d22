"""The version of a price book that is in force in a currency."""

from datetime import date

from django.db.models import Case, When

from revenue.pricing import reports as pricing
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.price_book.version import BookVersion


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


class PriceBooks:
    """Versions in force and their books, each read once; of books, every plan is active."""

    def __init__(self) -> None:
        self._versions: dict[tuple[str, date], PriceBookVersion] = {}
        self._books: dict[int, BookVersion] = {}

    def in_force(self, currency: str, on: date) -> PriceBookVersion:
        """Raises NothingPublished."""
        key = currency, on
        if key not in self._versions:
            self._versions[key] = in_force(currency, on)
        return self._versions[key]

    def book(self, version: PriceBookVersion) -> BookVersion:
        """Raises Tampered."""
        if version.pk not in self._books:
            self._books[version.pk] = pricing.with_every_plan_active(pricing.book(version))
        return self._books[version.pk]
