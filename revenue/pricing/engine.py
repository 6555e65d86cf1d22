"""DynamicPricingEngine: prices, plan recommendations and upgrades without a database."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from revenue.pricing import response_format
from revenue.pricing.calculation.inputs import read_inputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.calculation.recommend import find_upgrade, recommend_plan
from revenue.pricing.decimals import invalid
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.version import BookVersion, NoSuchPlan

Numbers = Mapping[str, object]


class DynamicPricingEngine:
    """Prices by the default book, or by the version of a price book that is given.

    Bad values raise InvalidValues (a ValueError), which lists all of them by path.
    """

    def __init__(
        self,
        book: BookVersion = BOOK,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self.book = book
        self.clock = clock

    def calculate_dynamic_price(
        self,
        tier: str,
        usage_data: Numbers,
        engagement_data: Numbers | None = None,
        company_data: Numbers | None = None,
    ) -> dict[str, Any]:
        """The price of a plan with its breakdown and lines, as in the API."""
        inputs = read_inputs(usage_data, engagement_data, company_data)
        try:
            price = calculate_price(self.book, tier, inputs)
        except NoSuchPlan as error:
            raise invalid("tier", "unknown_tier", str(error)) from error
        return response_format.price_response(price, self.clock(), None)

    def recommend_tier(
        self, usage_data: Numbers, company_data: Numbers | None = None
    ) -> dict[str, Any]:
        """recommended_tier, reason and a comparison of all plans."""
        inputs = read_inputs(usage_data, None, company_data)
        return response_format.recommendation_response(recommend_plan(self.book, inputs))

    def calculate_upsell_opportunity(
        self, current_tier: str, usage_data: Numbers, company_data: Numbers | None = None
    ) -> dict[str, Any]:
        """has_opportunity, and the upsell where there is one."""
        inputs = read_inputs(usage_data, None, company_data)
        try:
            offer = find_upgrade(self.book, current_tier, inputs)
        except NoSuchPlan as error:
            raise invalid("current_tier", "unknown_tier", str(error)) from error
        return response_format.upgrade_response(offer)
