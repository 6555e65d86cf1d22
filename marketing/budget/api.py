"""API of the marketing budget: make a plan, list plans, approve or reject one."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from decimal import Decimal
from typing import Any

from django.conf import settings
from django.utils import timezone
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.exceptions import APIException, PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import endpoint, fields
from aethercrown.api.computations import budgeted, budgeted_body, is_long
from aethercrown.api.endpoint import InvalidRequest, StrictSerializer, reply
from aethercrown.api.openapi import documented
from aethercrown.history.attribution import actor_of, shown_actor
from marketing.budget import examples, reports, services
from marketing.budget.models import BudgetPlan
from marketing.budget.planner import request_json, work
from marketing.budget.planner.request import (
    BudgetRequest,
    Infeasible,
    LiftTestResult,
    PerformanceRow,
    SpendLimit,
    unify_names,
)
from marketing.budget.planner.validation import UNREADABLE, validate
from marketing.budget.response_format import interval_fields, load_proposal, optimize_response
from operations.jobs import api as jobs

MAX_ROWS = 10_000
NAME_MAX_LENGTH = 100  # characters of a channel's name
SUM_CODES = {"minimums_exceed_total", "maximums_below_total"}
FieldError = tuple[str, str, str]  # field, code, message


class HistoricalRowSerializer(StrictSerializer):
    """One channel in one period."""

    channel = fields.Text(max_length=NAME_MAX_LENGTH)
    spend = fields.Number(min_value=0, max_value=1e12)
    revenue = fields.Number(min_value=0, max_value=1e12, required=False, allow_null=True)
    date = fields.Date(required=False, allow_null=True)


class TotalRevenueRowSerializer(StrictSerializer):
    """The company's revenue in one period."""

    date = fields.Date()
    revenue = fields.Number(min_value=0, max_value=1e12)


class SpendLimitSerializer(StrictSerializer):
    """Spend limits of a channel; equal ones fix its amount."""

    min = fields.Money(required=False, allow_null=True)
    max = fields.Money(required=False, allow_null=True)


class LiftTestResultSerializer(StrictSerializer):
    """An experiment: this spend a period caused this revenue, with standard error `sd`."""

    channel = fields.Text(max_length=NAME_MAX_LENGTH)
    spend = fields.Number(min_value=0, max_value=1e12)
    revenue = fields.Number(min_value=0, max_value=1e12)
    sd = fields.Number(min_value=0, max_value=1e12)


class OptimizeBudgetRequestSerializer(StrictSerializer):
    """The budget to allocate, with the channels' history and limits."""

    total_budget = fields.Money(min_value=Decimal("0.01"))
    historical_data = fields.ItemList(child=HistoricalRowSerializer(), most=MAX_ROWS, least=1)
    total_revenue = fields.ItemList(
        child=TotalRevenueRowSerializer(), most=MAX_ROWS, required=False
    )
    platform_roi = fields.ValueMap(child=fields.Number(min_value=0, max_value=1e6), required=False)
    min_allocation_percent = fields.Percent(required=False, allow_null=True)
    constraints = fields.ValueMap(child=SpendLimitSerializer(), required=False)
    max_change_percent = fields.Number(min_value=0, max_value=1000, required=False, allow_null=True)
    currency = fields.Currency(required=False)
    budget_periods = fields.Count(min_value=1, max_value=520, required=False)
    starts_on = fields.Date(required=False, allow_null=True)
    present = fields.ValueMap(child=fields.Money(), required=False)
    new_channels = fields.ItemList(child=fields.Text(max_length=NAME_MAX_LENGTH), required=False)
    lift_tests = fields.ItemList(child=LiftTestResultSerializer(), required=False)

    def to_internal_value(self, data: Any) -> Any:
        """Validate; the error lists malformed fields and those that the planner rejects."""
        try:
            return super().to_internal_value(data)
        except ValidationError as error:
            shape = [
                (e["field"], e["code"], e["message"])
                for e in endpoint.listed(error.get_full_details())
            ]
            raise InvalidRequest([*shape, *planner_errors(self, data, shape)]) from error


def planner_errors(
    serializer: OptimizeBudgetRequestSerializer, data: Any, shape: Sequence[FieldError]
) -> Iterator[FieldError]:
    """Errors of the planner in the readable fields, except those that `shape` lists already."""
    values: dict[str, Any] = {"total_budget": Decimal(1)}
    for name, field in serializer.fields.items():
        with suppress(ValidationError, serializers.SkipField, APIException):
            values[name] = field.run_validation(field.get_value(data))
    values.setdefault("historical_data", list(readable_rows(data.get("historical_data"))))
    values.setdefault("constraints", readable_limits(data.get("constraints")))
    refused = {field_of(each[0]) for each in shape}
    try:
        validate(unify_names(to_budget_request(values))[0])
    except Infeasible as error:
        for each in error.problems:
            may_be_wrong = "total_budget" in refused and each.code in SUM_CODES
            if field_of(each.field) not in refused and not may_be_wrong:
                yield each.field, each.code, each.message


