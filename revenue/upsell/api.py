"""API: analyze an upgrade, list opportunities, decide on one."""

from collections.abc import Callable
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api.endpoint import (
    Conflict,
    InvalidRequest,
    NoFieldsSerializer,
    ReadOnlyViewSet,
    StrictEndpoint,
    reply,
)
from aethercrown.api.fields import Count, Currency, Instant, Money, Number, Text, ValueMap
from aethercrown.api.openapi import documented
from aethercrown.history.attribution import actor_of, shown_actor
from aethercrown.transitions import InvalidTransition
from operations.decisions.decision_types import Stale
from revenue.customers.services import InvalidEntry
from revenue.pricing import api as pricing
from revenue.pricing import examples as pricing_examples
from revenue.pricing import response_format
from revenue.pricing.calculation.recommend import find_upgrade
from revenue.upsell import examples, reports, services
from revenue.upsell.models import Opportunity
from revenue.upsell.opportunities import OpportunityKind
from revenue.upsell.states import OpportunityState
from security.access import reports as people

STATES = [each.value for each in OpportunityState]


class AnalyzeUpsellRequestSerializer(pricing.RecommendTierRequestSerializer):
    """The present plan, and the use that a plan must cover."""

    current_tier = Text(max_length=50)


class UpsellOfferSerializer(serializers.Serializer[Any]):
    current_tier = Text()
    recommended_tier = Text()
    reason = Text()
    potential_revenue_increase = Number()
    currency = Currency()
    confidence = Number()


class UpsellAnalysisSerializer(serializers.Serializer[Any]):
    """Whether a larger plan is recommended, and the additional revenue a month."""

    has_opportunity = serializers.BooleanField()
    upsell = UpsellOfferSerializer(allow_null=True)


class AnalyzeUpsellView(StrictEndpoint):
    area = "revenue"
    permission_to_read = "revenue.view_opportunity"

    @documented(
        "Analyze an upgrade",
        request=AnalyzeUpsellRequestSerializer,
        answer=UpsellAnalysisSerializer,
        example_request={"current_tier": "starter", "usage_data": pricing_examples.USAGE},
        example_answer=examples.ANALYSIS,
        message="Upsell analyzed",
    )
    def post(self, request: Request) -> Response:
        """Recommend a larger plan and calculate the additional revenue a month.

        The confidence is 0.6 before any answer to stored offers of this kind, then updated by
        their answers.
        """
        values = self.checked(AnalyzeUpsellRequestSerializer)
        inputs = pricing.inputs_from_body(values)
        answers = reports.answer_counts().get(OpportunityKind.PLAN_FIT, reports.AnswerCounts())
        found = pricing.or_api_error(
            lambda: find_upgrade(
                pricing.current_book(), values["current_tier"], inputs, **answers._asdict()
            ),
            field="current_tier",
        )
        return reply("Upsell analyzed", response_format.upgrade_response(found))


class PlanCostSerializer(serializers.Serializer[Any]):
    """The cost of a plan a month for the forecast use."""

    low = Number()
    estimate = Number()
    high = Number()


class OpportunitySerializer(serializers.ModelSerializer[Opportunity]):
    opportunity_id = Count(source="pk")
    customer_id = Text(source="customer.external_id")
    current_tier = Text(source="current_plan")
    recommended_tier = Text(source="recommended_plan")
    currency = Currency()
    costs = ValueMap(child=PlanCostSerializer())
    gain_low = Number()
    gain = Number()
    gain_high = Number()
    agreed_amount = Number(allow_null=True)
    found_at = Instant()
    offered_at = Instant(allow_null=True)
    expires_at = Instant(allow_null=True)
    decided_at = Instant(allow_null=True)

    decided_by = serializers.SerializerMethodField()

    class Meta:
        model = Opportunity
        fields = list(examples.OPPORTUNITY)

    def get_decided_by(self, row: Opportunity) -> str:
        return shown_actor(row.decided_by)


class OpportunityOutcomeSerializer(serializers.Serializer[Any]):
    """The outcome as text."""

    outcome = Text(required=False, allow_blank=True, max_length=200)


class AcceptOpportunityRequestSerializer(OpportunityOutcomeSerializer):
    """The new amount of the subscription a month; if missing, it stays as it is."""

    monthly_amount = Money(required=False, allow_null=True)


class AssignOpportunityRequestSerializer(serializers.Serializer[Any]):
    """The person responsible; blank for nobody."""

    owner = Text(allow_blank=True, max_length=150)
    notes = Text(required=False, allow_blank=True, max_length=10_000)


def example_in_state(state: str, **more: Any) -> dict[str, Any]:
    return {**examples.OPPORTUNITY, "state": state, **more}


