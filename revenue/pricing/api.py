"""API: price a plan, recommend a plan, list the plans on sale."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from django.utils import timezone
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import fields
from aethercrown.api.endpoint import InvalidRequest, StrictEndpoint, Unavailable, reply
from aethercrown.api.fields import Currency, Instant, ItemList, Money, Number, Text, ValueMap
from aethercrown.api.openapi import documented
from aethercrown.history.attribution import actor_of
from revenue.pricing import examples, reports, response_format, services
from revenue.pricing.calculation.inputs import PricingInputs, read_inputs
from revenue.pricing.calculation.recommend import recommend_plan
from revenue.pricing.decimals import LARGEST_NUMBER, InvalidValues
from revenue.pricing.price_book.version import BookVersion, NoSuchPlan

Found = TypeVar("Found")
MAX_METRICS = 200


class Quantity(Number):
    """A number of 0 or more, as an exact Decimal."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**{"min_value": 0, "max_value": float(LARGEST_NUMBER), **kwargs})

    def to_internal_value(self, data: Any) -> Any:
        super().to_internal_value(data)
        return Decimal(repr(data)) if isinstance(data, float) else Decimal(data)


class MetricValuesSerializer(serializers.Serializer[Any]):
    """Numbers by metric: the documented ones, and any other metric of a price book."""

    default_error_messages = {
        "required": "is required",
        "null": "must not be null",
        "invalid": "must be an object",
    }

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Validate every number and report all bad ones; null counts as missing."""
        if not isinstance(data, dict):
            self.fail("invalid")
        fields.refuse_if_longer(self, data, MAX_METRICS)
        found: dict[str, Any] = {}
        problems: dict[str, Any] = {}
        for name, value in data.items():
            field = self.fields.get(name) or Quantity(allow_null=True)
            try:
                found[name] = field.run_validation(value)
            except serializers.ValidationError as error:
                problems[name] = error.detail
        if problems:
            raise serializers.ValidationError(problems)
        return found


class UsageMetricsSerializer(MetricValuesSerializer):
    """Use per month."""

    api_calls = Quantity(required=False, allow_null=True)
    storage_gb = Quantity(required=False, allow_null=True)
    user_seats = Quantity(required=False, allow_null=True)


class EngagementMetricsSerializer(MetricValuesSerializer):
    """Engagement: rates from 0 to 1, and months."""

    daily_active_rate = Quantity(required=False, allow_null=True, max_value=1)
    tenure_months = Quantity(required=False, allow_null=True)
    feature_adoption_rate = Quantity(required=False, allow_null=True, max_value=1)


class CompanyMetricsSerializer(MetricValuesSerializer):
    """Company size."""

    employee_count = Quantity(required=False, allow_null=True)
    annual_revenue = Quantity(required=False, allow_null=True)


class CalculatePriceRequestSerializer(serializers.Serializer[Any]):
    """The plan and the metrics to price it by; missing metrics are listed in `not_given`."""

    tier = Text(max_length=50)
    usage_data = UsageMetricsSerializer()
    engagement_data = EngagementMetricsSerializer(required=False, allow_null=True)
    company_data = CompanyMetricsSerializer(required=False, allow_null=True)
    currency = Currency(required=False)
    previous_price = Money(required=False, allow_null=True)


class RecommendTierRequestSerializer(serializers.Serializer[Any]):
    """The use that the plan must cover."""

    usage_data = UsageMetricsSerializer()
    company_data = CompanyMetricsSerializer(required=False, allow_null=True)


class PriceLineSerializer(serializers.Serializer[Any]):
    kind = Text()
    description = Text()
    quantity = Number()
    unit_amount = Number(allow_null=True)
    amount = Number()


class PriceBreakdownSerializer(serializers.Serializer[Any]):
    """The parts of the final price; they add up to it."""

    base = Number()
    usage_adjustment = Number()
    enterprise_adjustment = Number()
    engagement_discount = Number()
    guardrails = Number()
    charges = Number()


class QuoteSerializer(serializers.Serializer[Any]):
    tier = Text()
    currency = Currency()
    base_price = Number()
    usage_multiplier = Number()
    enterprise_multiplier = Number()
    engagement_discount_percent = Number()
    adjusted_price = Number()
    discount_amount = Number()
    final_price = Number()
    calculated_at = Instant()
    breakdown = PriceBreakdownSerializer()
    lines = ItemList(child=PriceLineSerializer())
    quote_id = Text()
    not_given = ItemList(child=Text())
    ignored = ItemList(child=Text())
    guardrails_hit = ItemList(child=Text())
    warnings = ItemList(child=Text(max_length=1000))


class CalculatePriceResponseSerializer(serializers.Serializer[Any]):
    """The stored quote."""

    pricing = QuoteSerializer()


class TierComparisonSerializer(serializers.Serializer[Any]):
    tier = Text()
    monthly_cost = Number()
    currency = Currency()
    fits = serializers.BooleanField()
    why = Text()


class TierRecommendationSerializer(serializers.Serializer[Any]):
    """The recommended plan, compared with every other."""

    recommended_tier = Text()
    reason = Text()
    comparison = ItemList(child=TierComparisonSerializer())


class TierSerializer(serializers.Serializer[Any]):
    name = Text()
    base_price = Number()
    currency = Currency()
    features = ItemList(child=Text())


class TierListSerializer(serializers.Serializer[Any]):
    """Plans on sale, by code."""

    tiers = ValueMap(child=TierSerializer())


class CalculatePriceView(StrictEndpoint):
    area = "revenue"
    permission_to_read = "revenue.view_pricebookversion"

    @documented(
        "Price a plan",
        request=CalculatePriceRequestSerializer,
        answer=CalculatePriceResponseSerializer,
        example_request=examples.PRICE_REQUEST,
        example_answer=examples.PRICE_RESPONSE,
        message="Price calculated",
    )
    def post(self, request: Request) -> Response:
        """Price a plan by the price book version in force, and store the quote.

        Breakdown and lines each add up to the final price. Missing metrics change nothing and are
        listed in `not_given`; metrics that the price book does not use are listed in `ignored`.
        """
        values = self.checked(CalculatePriceRequestSerializer)
        now = timezone.now()
        inputs = inputs_from_body(values)
        quote, price = or_api_error(
            lambda: services.create_quote(
                values["tier"],
                inputs,
                now=now,
                by=actor_of(request)[:150],
                currency=values.get("currency"),
                previous=values.get("previous_price"),
            ),
            field="tier",
        )
        found = response_format.price_response(price, now, str(quote.quote_id))
        return reply("Price calculated", {"pricing": found})


class RecommendTierView(StrictEndpoint):
    area = "revenue"
    permission_to_read = "revenue.view_pricebookversion"

    @documented(
        "Recommend a plan",
        request=RecommendTierRequestSerializer,
        answer=TierRecommendationSerializer,
        example_request={"usage_data": examples.USAGE},
        example_answer=examples.RECOMMENDATION,
        message="Tier recommended",
    )
    def post(self, request: Request) -> Response:
        """Recommend the smallest plan that the rules allow, and price every plan."""
        inputs = inputs_from_body(self.checked(RecommendTierRequestSerializer))
        found = or_api_error(lambda: recommend_plan(current_book(), inputs), field="usage_data")
        return reply("Tier recommended", response_format.recommendation_response(found))


class TierListView(StrictEndpoint):
    area = "revenue"
    permission_to_read = "revenue.view_pricebookversion"

    @documented(
        "List the plans on sale",
        answer=TierListSerializer,
        example_answer=examples.TIERS,
        message="Plans on sale",
    )
    def get(self, request: Request) -> Response:
        """Active plans with their base price a month, before factors and charges."""
        found = or_api_error(lambda: reports.plans_on_sale(timezone.now().date()), field="")
        return reply("Plans on sale", {"tiers": response_format.with_floats(found)})


def inputs_from_body(values: Mapping[str, Any]) -> PricingInputs:
    """The metrics of the request body. Rates above 1 are refused."""
    parts = (values.get(name) for name in ("usage_data", "engagement_data", "company_data"))
    usage, engagement, company = parts
    return or_api_error(lambda: read_inputs(usage or {}, engagement, company), field="")


def current_book() -> BookVersion:
    return reports.book(reports.version_in_force(timezone.now().date()))


def or_api_error(function: Callable[[], Found], *, field: str) -> Found:
    """Call `function`; turn its errors into API errors, an unknown plan at `field`."""
    try:
        return function()
    except NoSuchPlan as error:
        raise InvalidRequest([(field, "unknown_tier", str(error))]) from error
    except InvalidValues as error:
        raise InvalidRequest(
            [(each.path, each.code, each.message) for each in error.problems]
        ) from error
    except (reports.NothingPublished, reports.Tampered) as error:
        raise Unavailable(str(error)) from error