def readable_rows(rows: Any) -> Iterator[dict[str, Any]]:
    """The rows; a malformed one is replaced by a row with its channel name, if readable."""
    row = HistoricalRowSerializer()
    for each in rows if isinstance(rows, list) else []:
        try:
            yield row.run_validation(each)
        except ValidationError:
            name = each.get("channel") if isinstance(each, dict) else None
            known = name.strip() if isinstance(name, str) else ""
            yield {"channel": known or UNREADABLE, "spend": 0.0, "revenue": 0.0}


def readable_limits(limits: Any) -> dict[str, dict[str, Any]]:
    """The limits; a malformed one is replaced by an empty one."""
    limit = SpendLimitSerializer()
    found: dict[str, dict[str, Any]] = {}
    for name, each in limits.items() if isinstance(limits, dict) else []:
        found[name] = {}
        with suppress(ValidationError):
            found[name] = limit.run_validation(each)
    return found


def field_of(path: str) -> str:
    """The part of the body that a path belongs to: a field, a row, or a channel's limits."""
    field_name = path.partition(".")[0]
    return re.sub(r"\.(min|max)$", "", path) if field_name == "constraints" else field_name


def to_budget_request(values: Mapping[str, Any]) -> BudgetRequest:
    """The planner's request for a validated body."""
    totals = values.get("total_revenue")
    return BudgetRequest(
        total=values["total_budget"],
        rows=tuple(
            PerformanceRow(each["channel"], each["spend"], each.get("revenue"), each.get("date"))
            for each in values.get("historical_data", ())
        ),
        currency=values.get("currency", settings.DEFAULT_CURRENCY),
        constraints={
            name.strip(): SpendLimit(each.get("min"), each.get("max"))
            for name, each in values.get("constraints", {}).items()
        },
        new_channels=tuple(values.get("new_channels", ())),
        present=values.get("present") or None,
        budget_periods=values.get("budget_periods", 1),
        starts_on=values.get("starts_on"),
        lift_tests=tuple(LiftTestResult(**each) for each in values.get("lift_tests", ())),
        total_revenue=(
            None if totals is None else tuple((each["date"], each["revenue"]) for each in totals)
        ),
        platform_roi=values.get("platform_roi", {}),
        min_allocation_percent=_decimal(values.get("min_allocation_percent")),
        max_change_percent=_decimal(values.get("max_change_percent")),
    )


def _decimal(value: float | None) -> Decimal | None:
    return None if value is None else Decimal(repr(value))


class IntervalSerializer(serializers.Serializer[Any]):
    """A median with its 90 % interval."""

    estimate = fields.Number()
    low = fields.Number()
    high = fields.Number()


class ChannelRecommendationSerializer(serializers.Serializer[Any]):
    channel = fields.Text()
    action = fields.Option(choices=["increase", "decrease", "maintain"])
    reason = fields.Text()
    current_allocation = fields.Number()
    suggested_allocation = fields.Number()


class ChannelSummarySerializer(serializers.Serializer[Any]):
    channel = fields.Text()
    marginal_roi = fields.Number(help_text="Revenue of the next unit of money under the plan.")
    marginal_roi_now = fields.Number()
    saturation_percent = fields.Percent()
    allocation_low = fields.Number()
    allocation_high = fields.Number()
    trend = fields.Option(choices=["up", "down", "flat"])
    evidence = fields.Option(choices=["low", "medium", "high"])
    bound = fields.Text(help_text="Name of the binding bound; empty without one.")


class ExperimentSerializer(serializers.Serializer[Any]):
    channel = fields.Text()
    sentence = fields.Text()


class OptimizedBudgetSerializer(serializers.Serializer[Any]):
    """A plan: allocations, expected revenue and lift, and the reasons."""

    allocations = fields.ValueMap(child=fields.Number())
    channel_roi = fields.ValueMap(
        child=fields.Number(allow_null=True), help_text="Null where no revenue is known."
    )
    total_budget = fields.Number()
    currency = fields.Currency()
    recommendations = fields.ItemList(child=ChannelRecommendationSerializer())
    expected_revenue = IntervalSerializer()
    expected_lift_percent = IntervalSerializer()
    channels = fields.ItemList(child=ChannelSummarySerializer())
    probability_of_lift = fields.Number()
    auto_applicable = serializers.BooleanField()
    method = fields.Text()
    plan_id = fields.Count()
    mode = fields.Option(choices=BudgetPlan.Mode.values)
    present = fields.ValueMap(child=fields.Number())
    marginal_return = fields.Number()
    evidence = fields.Option(choices=["low", "medium", "high"])
    reasons_against = fields.ItemList(child=fields.Text())
    warnings = fields.ItemList(child=fields.Text())
    backtest = fields.Text()
    next_experiment = ExperimentSerializer(allow_null=True)
    placebo = fields.ValueMap(child=fields.Number())


