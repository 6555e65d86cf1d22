"""The onboarding calls: create, status, report, complete a step."""

from typing import Any

from django.utils import timezone
from rest_framework import serializers
from rest_framework.exceptions import NotFound, PermissionDenied
from rest_framework.request import Request
from rest_framework.response import Response

from aethercrown.api import fields
from aethercrown.api.endpoint import (
    Conflict,
    InvalidRequest,
    Pages,
    StrictEndpoint,
    Unavailable,
    reply,
)
from aethercrown.api.openapi import documented
from aethercrown.transitions import InvalidTransition
from enterprise.onboarding import examples, states
from enterprise.onboarding.models import OnboardingFlow
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import flows, steps
from enterprise.onboarding.services.actions import ActionRefused
from enterprise.onboarding.services.flow_change import OpenDependencies
from enterprise.onboarding.services.flows import NewCompany
from enterprise.sla import business_time
from enterprise.sla.reports import NothingInForce
from security.access import reports as people

MAX_REQUIREMENTS = 50


class OpenFlowConflict(InvalidRequest):
    """409 with the id of the company's open flow."""

    status_code = 409
    default_code = "open_flow"

    def __init__(self, error: flows.OpenFlow) -> None:
        super().__init__([("company_name", "open_flow", str(error))])
        self.problems[0]["onboarding_id"] = error.onboarding_id


class DependencyConflict(InvalidRequest):
    """409 that names the steps that come first."""

    status_code = 409
    default_code = "open_dependency"

    def __init__(self, error: OpenDependencies) -> None:
        super().__init__(
            (f"dependencies.{name}", "open_dependency", f"{name} is not done yet")
            for name in error.names
        )


class EmailField(fields.Text):
    """An e-mail address."""

    default_error_messages = {"not_an_address": "must be an e-mail address"}

    def to_internal_value(self, data: Any) -> str:
        value = super().to_internal_value(data)
        try:
            serializers.EmailField().run_validation(value)
        except serializers.ValidationError:
            self.fail("not_an_address")
        return value


class CreateOnboardingSerializer(serializers.Serializer[Any]):
    """A company; what is left out is not known, never zero."""

    company_name = fields.Text(max_length=200)
    employee_count = fields.Count(required=False, allow_null=True)
    annual_revenue = fields.Money(required=False, allow_null=True)
    currency = fields.Currency(required=False)
    contact_email = EmailField(max_length=254, required=False, allow_blank=True)
    requirements = fields.ScalarMap(required=False, most=MAX_REQUIREMENTS)

    def validate_requirements(self, value: dict[str, Any]) -> dict[str, Any]:
        """The time zone is where support hours count: one that is not known would be UTC."""
        zone = value.get("time_zone")
        if zone is not None and not (isinstance(zone, str) and business_time.is_zone(zone)):
            message = "time_zone must be a time zone such as Europe/Berlin"
            raise serializers.ValidationError(message, "unknown_zone")
        return value


class ForecastSerializer(serializers.Serializer[Any]):
    """The 80 % interval of go-live, and of how many flows it was drawn from."""

    low = fields.Instant(allow_null=True)
    high = fields.Instant(allow_null=True)
    reference_flows = fields.Count()


class OnboardingStepSerializer(serializers.Serializer[Any]):
    """`evidence` that it is done: `stated` by a person, or `checked` by the platform itself."""

    order = fields.Count()
    name = fields.Text()
    status = fields.Option(choices=states.STEP_STATES)
    estimated_duration_hours = fields.Number()
    assigned_to = fields.Text()
    dependencies = fields.ItemList(child=fields.Text())
    due_at = fields.Instant(allow_null=True)
    evidence = fields.Option(choices=states.EVIDENCE)


class ResourcesSerializer(serializers.Serializer[Any]):
    api_rate_limit = fields.Count()
    storage_gb = fields.Count()
    compute_units = fields.Count()
    support_hours = fields.Text()


class TeamContactsSerializer(serializers.Serializer[Any]):
    """The person of each role; null while nobody is assigned."""

    account_manager = fields.Text(allow_null=True)
    technical_lead = fields.Text(allow_null=True)
    support_team = fields.Text(allow_null=True)


class OnboardingFlowSerializer(serializers.Serializer[Any]):
    onboarding_id = fields.Text()
    company_name = fields.Text()
    sla_tier = fields.Text()
    tier_reasons = fields.ItemList(child=fields.Text())
    status = fields.Option(choices=states.FLOW_STATES)
    created_at = fields.Instant()
    estimated_completion = fields.Instant(allow_null=True)
    forecast = ForecastSerializer()
    steps = fields.ItemList(child=OnboardingStepSerializer())
    resources = ResourcesSerializer()
    contacts = TeamContactsSerializer()


