"""The demo company's onboardings: finished ones for the forecast, one on hold, one moved.

They have a template and a calendar of their own, without actions: what staff use is not touched,
and no worker acts for a demo customer.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from django.db.models import Model

from aethercrown import demo
from aethercrown.demo import Seeding
from aethercrown.history.attribution import acting
from enterprise.onboarding import states
from enterprise.onboarding.models import (
    FlowForecast,
    OnboardingDependency,
    OnboardingFlow,
    OnboardingStep,
    OnboardingTemplate,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
)
from enterprise.onboarding.reports import clocks
from enterprise.onboarding.services import flows, moves, steps, templates
from enterprise.onboarding.services.flow_change import FlowChange
from enterprise.sla import reports as sla
from enterprise.sla import services as calendars
from enterprise.sla.models import BusinessCalendar, CalendarDay, CalendarVersion
from operations.decisions import services as decisions
from revenue.customers import reports as customers

FINISHED, OPEN = 48, 2
NAME, MANAGER = "demo_guided", "demo: account manager"
STEPS = (("kick_off", 2), ("data_import", 12), ("training", 4), ("go_live", 6))
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def seed(seeding: Seeding) -> None:
    """Fifty flows of demo customers; nothing where there are flows already."""
    names = list(customers.names(demo.keys_of("revenue.customer")[: FINISHED + OPEN]).items())
    if OnboardingFlow.objects.exists() or len(names) < FINISHED + OPEN:
        return
    with acting(MANAGER):
        calendar = _calendar(seeding)
        version = _template(seeding)
        finished = [_row(each, version, calendar) for each in names[:FINISHED]]
        _finish(seeding, finished)
        held, waiting = (_begun(seeding, each, version, calendar) for each in names[FINISHED:])
        flows.put_on_hold(held.pk, seeding.now, "Their project lead is away.")
        _move(seeding, waiting, version)
        _holiday(seeding, calendar)


def _keep(seeding: Seeding, rows: Iterable[Model]) -> None:
    seeding.keep(list(rows))


def _calendar(seeding: Seeding) -> CalendarVersion:
    calendar = BusinessCalendar.objects.create(name="demo_hours", title="Demo hours")
    week = dict.fromkeys(("monday", "tuesday", "wednesday", "thursday", "friday"), "09:00-17:00")
    version = CalendarVersion.objects.create(
        calendar=calendar, number=1, state="published", published_at=seeding.now, **week
    )
    _keep(seeding, [calendar, version])
    return version


def _template(seeding: Seeding) -> OnboardingTemplateVersion:
    template = OnboardingTemplate.objects.create(name=NAME, title="Guided (demo)")
    version = OnboardingTemplateVersion.objects.create(
        template=template, number=1, state="published", published_at=seeding.now
    )
    rows = OnboardingTemplateStep.objects.bulk_create(
        OnboardingTemplateStep(version=version, position=place, name=name, hours=hours)
        for place, (name, hours) in enumerate(STEPS, 1)
    )
    pairs = list(zip(rows[1:], rows, strict=False))
    edges = OnboardingDependency.objects.bulk_create(
        OnboardingDependency(step=step, needs=before) for step, before in pairs
    )
    _keep(seeding, [template, version, *rows, *edges])
    return version


def _row(
    customer: tuple[int, str], version: OnboardingTemplateVersion, calendar: CalendarVersion
) -> OnboardingFlow:
    """A flow of a customer, without times."""
    pk, name = customer
    tier = sla.tier("standard")
    return OnboardingFlow(
        customer_id=pk,
        company_name=name,
        company_key=f"demo {pk}",
        employee_count=40,
        tier="standard",
        tier_reasons=["no other rule matches"],
        terms=tier.terms if tier else {},
        rule_set=sla.rules_in_force(),
        template_version=version,
        calendar_version=calendar,
        zone="UTC",
    )


def _finish(seeding: Seeding, rows: Sequence[OnboardingFlow]) -> None:
    """Flows of the last year that are completed, with what their steps took and was forecast."""
    for place, flow in enumerate(rows):
        flow.created_at = flow.started_at = seeding.now - (30 + 7 * place) * DAY
        flow.completed_at = flow.started_at + (4 + 6 * float(seeding.random.random())) * DAY
        flow.status = states.COMPLETED
    made = OnboardingFlow.objects.bulk_create(rows)
    _keep(seeding, made)
    _keep(
        seeding,
        OnboardingStep.objects.bulk_create(
            _done(flow, place, name, hours, float(seeding.random.lognormal(0, 0.4)))
            for flow in made
            for place, (name, hours) in enumerate(STEPS, 1)
        ),
    )
    _keep(seeding, FlowForecast.objects.bulk_create(_forecast(flow) for flow in made))


def _done(flow: OnboardingFlow, place: int, name: str, hours: int, ratio: float) -> OnboardingStep:
    return OnboardingStep(
        flow=flow, order=place, name=name, hours=hours, owner_kind="account_team",
        role="account_manager", state=states.DONE, ready_at=flow.started_at,
        finished_at=flow.completed_at, actual_hours=hours * ratio,
        needs={STEPS[place - 2][0]: 0.0} if place > 1 else {},
    )  # fmt: skip


def _forecast(flow: OnboardingFlow) -> FlowForecast:
    begun: datetime = flow.created_at
    return FlowForecast(
        flow=flow, made_at=begun, low_at=begun + 4 * DAY, estimate_at=begun + 7 * DAY,
        high_at=begun + 9 * DAY, reference_flows=24,
    )  # fmt: skip


def _begun(
    seeding: Seeding,
    customer: tuple[int, str],
    version: OnboardingTemplateVersion,
    calendar: CalendarVersion,
) -> OnboardingFlow:
    """An open flow whose data import waits for the customer."""
    begun = seeding.now - 2 * DAY
    flow = _row(customer, version, calendar)
    flow.created_at = flow.started_at = begun
    flow.save()
    flows.create_steps(flow)
    change = FlowChange(flow.pk, begun)
    change.change_status(states.ACTIVE, reason="created")
    change.finish()
    steps.complete(flow.pk, "kick_off", begun + 4 * HOUR, notes="Goals agreed.")
    steps.move(flow.pk, "data_import", states.START, begun + 5 * HOUR)
    steps.move(flow.pk, "data_import", states.WAIT, begun + 6 * HOUR)
    rows = OnboardingStep.objects.filter(flow=flow)
    ids = list(rows.values_list("pk", flat=True))
    _keep(seeding, [flow])
    _keep(seeding, clocks.flow_clocks(flow.pk, ids))
    return flow


def _move(seeding: Seeding, flow: OnboardingFlow, version: OnboardingTemplateVersion) -> None:
    """A second version with a security review, to which one flow is moved by a decision."""
    second = templates.draft(version.template_id)
    review = OnboardingTemplateStep.objects.create(
        version=second, position=9, name="security_review", hours=3
    )
    OnboardingDependency.objects.create(step=review, needs=second.steps.get(name="data_import"))
    templates.publish(second.pk, seeding.now)
    _keep(seeding, [second])
    decision = moves.propose(flow.pk, second.pk, seeding.now)
    _keep(seeding, [decision])
    decisions.approve(decision.pk, actor=MANAGER, note="Demo company.", now=seeding.now)


def _holiday(seeding: Seeding, calendar: CalendarVersion) -> None:
    """A day off that came later: the open flows are still planned without it."""
    draft = calendars.draft_calendar(calendar.calendar_id)
    day = CalendarDay.objects.create(
        version=draft, day=seeding.today + 10 * DAY, name="Company day"
    )
    calendars.publish_calendar(draft.pk, seeding.now)
    _keep(seeding, [draft, day])