class PlanAllocationSerializer(serializers.Serializer[Any]):
    channel = fields.Text()
    amount = fields.Number()
    current_allocation = fields.Number()
    action = fields.Text()
    reason = fields.Text()


class BudgetPlanSerializer(serializers.Serializer[BudgetPlan]):
    """A stored plan and its state."""

    plan_id = serializers.IntegerField()
    status = serializers.CharField()
    verdict = serializers.CharField(allow_blank=True)
    origin = serializers.CharField(help_text="api, nightly or admin.")
    mode = serializers.CharField()
    total_budget = serializers.FloatField()
    currency = serializers.CharField()
    budget_periods = serializers.IntegerField()
    starts_on = serializers.DateField(allow_null=True)
    ends_on = serializers.DateField(allow_null=True)
    shares = PlanAllocationSerializer(
        many=True, required=False, help_text="In the list of plans only with `?expand=shares`."
    )
    expected_revenue = IntervalSerializer()
    expected_lift_percent = IntervalSerializer()
    realised_lift_percent = IntervalSerializer(allow_null=True)
    probability_of_lift = serializers.FloatField()
    auto_applicable = serializers.BooleanField()
    method = serializers.CharField()
    decided_by = serializers.CharField(allow_blank=True)
    created_at = serializers.DateTimeField()
    approved_at = serializers.DateTimeField(allow_null=True)
    applied_at = serializers.DateTimeField(allow_null=True)
    rolled_back_at = serializers.DateTimeField(allow_null=True)

    def to_representation(self, plan: BudgetPlan) -> dict[str, Any]:
        return plan_fields(plan, with_shares=True)


def plan_fields(plan: BudgetPlan, *, with_shares: bool) -> dict[str, Any]:
    """The fields of BudgetPlanSerializer, written out, which is faster for a page of plans."""
    decision, realised = plan.decision, plan.realised_lift
    row: dict[str, Any] = {
        "plan_id": plan.pk,
        "status": decision.status,
        "verdict": decision.verdict,
        "origin": plan.source,
        "mode": plan.mode,
        "total_budget": float(plan.total),
        "currency": plan.currency,
        "budget_periods": plan.budget_periods,
        "starts_on": plan.starts_on,
        "ends_on": plan.ends_on,
        "expected_revenue": interval_fields(plan.expected_revenue),
        "expected_lift_percent": interval_fields(plan.expected_lift),
        "realised_lift_percent": interval_fields(realised) if realised else None,
        "probability_of_lift": plan.probability_of_lift,
        "auto_applicable": plan.auto_applicable,
        "method": plan.method,
        "decided_by": shown_actor(decision.actor),
        "created_at": plan.created_at,
        "approved_at": decision.approved_at,
        "applied_at": decision.applied_at,
        "rolled_back_at": decision.rolled_back_at,
    }
    if with_shares:
        row["shares"] = [
            {
                "channel": each.channel_name,
                "amount": float(each.amount),
                "current_allocation": float(each.present),
                "action": each.action,
                "reason": each.reason,
            }
            for each in plan.allocations.all()
        ]
    return row


class DecideBudgetPlanRequestSerializer(StrictSerializer):
    """A note on the decision."""

    note = fields.Text(max_length=1000, required=False, allow_blank=True)


MAX_LIGHT_ROWS = 2_000  # of a body; checking more counts against the budget of heavy work