class OnboardingStatusSerializer(serializers.Serializer[Any]):
    onboarding_id = fields.Text()
    status = fields.Option(choices=states.FLOW_STATES)
    overall_progress = fields.Percent()
    effort_progress = fields.Percent()
    completed_steps = fields.Count()
    total_steps = fields.Count()
    current_step = fields.Text(allow_null=True)
    estimated_completion = fields.Instant(allow_null=True)
    forecast = ForecastSerializer()


class MilestoneSerializer(serializers.Serializer[Any]):
    name = fields.Text()
    achieved_at = fields.Instant()


class NextStepSerializer(serializers.Serializer[Any]):
    name = fields.Text()
    assigned_to = fields.Text()
    due_at = fields.Instant(allow_null=True)


class BlockerSerializer(serializers.Serializer[Any]):
    step = fields.Text()
    kind = fields.Text()
    reason = fields.Text(allow_blank=True)
    owner = fields.Text()
    since = fields.Instant(allow_null=True)


class SlaTermsSerializer(serializers.Serializer[Any]):
    tier = fields.Text()
    response_hours = fields.Count()
    uptime_percent = fields.Percent()
    extras = fields.ItemList(child=fields.Text())
    support_hours = fields.Text()
    api_rate_limit = fields.Count()
    storage_gb = fields.Count()
    compute_units = fields.Count()


class SlaClockSerializer(serializers.Serializer[Any]):
    kind = fields.Text()
    title = fields.Text()
    state = fields.Text()
    outcome = fields.Text()
    elapsed_percent = fields.Number()
    due_at = fields.Instant(allow_null=True)


class SlaReportSerializer(serializers.Serializer[Any]):
    """The terms, the clocks, and this month's share of clocks met and uptime; null if unknown."""

    terms = SlaTermsSerializer()
    response_target = fields.Text()
    clocks = fields.ItemList(child=SlaClockSerializer())
    attainment_percent = fields.Percent(allow_null=True)
    uptime_percent = fields.Percent(allow_null=True)


class OnboardingReportSerializer(serializers.Serializer[Any]):
    onboarding_id = fields.Text()
    status = fields.Option(choices=states.FLOW_STATES)
    completion_percentage = fields.Percent()
    effort_progress = fields.Percent()
    days_elapsed = fields.Count()
    estimated_days_remaining = fields.Count(allow_null=True)
    time_to_first_value_days = fields.Count(allow_null=True)
    milestones_achieved = fields.ItemList(child=MilestoneSerializer())
    next_steps = fields.ItemList(child=NextStepSerializer())
    blockers = fields.ItemList(child=BlockerSerializer())
    team_contacts = TeamContactsSerializer()
    sla = SlaReportSerializer()


class OnboardingFlowResponseSerializer(serializers.Serializer[Any]):
    flow = OnboardingFlowSerializer()


class OnboardingStatusResponseSerializer(serializers.Serializer[Any]):
    status = OnboardingStatusSerializer()


class OnboardingReportResponseSerializer(serializers.Serializer[Any]):
    report = OnboardingReportSerializer()


class ListedOnboardingSerializer(serializers.Serializer[Any]):
    """A flow in the list."""

    onboarding_id = fields.Text()
    company_name = fields.Text()
    sla_tier = fields.Text()
    status = fields.Option(choices=states.FLOW_STATES)
    created_at = fields.Instant()
    overall_progress = fields.Percent()
    current_step = fields.Text(allow_null=True)
    estimated_completion = fields.Instant(allow_null=True)


class CompleteOnboardingStepSerializer(serializers.Serializer[Any]):
    """What was done, for the log."""

    notes = fields.Text(required=False, allow_blank=True, max_length=steps.MAX_NOTES)


class CompleteOnboardingStepResponseSerializer(serializers.Serializer[Any]):
    step = OnboardingStepSerializer()
    status = OnboardingStatusSerializer()


class OnboardingEndpoint(StrictEndpoint):
    """A call about one flow; a customer's key finds only that customer's."""

    area = "enterprise"
    permission_to_read = "enterprise.view_onboardingflow"
    takes_customer_keys = True

    def flow(self, onboarding_id: str) -> OnboardingFlow:
        customer = getattr(self.request.auth, "customer", None)
        found = reports.find(onboarding_id, customer)
        if found is None:
            raise NotFound
        return found

    def refuse_readers(self) -> None:
        """A signed-in user needs the permission to operate; an API key has its scope."""
        if self.request.auth is None and not people.may_operate(people.person(self.request.user)):
            raise PermissionDenied("Onboarding needs the permission to operate.")


