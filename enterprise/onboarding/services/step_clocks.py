"""The SLA clock of each step, and of the first response of the account team."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingFlow, OnboardingStep, StepOwnerKind
from enterprise.onboarding.reports import clocks
from enterprise.sla import reports as sla
from enterprise.sla import services
from enterprise.sla.models import ClockKind, SlaClock
from enterprise.sla.services import ClockStart

PAUSED_BY = {states.WAIT: "waiting for the customer"}
ENDED_BY = (states.COMPLETE, states.SKIP, states.REMOVE)


def follow(flow: OnboardingFlow, step: OnboardingStep, event: str, now: datetime) -> None:
    """Move the clocks of a step after an event."""
    if event == states.MAKE_READY:
        _open(flow, step, now)
        return
    is_team = step.owner_kind == StepOwnerKind.ACCOUNT_TEAM
    if is_team and event in (states.START, states.COMPLETE):
        answer_response(flow, now)
    found = clocks.step_clock(step.pk)
    if found is None:
        return
    if event in PAUSED_BY:
        services.pause_clock(found.pk, now, PAUSED_BY[event])
    elif event == states.RESUME and found.state == SlaClock.State.PAUSED:
        services.resume_clock(found.pk, now)
    elif event in ENDED_BY:
        services.stop_clock(found.pk, now)


def follow_flow(
    flow: OnboardingFlow, steps: Sequence[OnboardingStep], before: str, now: datetime
) -> None:
    """Pause every clock on hold, resume those that ran, stop them at the end."""
    for step in steps:
        found = clocks.step_clock(step.pk)
        if found is None or found.state == SlaClock.State.STOPPED:
            continue
        if flow.status == states.ON_HOLD:
            services.pause_clock(found.pk, now, "on hold")
        elif flow.status not in states.OPEN_FLOWS:
            services.stop_clock(found.pk, now)
        elif before == states.ON_HOLD and step.state != states.WAITING_CUSTOMER:
            services.resume_clock(found.pk, now)
    if flow.status not in states.OPEN_FLOWS:
        answer_response(flow, now)


def open_response(flow: OnboardingFlow, zone: str, now: datetime) -> int:
    """Start the clock of the team's first response, in the support hours of the tier."""
    terms = flow.terms
    start = ClockStart(
        kind=ClockKind.RESPONSE,
        subject=clocks.response_subject(flow.pk),
        title=f"First response of onboarding {flow.pk}",
        target=timedelta(hours=int(terms["response_hours"])),
        calendar_version=sla.calendar_in_force(terms["support_hours"]),
        zone=zone,
        customer_id=flow.customer_id,
        tier=flow.tier,
    )
    return services.open_clock(start, now).pk


def answer_response(flow: OnboardingFlow, now: datetime) -> None:
    """The account team has acted: its first response is given."""
    if found := clocks.response_clock(flow.pk):
        services.stop_clock(found.pk, now)


def _open(flow: OnboardingFlow, step: OnboardingStep, now: datetime) -> None:
    start = ClockStart(
        kind=ClockKind.STEP,
        subject=clocks.step_subject(step.pk),
        title=f"{step.name} of onboarding {flow.pk}",
        target=step.duration,
        calendar_version=flow.calendar_version,
        zone=flow.zone,
        customer_id=flow.customer_id,
        tier=flow.tier,
    )
    clock = services.open_clock(start, now)
    if clock.state == SlaClock.State.STOPPED:
        services.reopen_clock(clock.pk, now)
