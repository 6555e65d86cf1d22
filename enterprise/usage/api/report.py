"""Report a client's usage, and find and offer larger plans."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any, TypeVar

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import fields
from aethercrown.api.endpoint import (
    Conflict,
    InvalidRequest,
    StrictEndpoint,
    Unavailable,
    reply,
    unknown_names,
)
from aethercrown.api.openapi import documented
from aethercrown.history.attribution import actor_of
from enterprise.usage import examples, reports, services
from enterprise.usage.api.track import MetricMap, body_of, ignored_names, own_client
from enterprise.usage.metering.event_input import MAX_ID_CHARACTERS
from enterprise.usage.reports import clients, opportunities
from enterprise.usage.services import OwnClient
from revenue.customers.services import InvalidEntry
from revenue.pricing import reports as pricing
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.price_book.version import NoSuchPlan
from revenue.upsell.opportunities import OpportunityKind

Found = TypeVar("Found")
MAX_PERIOD_DAYS = 731
KINDS = [each.value for each in OpportunityKind]


class UsageHistorySerializer(serializers.Serializer[Any]):
    """The use and the limits of one period, the latest last."""

    current = MetricMap()
    limits = MetricMap(required=False)
    recorded_at = fields.Instant(required=False)


class AnalyzeUsageRequestSerializer(serializers.Serializer[Any]):
    """The client and its plan; without a history, the stored one is analyzed."""

    client_id = fields.Identifier(max_length=MAX_ID_CHARACTERS)
    current_tier = fields.Text(max_length=50)
    usage_history = fields.ItemList(child=UsageHistorySerializer(), required=False)


class UsageOpportunitySerializer(serializers.Serializer[Any]):
    """`estimated_value` is additional revenue a month; of overage_saving what the client saves."""

    type = fields.Option(choices=KINDS)
    confidence = fields.Probability()
    reason = fields.Text(max_length=500)
    suggested_action = fields.Text()
    estimated_value = fields.Number()
    currency = fields.Currency()
    priority = fields.Option(choices=["high", "medium"])
    current_tier = fields.Text()
    recommended_tier = fields.Text()


class UsageAnalysisSerializer(serializers.Serializer[Any]):
    opportunities = fields.ItemList(child=UsageOpportunitySerializer())
    count = fields.Count()
    reason = fields.Text(allow_blank=True)
    ignored = fields.ItemList(child=fields.Text())


class AnalyzeUsageView(StrictEndpoint):
    area = "enterprise"
    permission_to_read = "enterprise.view_usageevent"
    scopes = ("enterprise:read",)

    @documented(
        "Analyze a client's upsell opportunities",
        request=AnalyzeUsageRequestSerializer,
        answer=UsageAnalysisSerializer,
        example_request=examples.HISTORY,
        example_answer=examples.ANALYSIS,
        message="Usage analyzed",
    )
    def post(self, request: Request) -> Response:
        """Find larger plans that the use calls for; nothing is written.

        Values are differences of rated prices by the price book in force.
        """
        values = self.checked(AnalyzeUsageRequestSerializer)
        now = timezone.now()
        entries = values.get("usage_history")
        ignored: set[str] = set()
        if entries:
            for each in body_of(self.request)["usage_history"]:
                ignored.update(ignored_names(each, UsageHistorySerializer))
            latest, histories = opportunities.given_histories(entries)
            found = rated(
                lambda: opportunities.analysis_of(values["current_tier"], latest, histories, now)
            )
        else:
            customer = known_client(values["client_id"])
            found = rated(
                lambda: opportunities.stored_analysis(customer, now, values["current_tier"])
            )
        return reply("Usage analyzed", {**plain(found.as_dict()), "ignored": sorted(ignored)})


def known_client(client_id: str, own: OwnClient | None = None) -> int:
    """The customer of a client id; with `own` there is no other."""
    if own is not None and own.client_id != client_id:
        raise NotFound(f"There is no client {client_id!r}.")
    try:
        return clients.find(client_id)
    except clients.UnknownClient as error:
        raise NotFound(str(error)) from error


def rated(function: Callable[[], Found]) -> Found:
    """Call `function`; turn what cannot be rated into an API error."""
    try:
        return function()
    except NoSuchPlan as error:
        raise InvalidRequest([("current_tier", "unknown_tier", str(error))]) from error
    except InvalidValues as error:
        raise InvalidRequest(
            [(each.path, each.code, each.message) for each in error.problems]
        ) from error
    except (pricing.NothingPublished, pricing.Tampered) as error:
        raise Unavailable(str(error)) from error


def plain(value: Any) -> Any:
    """Decimals as JSON numbers."""
    if isinstance(value, Mapping):
        return {name: plain(each) for name, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return float(value) if isinstance(value, Decimal) else value


class ReportPeriodSerializer(serializers.Serializer[Any]):
    """Days in the client's time zone, both included."""

    first_day = fields.Date()
    last_day = fields.Date()
    days = fields.Count()