class CreateOnboardingView(OnboardingEndpoint):
    takes_customer_keys = False

    @documented(
        "Start the onboarding of a company",
        request=CreateOnboardingSerializer,
        answer=OnboardingFlowResponseSerializer,
        example_request=examples.COMPANY,
        example_answer={"flow": examples.FLOW},
        message="Onboarding started",
        status=201,
    )
    def post(self, request: Request) -> Response:
        """Choose the tier by the rules in force and start the flow; automation begins at once.

        A company that is being onboarded already is 409 with code `open_flow` and the
        `onboarding_id` of its flow.
        """
        values = self.checked(CreateOnboardingSerializer)
        self.refuse_readers()
        company = NewCompany(
            name=" ".join(values["company_name"].split()),
            employee_count=values.get("employee_count"),
            annual_revenue=values.get("annual_revenue"),
            currency=values.get("currency", ""),
            contact_email=values.get("contact_email", ""),
            requirements=values.get("requirements", {}),
        )
        try:
            flow = flows.create(company, timezone.now())
        except flows.OpenFlow as error:
            raise OpenFlowConflict(error) from error
        except (flows.NoTemplate, NothingInForce) as error:
            raise Unavailable(str(error)) from error
        return reply("Onboarding started", {"flow": reports.flow_fields(flow)}, 201)


class OnboardingsView(OnboardingEndpoint):
    list_name = "onboardings"
    title = "onboarding"
    ordering = "-pk"
    query_names = ("cursor", "limit", "status")

    @documented(
        "List the onboardings",
        answer=ListedOnboardingSerializer,
        example_answer={"onboardings": [examples.LISTED], "next": None, "previous": None},
        message="1 onboarding",
        list_name="onboardings",
        query={"status": {"type": "string", "enum": list(states.FLOW_STATES)}},
    )
    def get(self, request: Request) -> Response:
        """Every onboarding, the newest first; a customer's key lists those of that customer."""
        status = request.query_params.get("status", "")
        if status and status not in states.FLOW_STATES:
            known = ", ".join(states.FLOW_STATES)
            raise InvalidRequest([("status", "invalid_choice", f"must be one of {known}")])
        pages = Pages()
        rows = reports.listed_flows(getattr(request.auth, "customer", None), status)
        page = pages.paginate_queryset(rows, request, view=self)
        return pages.get_paginated_response([reports.listed_fields(each) for each in page])


class OnboardingStatusView(OnboardingEndpoint):
    @documented(
        "Show how far an onboarding is",
        answer=OnboardingStatusResponseSerializer,
        example_answer={"status": examples.STATUS},
        message="Onboarding status",
    )
    def get(self, request: Request, onboarding_id: str) -> Response:
        """Progress, the current step, and when it will be done."""
        found = reports.status_fields(self.flow(onboarding_id))
        return reply("Onboarding status", {"status": found})


class OnboardingReportView(OnboardingEndpoint):
    @documented(
        "Report on an onboarding",
        answer=OnboardingReportResponseSerializer,
        example_answer={"report": examples.REPORT},
        message="Onboarding report",
    )
    def get(self, request: Request, onboarding_id: str) -> Response:
        """Milestones, next steps, blockers with their owners, team, and SLA with its clocks."""
        found = reports.report_fields(self.flow(onboarding_id), timezone.now())
        return reply("Onboarding report", {"report": found})


class CompleteOnboardingStepView(OnboardingEndpoint):
    takes_customer_keys = False
    in_one_transaction = False  # a health check calls other systems before anything is written

    @documented(
        "Complete a step",
        request=CompleteOnboardingStepSerializer,
        answer=CompleteOnboardingStepResponseSerializer,
        example_request={"notes": "Handbook sent to the project lead."},
        example_answer={"step": {**examples.STEP, "status": "done"}, "status": examples.STATUS},
        message="Step completed",
    )
    def post(self, request: Request, onboarding_id: str, name: str) -> Response:
        """Complete a step; one with an action is done by it. A done step is 200 again.

        409 while a step that it waits for is open, which is named, and where its work fails, such
        as a health check.
        """
        notes = self.checked(CompleteOnboardingStepSerializer).get("notes", "")
        self.refuse_readers()
        flow = self.flow(onboarding_id)
        try:
            step = steps.complete(flow.pk, name, timezone.now(), notes=notes)
        except steps.UnknownStep as error:
            raise NotFound from error
        except OpenDependencies as error:
            raise DependencyConflict(error) from error
        except (InvalidTransition, ActionRefused) as error:
            raise Conflict(str(error)) from error
        status = reports.status_fields(self.flow(onboarding_id))
        return reply("Step completed", {"step": reports.step_fields(step), "status": status})