class OptimizeBudgetView(endpoint.StrictEndpoint):
    area = "optimization"
    in_one_transaction = False  # planning takes long; an equal body returns the same plan
    permission_to_read = "marketing.view_budgetplan"

    @documented(
        "Divide a marketing budget",
        request=OptimizeBudgetRequestSerializer,
        answer=OptimizedBudgetSerializer,
        example_request=examples.OPTIMIZE_REQUEST,
        example_answer=examples.OPTIMIZE_RESPONSE,
        message="Budget optimization completed",
        accepted=jobs.ACCEPTED,
    )
    def post(self, request: Request) -> Response:
        """Allocate the total so that the last unit of money earns the same in every channel.

        Only the rows of the body are used, and they are not stored. An equal body returns the
        same plan. The plan waits for approval; approving it creates the channels that are not
        stored yet. With `Prefer: respond-async` a job plans it.
        """
        waits = not jobs.prefers_async(request)
        is_heavy = is_long(request, MAX_LIGHT_ROWS)
        with budgeted_body(request, is_heavy=is_heavy, waits=waits):
            return self._planned(request, waits=waits, in_budget=is_heavy)

    def _planned(self, request: Request, *, waits: bool, in_budget: bool) -> Response:
        """Check the body, which takes long for a long one too, and plan or start the job."""
        asked = to_budget_request(self.checked(OptimizeBudgetRequestSerializer))
        try:
            if not waits:
                validate(unify_names(asked)[0])
                return jobs.accept(request, services.OPTIMIZE_JOB, request_json.to_json(asked))
            is_heavy = not in_budget and work.is_heavy(asked)
            plan = optimized(request, asked, is_heavy=is_heavy)
        except Infeasible as error:
            problems = [(each.field, each.code, each.message) for each in error.problems]
            raise InvalidRequest(problems) from error
        return reply(
            "Budget optimization completed",
            optimize_response(load_proposal(plan.proposal), plan.pk),
        )


def optimized(request: Request, asked: BudgetRequest, *, is_heavy: bool) -> BudgetPlan:
    """Plan within the budget of heavy calculations, if it is one."""
    with budgeted(request, is_heavy=is_heavy):
        source = BudgetPlan.Source.API
        return services.optimize(asked, source=source, mode="propose", now=timezone.now())


class BudgetPlanViewSet(endpoint.StrictEndpoint, endpoint.ReadOnlyViewSet[BudgetPlan]):
    """Plans, the newest first; a proposed plan is approved or rejected once."""

    area = "optimization"
    permission_to_read = "marketing.view_budgetplan"
    permission_to_write = "security.approve_decisions"
    list_name = "plans"
    title = "plan"
    ordering = ("-created_at", "-pk")
    queryset = reports.plans()
    serializer_class = BudgetPlanSerializer
    example = examples.PLAN
    list_example = {name: each for name, each in examples.PLAN.items() if name != "shares"}
    list_query = {"expand": {"type": "string", "enum": ["shares"]}}
    query_names = ("cursor", "limit", "expand")

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        expand = request.query_params.get("expand")
        if expand not in {None, "shares"}:
            raise InvalidRequest([("expand", "invalid_choice", "must be shares")])
        with_shares = expand == "shares"
        plans = reports.listed_plans()
        if with_shares:
            plans = plans.prefetch_related("allocations")
        page = self.paginate_queryset(plans) or ()
        return self.get_paginated_response(
            [plan_fields(each, with_shares=with_shares) for each in page]
        )

    @documented(
        "Approve a plan and apply it",
        request=DecideBudgetPlanRequestSerializer,
        answer=BudgetPlanSerializer,
        example_request={"note": "Agreed in the Monday meeting."},
        example_answer={**examples.PLAN, "status": "applied", "decided_by": "API key crm"},
        message="Plan approved",
    )
    @action(detail=True, methods=["post"])
    def approve(self, request: Request, pk: str) -> Response:
        """Put the plan's amounts in force. Repeating it changes nothing; 409 after a rejection.

        Where four eyes are demanded, a key needs the scope `decisions:approve`, and the
        person or key that asked for the plan does not approve it (409).
        """
        scopes = getattr(request.auth, "scopes", None)
        if scopes is not None and "decisions:approve" not in scopes and services.needs_four_eyes():
            raise PermissionDenied("The key lacks the scope decisions:approve.")
        return self._decide("Plan approved", services.approve)

    @documented(
        "Reject a plan",
        request=DecideBudgetPlanRequestSerializer,
        answer=BudgetPlanSerializer,
        example_request={"note": "The fair needs the money."},
        example_answer={**examples.PLAN, "status": "rejected", "decided_by": "API key crm"},
        message="Plan rejected",
    )
    @action(detail=True, methods=["post"])
    def reject(self, request: Request, pk: str) -> Response:
        """Reject the plan. Repeating it changes nothing; 409 after an approval."""
        return self._decide("Plan rejected", services.reject)

    def _decide(self, message: str, service: Callable[..., BudgetPlan]) -> Response:
        """Decide as the caller."""
        note = self.checked(DecideBudgetPlanRequestSerializer).get("note", "")
        plan_id = self.get_object().pk
        try:
            plan = service(plan_id, actor=actor_of(self.request), note=note, now=timezone.now())
        except (services.InvalidTransition, services.Stale) as error:
            raise endpoint.Conflict(str(error)) from error
        return reply(message, self.get_serializer(plan).data)