class MetricUseSerializer(serializers.Serializer[Any]):
    """One metric of the report; null is unknown, a reason stands beside it."""

    total = fields.Number(allow_null=True)
    daily_average = fields.Number(allow_null=True)
    peak_day = fields.Date(allow_null=True)
    limit = fields.Number(allow_null=True)
    usage_percent = fields.Number(allow_null=True)
    growth_percent = fields.Number(allow_null=True)
    trend = fields.Text()
    days_to_limit = fields.Count(allow_null=True)
    days_to_limit_earliest = fields.Count(allow_null=True)
    days_to_limit_latest = fields.Count(allow_null=True)
    days_to_limit_reason = fields.Text(allow_blank=True)
    forecast_method = fields.Text(allow_blank=True)
    kind = fields.Option(choices=["counter", "gauge"])
    unit = fields.Text(allow_blank=True)


class CostAnalysisSerializer(serializers.Serializer[Any]):
    """Amounts by the price book in force; null with the reason where nothing can be rated."""

    currency = fields.Currency(allow_null=True)
    current_monthly_cost = fields.Number(allow_null=True)
    projected_next_month = fields.Number(allow_null=True)
    projected_low = fields.Number(allow_null=True)
    projected_high = fields.Number(allow_null=True)
    overage_charges = fields.Number(allow_null=True)
    reason = fields.Text(allow_blank=True)


class ReceiptLagSerializer(serializers.Serializer[Any]):
    source = fields.Text()  # type: ignore[assignment]  # the field of this name
    events = fields.Count()
    p50_seconds = fields.Number()
    p95_seconds = fields.Number()


class FreshnessSerializer(serializers.Serializer[Any]):
    """How far intake is behind, and the last check of rollups against events."""

    receipt = fields.ItemList(child=ReceiptLagSerializer())
    waiting_clients = fields.Count()
    oldest_wait_seconds = fields.Number()
    checked_at = fields.Instant(allow_null=True)
    hours_compared = fields.Count(allow_null=True)
    differences = fields.Count(allow_null=True)


class UsageReportSerializer(serializers.Serializer[Any]):
    client_id = fields.Text()
    report_period = ReportPeriodSerializer()
    generated_at = fields.Instant()
    usage_summary = fields.ValueMap(child=MetricUseSerializer())
    cost_analysis = CostAnalysisSerializer()
    recommendations = fields.ItemList(child=fields.Text())
    health_score = fields.Count(allow_null=True)
    risk_level = fields.Option(choices=["low", "medium", "high"], allow_null=True)
    freshness = FreshnessSerializer()


class UsageReportResponseSerializer(serializers.Serializer[Any]):
    report = UsageReportSerializer()


class UsageReportView(StrictEndpoint):
    area = "enterprise"
    permission_to_read = "enterprise.view_usageevent"
    takes_customer_keys = True
    query_names = ("period_days",)

    @documented(
        "Report a client's usage",
        answer=UsageReportResponseSerializer,
        example_answer={"report": examples.REPORT},
        message="Usage report",
        query={
            "period_days": {
                "type": "integer",
                "minimum": 1,
                "maximum": MAX_PERIOD_DAYS,
                "default": 30,
            }
        },
    )
    def get(self, request: Request, client_id: str) -> Response:
        """Totals, trends, costs and health over `period_days` days to today."""
        days = period_days(request.query_params.get("period_days", "30"))
        known_client(client_id, own_client(request))
        found = reports.client_report(client_id, days, timezone.now())
        return reply("Usage report", {"report": plain(found)})


def period_days(text: str) -> int:
    is_number = text.isascii() and text.isdigit() and len(text) <= 4
    if not is_number or not 1 <= int(text) <= MAX_PERIOD_DAYS:
        words = f"must be a whole number of days from 1 to {MAX_PERIOD_DAYS}"
        raise InvalidRequest([("period_days", "invalid", words)])
    return int(text)


class CampaignSerializer(serializers.Serializer[Any]):
    """An offer of a larger plan."""

    campaign_id = fields.Count()
    client_id = fields.Text()
    campaign_type = fields.Option(choices=KINDS)
    state = fields.Text()
    current_tier = fields.Text()
    recommended_tier = fields.Text()
    reason = fields.Text(max_length=500)
    estimated_value = fields.Number()
    currency = fields.Currency()
    created_at = fields.Instant(allow_null=True)
    expires_at = fields.Instant(allow_null=True)


class CampaignResponseSerializer(serializers.Serializer[Any]):
    campaign = CampaignSerializer()


class TriggerUpsellView(StrictEndpoint):
    area = "enterprise"
    permission_to_read = "enterprise.view_usageevent"

    @documented(
        "Offer a client the plan its use calls for",
        answer=CampaignResponseSerializer,
        example_answer={"campaign": examples.CAMPAIGN},
        message="Offer recorded",
        status=201,
        repeated=200,
    )
    def post(self, request: Request, client_id: str) -> Response:
        """Record the offer of the best opportunity.

        409 where the use calls for none. Within 30 days the running offer is answered again.
        """
        refuse_unknown(request.data)
        customer = known_client(client_id)
        try:
            row, is_new = rated(
                lambda: services.trigger_upsell(
                    customer, by=actor_of(request)[:150], now=timezone.now()
                )
            )
        except (services.NothingToOffer, InvalidEntry) as error:
            raise Conflict(str(error)) from error
        body = {"campaign": plain(services.campaign_fields(row))}
        return reply("Offer recorded", body, 201 if is_new else 200)


def refuse_unknown(body: Any) -> None:
    """A body without fields may be empty only."""
    if unknown := unknown_names(body, ()):
        raise serializers.ValidationError(unknown)
