"""A flow as the API, the class and the pages show it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from aethercrown.formatting import counted
from aethercrown.references import NamedRows
from aethercrown.search import row_source
from enterprise.onboarding import forecast, progress, states
from enterprise.onboarding.kaplan_meier import ObservedTime, median_time
from enterprise.onboarding.models import (
    FlowForecast,
    OnboardingFlow,
    OnboardingRole,
    OnboardingStep,
    StepOwnerKind,
    StepTransition,
)
from enterprise.onboarding.progress import FlowProgress, StepProgress
from enterprise.onboarding.reports import clocks
from enterprise.sla import reports as sla
from enterprise.sla.models import SlaClock
from enterprise.sla.tier_rules import CompanySize

NO_CONTACT, NO_OWNER, SILENT = "no customer contact", "unassigned", "customer_silent"
RESOURCES = ("api_rate_limit", "storage_gb", "compute_units", "support_hours")
MILESTONES = ("complete", "status")
MAX_SIZES = 10_000
RECORDED_FLOWS = 200  # the last ones, by which forecasts are judged
MEASURED = (states.ACTIVE, states.ON_HOLD, states.COMPLETED)  # those that may reach first value
MAX_LOG_ROWS = 200
CUSTOMER_TEAM = OnboardingRole.values


def flows() -> QuerySet[OnboardingFlow]:
    return OnboardingFlow.objects.select_related(
        "customer", "template_version__template", "calendar_version__calendar"
    )


def listed_flows(customer: int | None = None, status: str = "") -> QuerySet[OnboardingFlow]:
    """Flows with their steps, as the API lists them; with `customer` only those of that one."""
    rows = OnboardingFlow.objects.prefetch_related("steps")
    if customer is not None:
        rows = rows.filter(customer=customer)
    return rows.filter(status=status) if status else rows


def listed_fields(flow: OnboardingFlow) -> dict[str, Any]:
    """A flow in the list of the API."""
    counts = progress_of([each for each in flow.steps.all() if each.removed_by is None])
    return {
        "onboarding_id": str(flow.onboarding_id),
        "company_name": flow.company_name,
        "sla_tier": flow.tier,
        "status": flow.status,
        "created_at": flow.created_at,
        "overall_progress": counts.overall_progress,
        "current_step": counts.current_step,
        "estimated_completion": flow.estimated_at,
    }


def find(onboarding_id: str, customer: int | None = None) -> OnboardingFlow | None:
    """The flow with this id; with `customer` only one of that customer."""
    try:
        rows = flows().filter(onboarding_id=UUID(onboarding_id))
    except ValueError:
        return None
    if customer is not None:
        rows = rows.filter(customer=customer)
    return rows.first()


def steps_of(flow: OnboardingFlow) -> list[OnboardingStep]:
    """The steps of the flow that its template version has, by order."""
    rows = flow.steps.filter(removed_by=None).select_related("owner")
    return list(rows.order_by("order"))


def progress_of(steps: Sequence[OnboardingStep]) -> FlowProgress:
    return progress.progress_of(
        [StepProgress(each.order, each.name, each.state, float(each.hours)) for each in steps]
    )


def flow_fields(flow: OnboardingFlow) -> dict[str, Any]:
    """The flow as the API returns it when it is created."""
    steps = steps_of(flow)
    return {
        "onboarding_id": str(flow.onboarding_id),
        "company_name": flow.company_name,
        "sla_tier": flow.tier,
        "tier_reasons": flow.tier_reasons,
        "status": flow.status,
        "created_at": flow.created_at,
        "estimated_completion": flow.estimated_at,
        "forecast": forecast_fields(flow),
        "steps": [step_fields(each) for each in steps],
        "resources": {name: flow.terms[name] for name in RESOURCES},
        "contacts": team_contacts(steps),
    }


def has_history(flow: OnboardingFlow) -> bool:
    """Whether its forecast comes from earlier flows, not from planned hours alone."""
    return flow.reference_flows >= forecast.FEWEST_FLOWS


def forecast_fields(flow: OnboardingFlow) -> dict[str, Any]:
    return {"low": flow.low_at, "high": flow.high_at, "reference_flows": flow.reference_flows}


def step_fields(step: OnboardingStep) -> dict[str, Any]:
    return {
        "order": step.order,
        "name": step.name,
        "status": step.state,
        "estimated_duration_hours": float(step.hours),
        "assigned_to": assigned_to(step),
        "dependencies": list(step.needs),
        "due_at": step.due_at,
        "evidence": step.evidence,
    }


def assigned_to(step: OnboardingStep) -> str:
    """The person, or who it waits to be given to."""
    if step.owner is not None:
        return step.owner.name
    return "automation" if step.owner_kind == StepOwnerKind.AUTOMATION else step.role


def team_contacts(steps: Sequence[OnboardingStep]) -> dict[str, str | None]:
    """The person of each role of the account team; None while nobody is assigned."""
    found: dict[str, str | None] = dict.fromkeys(CUSTOMER_TEAM)
    for step in steps:
        if step.owner is not None and found.get(step.role) is None:
            found[step.role] = step.owner.name
    return found


def status_fields(flow: OnboardingFlow) -> dict[str, Any]:
    counts = progress_of(steps_of(flow))
    return {
        "onboarding_id": str(flow.onboarding_id),
        "status": flow.status,
        "overall_progress": counts.overall_progress,
        "effort_progress": counts.effort_progress,
        "completed_steps": counts.completed_steps,
        "total_steps": counts.total_steps,
        "current_step": counts.current_step,
        "estimated_completion": flow.estimated_at,
        "forecast": forecast_fields(flow),
    }


def report_fields(flow: OnboardingFlow, now: datetime) -> dict[str, Any]:
    """Progress, milestones, next steps, blockers, team and SLA of the flow, all from rows."""
    steps = steps_of(flow)
    counts = progress_of(steps)
    is_open = flow.status in states.OPEN_FLOWS
    end = now if is_open else flow.completed_at or now
    start = flow.started_at or flow.created_at
    return {
        "onboarding_id": str(flow.onboarding_id),
        "status": flow.status,
        "completion_percentage": counts.overall_progress,
        "effort_progress": counts.effort_progress,
        "days_elapsed": progress.days_elapsed(start, end, sla.company_zone()),
        "estimated_days_remaining": progress.days_remaining(now, flow.estimated_at)
        if is_open
        else 0,
        "time_to_first_value_days": days_to_first_value(flow),
        "milestones_achieved": milestones(flow),
        "next_steps": next_steps(steps),
        "blockers": blockers(steps, now, has_contact=has_contact(flow)),
        "team_contacts": team_contacts(steps),
        "sla": sla_fields(flow, steps, now),
    }


def days_to_first_value(flow: OnboardingFlow) -> int | None:
    """Days from the start to the first day of use that counts; None before that."""
    if flow.first_value_on is None:
        return None
    begun = (flow.started_at or flow.created_at).date()
    return max((flow.first_value_on - begun).days, 0)


def first_value_notes(now: datetime) -> list[str]:
    """For each template that measures it, how many days half of its flows take to first value."""
    rows = flows().exclude(template_version__template__value_metric="")
    found: dict[str, list[ObservedTime]] = {}
    chosen = rows.filter(status__in=MEASURED).order_by("-started_at", "-pk")[:MAX_SIZES]
    for row in chosen:
        start = (row.started_at or row.created_at).date()
        end = row.first_value_on or now.date()
        days = float(max((end - start).days, 0))
        title = row.template_version.template.title
        found.setdefault(title, []).append(ObservedTime(days, row.first_value_on is not None))
    return [_first_value_note(title, each) for title, each in sorted(found.items())]


def _first_value_note(title: str, observed: list[ObservedTime]) -> str:
    reached = sum(each.has_event for each in observed)
    median = median_time(observed)
    share = f"{reached:,} of {counted(len(observed), 'flow')} of {title} reached first value"
    if median is None:
        return f"{share}; fewer than half, so there is no median yet."
    return f"{share}, half of them within {counted(int(median), 'day')}."


def milestones(flow: OnboardingFlow) -> list[dict[str, Any]]:
    """Completed steps and changes of the flow itself, with their times, from the log.

    A step that was reverted since is no milestone.
    """
    rows = StepTransition.objects.filter(flow=flow).order_by("sequence")
    found: dict[str, dict[str, Any]] = {}
    for row in rows.filter(event__in=(*MILESTONES, "revert")):
        name = row.step or row.to_state
        found.pop(name, None)
        if row.event != "revert":
            found[name] = {"name": name, "achieved_at": row.at}
    return list(found.values())


def has_contact(flow: OnboardingFlow) -> bool:
    """Whether somebody at the customer is known who answers: viewers do not."""
    return flow.contacts.filter(left_at=None).exclude(role="viewer").exists()


def next_steps(steps: Sequence[OnboardingStep]) -> list[dict[str, Any]]:
    """Steps that can begin, the most urgent first."""
    ready = [each for each in steps if each.state == states.READY]
    ready.sort(key=lambda each: (each.slack_hours or 0.0, each.order))
    return [
        {"name": each.name, "assigned_to": assigned_to(each), "due_at": each.due_at}
        for each in ready
    ]


def blockers(
    steps: Sequence[OnboardingStep], now: datetime, *, has_contact: bool = True
) -> list[dict[str, Any]]:
    """What holds the flow up: blocked, failed, overdue, silent or unassigned steps, with owner."""
    found = []
    for step in steps:
        for kind, reason, since in _blockers(step, now, has_contact=has_contact):
            found.append(
                {
                    "step": step.name,
                    "kind": kind,
                    "reason": reason,
                    "owner": assigned_to(step),
                    "since": since,
                }
            )
    return found


def _blockers(
    step: OnboardingStep, now: datetime, *, has_contact: bool
) -> list[tuple[str, str, datetime | None]]:
    if step.state not in states.OPEN_STEPS and not step.reason:
        return []
    found: list[tuple[str, str, datetime | None]] = []
    if step.state in (states.BLOCKED, states.FAILED) or step.reason:
        kind = step.state if step.state in (states.BLOCKED, states.FAILED) else "roll_back"
        found.append((kind, step.reason, step.started_at))
    if step.silent_since is not None:
        found.append((SILENT, "the customer has not answered", step.silent_since))
    if step.state == states.WAITING_CUSTOMER and not has_contact:
        found.append((NO_CONTACT, "nobody at the customer is known", step.waiting_since))
    is_on_us = step.state in states.OPEN_STEPS and step.state != states.WAITING_CUSTOMER
    if is_on_us and step.due_at is not None and step.due_at < now:
        found.append(("overdue", "past its due date", step.due_at))
    is_team = step.owner_kind == StepOwnerKind.ACCOUNT_TEAM
    if is_team and step.owner_id is None and step.state in (states.READY, *states.RUNNING):
        found.append((NO_OWNER, "nobody has it", step.ready_at))
    return found


def sla_fields(
    flow: OnboardingFlow, steps: Sequence[OnboardingStep], now: datetime
) -> dict[str, Any]:
    """The terms, the clocks with elapsed time, attainment and uptime of this month."""
    rows = clocks.flow_clocks(flow.pk, [each.pk for each in steps])
    timelines = sla.timelines(rows)
    month = sla.attainment(now.date(), customer_id=flow.customer_id) if flow.customer_id else None
    percent = month.percent if month else None
    return {
        "terms": flow.terms,
        "response_target": sla.response_text(flow.terms),
        "clocks": [_clock_fields(each, timelines[each.pk], now) for each in rows],
        "attainment_percent": None if percent is None else float(percent),
        "uptime_percent": sla.measured_uptime(now),
    }


def _clock_fields(clock: SlaClock, found: Any, now: datetime) -> dict[str, Any]:
    until = clock.stopped_at or now
    return {
        "kind": clock.kind,
        "title": clock.title,
        "state": clock.state,
        "outcome": clock.outcome,
        "elapsed_percent": float(found.percent(until)),
        "due_at": clock.due_at,
    }


def log_of(flow: OnboardingFlow) -> list[StepTransition]:
    """The newest entries of the log, the last first."""
    return list(StepTransition.objects.filter(flow=flow).order_by("-sequence")[:MAX_LOG_ROWS])


def version_notes(flow: OnboardingFlow) -> list[str]:
    """By which template and calendar version the flow runs, where a newer one is in force."""
    found = []
    template = flow.template_version.template
    newest = template.versions.filter(state="published").order_by("-number").first()
    if newest is not None and newest.number > flow.template_version.number:
        found.append(
            f"It runs on version {flow.template_version.number} of {template}; version "
            f"{newest.number} is in force for new flows."
        )
    calendar = flow.calendar_version
    in_force = sla.number_in_force(calendar.calendar_id)
    if in_force is not None and in_force > calendar.number:
        found.append(
            f"It is planned by version {calendar.number} of {calendar.calendar}; version "
            f"{in_force} is in force for new flows."
        )
    return found


def forecast_record() -> str:
    """How many of the last finished flows fell inside their forecast; empty without any."""
    ended = OnboardingFlow.objects.filter(status=states.COMPLETED, completed_at__isnull=False)
    last = dict(
        ended.order_by("-completed_at", "-pk").values_list("pk", "completed_at")[:RECORDED_FLOWS]
    )
    first: dict[int, FlowForecast] = {}
    for row in FlowForecast.objects.filter(flow__in=last).order_by("made_at", "pk"):
        first.setdefault(row.flow_id, row)
    if not first:
        return ""
    inside = [
        first[pk].low_at <= done <= first[pk].high_at
        for pk, done in reversed(last.items())
        if done is not None and pk in first
    ]
    text = (
        f"{sum(inside)} of {counted(len(inside), 'finished flow')} fell inside their first forecast"
    )
    return f"{text}." if forecast.is_reliable(inside) else f"{text}: not reliable."


def names(flow_ids: Collection[int]) -> Mapping[int, str]:
    """The company names of flows, for texts that hold their number."""
    return dict(OnboardingFlow.objects.filter(pk__in=flow_ids).values_list("pk", "company_name"))


def customer_sizes() -> list[tuple[int, str, CompanySize]]:
    """The size of each customer as its newest flow says it, for the simulator of tier rules."""
    rows = OnboardingFlow.objects.filter(customer__isnull=False).order_by("customer", "-pk")
    found: dict[int, tuple[int, str, CompanySize]] = {}
    for row in rows[:MAX_SIZES]:
        size = CompanySize(row.employee_count, row.annual_revenue, row.currency)
        found.setdefault(row.customer_id or 0, (row.customer_id or 0, row.company_name, size))
    return list(found.values())


SIZES = sla.CustomerSizes("onboarding", customer_sizes)
NAMED_ROWS = NamedRows("onboarding", names)


SEARCH = row_source(
    "Onboarding",
    flows,
    ("company_name", "customer__external_id"),
    lambda row: f"{row}, {row.status.replace('_', ' ')}",
    page=lambda row: f"/dashboards/onboarding/{row.pk}",
    name=lambda row: row.company_name or row,
)
