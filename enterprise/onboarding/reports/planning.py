"""Due dates and the forecast of a flow, from its rows and from finished flows."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db.models import Q

from enterprise.onboarding import due_dates, forecast, states
from enterprise.onboarding.due_dates import PlannedStep
from enterprise.onboarding.forecast import Forecast, RemainingStep
from enterprise.onboarding.models import OnboardingFlow, OnboardingStep
from enterprise.sla import business_time
from enterprise.sla import reports as sla
from enterprise.sla.business_time import BusinessHours

HOUR = timedelta(hours=1)
MOST_FLOWS = 200
LONG_SHARE = 0.95  # of finished flows, that took at most as long as a reference flow is old


def team_hours(flow: OnboardingFlow) -> BusinessHours:
    """The account team's calendar that is pinned to the flow."""
    return sla.hours_of(flow.calendar_version_id, flow.zone)


def ready_at(
    step: OnboardingStep,
    steps: Mapping[str, OnboardingStep],
    flow: OnboardingFlow,
    now: datetime,
) -> datetime:
    """When a step whose dependencies are over may begin: after the lags to them."""
    lags = {name: lag for name, lag in step.needs.items() if lag and name in steps}
    if not lags:
        return now
    hours = team_hours(flow)
    ends = [
        business_time.add(hours, steps[name].finished_at or now, lag * HOUR)
        for name, lag in lags.items()
    ]
    return max(ends)


def store_dates(
    flow: OnboardingFlow,
    steps: Sequence[OnboardingStep],
    now: datetime,
    clock_ends: Mapping[str, datetime],
) -> None:
    """Set due dates and slack of the steps, and the forecast of the flow; the caller saves.

    `clock_ends` says when the running clock of a step is used up. The date of a step that could
    have begun and is past stays: it is overdue, and what waits for it counts from now.
    """
    counted = [each for each in steps if each.removed_by is None]
    hours = team_hours(flow)
    known = {each.name for each in counted}
    rows = [_planned(each, known, clock_ends.get(each.name)) for each in counted]
    dates = due_dates.due_dates(rows, flow.started_at or flow.created_at, now, hours)
    for step in counted:
        found = dates[step.name]
        is_past = step.due_at is not None and step.due_at <= now
        is_overdue = is_past and step.state != states.PENDING
        if step.state in states.OPEN_STEPS and not is_overdue:
            step.due_at, step.slack_hours = found.due_at, found.slack / HOUR
    made = forecast_of(flow, counted, hours, now)
    flow.low_at = business_time.add(hours, now, made.low * HOUR)
    flow.estimated_at = business_time.add(hours, now, made.estimate * HOUR)
    flow.high_at = business_time.add(hours, now, made.high * HOUR)
    flow.reference_flows = made.reference_flows


def _planned(step: OnboardingStep, known: set[str], ends_at: datetime | None) -> PlannedStep:
    after = {name: lag * HOUR for name, lag in step.needs.items() if name in known}
    return PlannedStep(
        step.name, step.duration, after, step.state, step.ready_at, step.finished_at, ends_at
    )


def forecast_of(
    flow: OnboardingFlow, steps: Sequence[OnboardingStep], hours: BusinessHours, now: datetime
) -> Forecast:
    """The forecast of the flow in business hours from now."""
    template = flow.template_version.template
    known = {each.name for each in steps}
    remaining = [_remaining(each, known, hours, now) for each in steps]
    ratios = reference_ratios(template.pk, flow, now)
    return forecast.forecast(remaining, ratios, template.low_factor, template.high_factor)


def _remaining(
    step: OnboardingStep, known: set[str], hours: BusinessHours, now: datetime
) -> RemainingStep:
    is_open = step.state in states.OPEN_STEPS
    spent = ended = 0.0
    if is_open and step.ready_at is not None:
        spent = business_time.between(hours, step.ready_at, now) / HOUR
    if not is_open and step.finished_at is not None:
        ended = business_time.between(hours, step.finished_at, now) / HOUR
    after = {name: float(lag) for name, lag in step.needs.items() if name in known}
    return RemainingStep(step.name, float(step.hours), after, step.state, spent, ended)


def reference_ratios(
    template_id: int, flow: OnboardingFlow, now: datetime
) -> list[dict[str, float]]:
    """Actual over planned hours of each step, of the last flows of this template and tier.

    Only flows that started longer ago than 95 % of finished ones took: the quick ones of the last
    weeks alone would make the forecast too early. Of a flow that still runs, finished steps count.
    """
    rows = OnboardingFlow.objects.filter(
        template_version__template=template_id, tier=flow.tier, started_at__lt=now
    ).exclude(pk=flow.pk)
    ended = rows.filter(status=states.COMPLETED).order_by("-started_at")
    spans = list(ended.values_list("started_at", "completed_at")[:MOST_FLOWS])
    if len(spans) < forecast.FEWEST_FLOWS:
        return [{} for _ in spans]
    took = sorted(end - start for start, end in spans if start and end)
    longest = took[min(int(LONG_SHARE * len(took)), len(took) - 1)]
    old = rows.filter(Q(status=states.COMPLETED) | Q(status__in=states.OPEN_FLOWS))
    chosen = old.filter(started_at__lte=now - longest).order_by("-started_at", "-pk")
    ids = list(chosen.values_list("pk", flat=True)[:MOST_FLOWS])
    return _ratios(ids)


def _ratios(flow_ids: Sequence[int]) -> list[dict[str, float]]:
    found: dict[int, dict[str, float]] = {each: {} for each in flow_ids}
    steps = OnboardingStep.objects.filter(flow__in=flow_ids, actual_hours__isnull=False)
    for flow_id, name, actual, hours in steps.values_list("flow", "name", "actual_hours", "hours"):
        found[flow_id][name] = float(actual or 0) / float(hours)
    return [each for each in found.values() if each]
