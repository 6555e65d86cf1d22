"""The documented class: a price, a recommendation, an upsell. It needs no database."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from revenue.pricing import answer
from revenue.pricing.book import Book, NoSuchPlan
from revenue.pricing.decimals import Problem, Wrong
from revenue.pricing.default_book import BOOK
from revenue.pricing.dynamic import priced
from revenue.pricing.recommend import opportunity, recommended
from revenue.pricing.situation import situation

Numbers = Mapping[str, object]


def utc_now() -> datetime:
    return datetime.now(UTC)


class DynamicPricingEngine:
    """Prices by the documented defaults, or by the version of a price book that is given.

    A wrong value raises exact.Wrong (a ValueError), which lists all of them by path.
    """

    def __init__(self, book: Book = BOOK, clock: Callable[[], datetime] = utc_now) -> None:
        self.book = book
        self.clock = clock

    def calculate_dynamic_price(
        self,
        tier: str,
        usage_data: Numbers,
        engagement_data: Numbers | None = None,
        company_data: Numbers | None = None,
    ) -> dict[str, Any]:
        """The price of a plan with its breakdown and lines, in the contract's names."""
        known = situation(usage_data, engagement_data, company_data)
        try:
            price = priced(self.book, tier, known)
        except NoSuchPlan as error:
            raise Wrong(Problem("tier", "unknown_tier", str(error))) from error
        found: dict[str, Any] = answer.numbers(answer.pricing(price, self.clock(), None))
        return found

    def recommend_tier(
        self, usage_data: Numbers, company_data: Numbers | None = None
    ) -> dict[str, Any]:
        """recommended_tier, reason and the comparison of all plans."""
        known = situation(usage_data, None, company_data)
        found: dict[str, Any] = answer.numbers(answer.recommendation(recommended(self.book, known)))
        return found

    def calculate_upsell_opportunity(
        self, current_tier: str, usage_data: Numbers, company_data: Numbers | None = None
    ) -> dict[str, Any]:
        """has_opportunity, and the upsell where there is one."""
        known = situation(usage_data, None, company_data)
        try:
            offer = opportunity(self.book, current_tier, known)
        except NoSuchPlan as error:
            raise Wrong(Problem("current_tier", "unknown_tier", str(error))) from error
        found: dict[str, Any] = answer.numbers(answer.upsell(offer))
        return found