class OpportunityViewSet(StrictEndpoint, ReadOnlyViewSet[Opportunity]):
    """Upsell opportunities, the newest first; filter with `?state=` and `?customer_id=`."""

    area = "revenue"
    permission_to_read = "revenue.view_opportunity"
    list_name = "opportunities"
    title = "opportunity"
    ordering = ("-found_at", "-pk")
    queryset = reports.opportunities()
    serializer_class = OpportunitySerializer
    example = examples.OPPORTUNITY
    list_query = {
        "state": {"type": "string", "enum": STATES},
        "customer_id": {"type": "string"},
    }

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        listing = self.action == "list"
        self.query_names = (*self.list_query, "cursor", "limit") if listing else ()
        super().initial(request, *args, **kwargs)

    def get_queryset(self) -> QuerySet[Opportunity]:
        """Filtered by state and customer where the query names them."""
        rows, asked = super().get_queryset(), self.request.query_params
        if (state := asked.get("state")) is not None:
            if state not in STATES:
                message = f"must be one of {', '.join(STATES)}"
                raise InvalidRequest([("state", "invalid_choice", message)])
            rows = rows.filter(state=state)
        if (customer := asked.get("customer_id")) is not None:
            rows = rows.filter(customer__external_id=customer.replace("\0", ""))
        return rows

    @documented(
        "Offer the plan to the customer",
        answer=OpportunitySerializer,
        example_answer=example_in_state("offered"),
        message="Offer recorded",
    )
    @action(detail=True, methods=["post"])
    def offer(self, request: Request, pk: str) -> Response:
        """Record that the offer is made now. 409 unless the opportunity is open."""
        self.checked(NoFieldsSerializer)
        return self._decide("Offer recorded", services.offer)

    @documented(
        "Accept for the customer",
        request=AcceptOpportunityRequestSerializer,
        answer=OpportunitySerializer,
        example_request={"monthly_amount": 108.9, "outcome": "Agreed by e-mail."},
        example_answer=example_in_state("accepted", decided_by="API key crm", agreed_amount=108.9),
        message="Acceptance recorded",
    )
    @action(detail=True, methods=["post"])
    def accept(self, request: Request, pk: str) -> Response:
        """Record that the customer accepted. With `monthly_amount` the subscription moves today.

        The effect on MRR is measured after 60 days. 409 unless the opportunity is open or offered.
        """
        values = self.checked(AcceptOpportunityRequestSerializer)
        amount, outcome = values.get("monthly_amount"), values.get("outcome", "")
        return self._decide("Acceptance recorded", services.accept, amount=amount, outcome=outcome)

    @documented(
        "Decline for the customer",
        request=OpportunityOutcomeSerializer,
        answer=OpportunitySerializer,
        example_request={"outcome": "Too expensive this year."},
        example_answer=example_in_state("declined", decided_by="API key crm"),
        message="Refusal recorded",
    )
    @action(detail=True, methods=["post"])
    def decline(self, request: Request, pk: str) -> Response:
        """Record that the customer declined; new offers wait for the rest days of the terms."""
        outcome = self.checked(OpportunityOutcomeSerializer).get("outcome", "")
        return self._decide("Refusal recorded", services.decline, outcome=outcome)

    @documented(
        "Withdraw an opportunity",
        request=OpportunityOutcomeSerializer,
        answer=OpportunitySerializer,
        example_request={"outcome": "A partner is responsible for them."},
        example_answer=example_in_state("withdrawn", decided_by="API key crm"),
        message="Opportunity withdrawn",
    )
    @action(detail=True, methods=["post"])
    def withdraw(self, request: Request, pk: str) -> Response:
        """Withdraw the opportunity; the next sweep may find it again."""
        outcome = self.checked(OpportunityOutcomeSerializer).get("outcome", "")
        return self._decide("Opportunity withdrawn", services.withdraw, outcome=outcome)

    @documented(
        "Assign an opportunity",
        request=AssignOpportunityRequestSerializer,
        answer=OpportunitySerializer,
        example_request={"owner": "Ada Moreau"},
        example_answer=example_in_state("open", owner="Ada Moreau"),
        message="Opportunity assigned",
    )
    @action(detail=True, methods=["post"])
    def assign(self, request: Request, pk: str) -> Response:
        """Set the owner; notes are replaced where given."""
        values = self.checked(AssignOpportunityRequestSerializer)
        self._refuse_readers()
        row = services.assign(
            self.get_object().pk, owner=values["owner"], notes=values.get("notes")
        )
        return reply("Opportunity assigned", self.get_serializer(row).data)

    def _decide(self, message: str, service: Callable[..., Opportunity], **more: Any) -> Response:
        """Call a service in the caller's name and turn its errors into API errors."""
        self._refuse_readers()
        try:
            row = service(
                self.get_object().pk,
                by=actor_of(self.request)[:150],
                now=timezone.now(),
                **more,
            )
        except (InvalidTransition, Stale) as error:
            raise Conflict(str(error)) from error
        except InvalidEntry as error:
            message = str(error).removeprefix(f"{error.field}: ")
            raise InvalidRequest([("monthly_amount", "invalid", message)]) from error
        return reply(message, self.get_serializer(row).data)

    def _refuse_readers(self) -> None:
        """A signed-in user needs the permission to operate; an API key has its scope."""
        if self.request.auth is None and not people.may_operate(people.person(self.request.user)):
            raise PermissionDenied("Deciding on opportunities needs the permission to operate.")
