"""Create flows, hold, resume, cancel and roll them back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import transaction

from aethercrown.text import folded
from aethercrown.transitions import InvalidTransition, in_words
from enterprise.onboarding import states
from enterprise.onboarding.models import (
    ContactRole,
    OnboardingFlow,
    OnboardingStep,
    OnboardingTemplateVersion,
    StepAction,
)
from enterprise.onboarding.services import contacts, log
from enterprise.onboarding.services.actions import WORK, Works
from enterprise.onboarding.services.flow_change import FlowChange
from enterprise.onboarding.services.steps import find
from enterprise.sla import reports as sla
from enterprise.sla.tier_rules import CompanySize

TEAM_CALENDAR = "business_hours"


class OpenFlow(InvalidTransition):
    """The company is being onboarded already; `onboarding_id` is that of its flow."""

    def __init__(self, flow: OnboardingFlow) -> None:
        super().__init__(f"{flow.company_name} is being onboarded already.")
        self.onboarding_id = str(flow.onboarding_id)


class NoTemplate(LookupError):
    """No version of the default template is published."""


@dataclass(frozen=True, slots=True)
class NewCompany:
    """A company to onboard; what is not known is None."""

    name: str
    employee_count: int | None = None
    annual_revenue: Decimal | None = None
    currency: str = ""
    contact_email: str = ""
    requirements: Mapping[str, Any] = field(default_factory=dict)


@transaction.atomic
def create(company: NewCompany, now: datetime) -> OnboardingFlow:
    """Choose the tier, pin template, terms and calendar, and start the flow.

    Of two at the same moment one gets OpenFlow. Raises NoTemplate, and NothingInForce of the SLA.
    """
    flow, is_new = OnboardingFlow.objects.get_or_create(
        company_key=folded(company.name)[:200],
        status__in=states.OPEN_FLOWS,
        defaults=_pinned(company, now),
    )
    if not is_new:
        raise OpenFlow(flow)
    create_steps(flow)
    if company.contact_email:
        name = company.contact_email.partition("@")[0]
        contacts.add(flow.pk, name[:100], company.contact_email, ContactRole.OWNER)
    change = FlowChange(flow.pk, now)
    change.change_status(states.ACTIVE, reason="created")
    return change.finish()


def template_in_force() -> OnboardingTemplateVersion:
    """The latest published version of the default template. Raises NoTemplate."""
    rows = OnboardingTemplateVersion.objects.filter(
        template__is_default=True, state=OnboardingTemplateVersion.State.PUBLISHED
    )
    found = rows.select_related("template").order_by("-number").first()
    if found is None:
        raise NoTemplate("No version of a default template is published.")
    return found


def _pinned(company: NewCompany, now: datetime) -> dict[str, Any]:
    """The columns of a new flow: what it keeps whatever is edited later."""
    rule_currency = sla.rules_in_force().currency
    currency = company.currency or rule_currency
    size = CompanySize(company.employee_count, company.annual_revenue, currency)
    choice, rule_set = sla.choose_tier(size, now=now)
    tier = sla.tier(choice.tier)
    if tier is None:
        raise sla.NothingInForce("The tier rules choose no tier for this company.")
    return {
        "status": states.DRAFT,
        "company_name": company.name,
        "employee_count": company.employee_count,
        "annual_revenue": company.annual_revenue,
        "currency": currency,
        "requirements": dict(company.requirements),
        "tier": tier.code,
        "tier_reasons": list(choice.reasons),
        "terms": tier.terms,
        "rule_set": rule_set,
        "template_version": template_in_force(),
        "calendar_version": sla.calendar_in_force(TEAM_CALENDAR),
        "zone": sla.company_zone(),
        "created_at": now,
        "started_at": now,
    }


def create_steps(flow: OnboardingFlow) -> None:
    """The steps of the flow's template version, as its tier has them."""
    rows = flow.template_version.steps.prefetch_related("dependencies__needs").order_by("position")
    OnboardingStep.objects.bulk_create(
        OnboardingStep(flow=flow, state=states.PENDING, **step_values(row, flow.tier))
        for row in rows
    )


def step_values(row: Any, tier: str) -> dict[str, Any]:
    """What a flow's step takes from a template step."""
    return {
        "order": row.position,
        "name": row.name,
        "hours": row.hours_for(tier),
        "owner_kind": row.owner_kind,
        "role": row.role,
        "action": row.action,
        "is_optional": row.is_optional,
        "contact_role": row.contact_role,
        "needs": {each.needs.name: float(each.lag_hours) for each in row.dependencies.all()},
    }


@transaction.atomic
def put_on_hold(flow_id: int, now: datetime, reason: str = "") -> OnboardingFlow:
    """Stop all work and all clocks for a while."""
    change = FlowChange(flow_id, now)
    change.check_active()
    change.change_status(states.ON_HOLD, reason)
    return change.finish()


@transaction.atomic
def resume(flow_id: int, now: datetime, reason: str = "") -> OnboardingFlow:
    """Go on: what was not overdue when it stopped is planned anew, and waiting begins anew."""
    change = FlowChange(flow_id, now)
    change.renew_dates(log.held_since(change.flow))
    change.change_status(states.ACTIVE, reason)
    for step in change.steps.values():
        if step.state == states.WAITING_CUSTOMER:
            step.waiting_since, step.silent_since = now, None
            change.write(step)
    return change.finish()


@transaction.atomic
def cancel(flow_id: int, now: datetime, reason: str = "") -> OnboardingFlow:
    """End the flow; what was done stays."""
    change = FlowChange(flow_id, now)
    change.check_active()
    change.change_status(states.CANCELLED, reason)
    _cancel_actions(flow_id)
    return change.finish()


def end_for_good(flow_id: int, now: datetime, reason: str) -> None:
    """Cancel an open flow in whatever state it is, as when its customer is erased."""
    with transaction.atomic():
        change = FlowChange(flow_id, now)
        if change.flow.status in (states.DRAFT, states.ON_HOLD):
            change.change_status(states.ACTIVE, reason)
        if change.flow.status == states.ACTIVE:
            change.flow.is_rolling_back = False
            change.change_status(states.CANCELLED, reason)
            _cancel_actions(flow_id)
            change.finish()


def roll_back(flow_id: int, now: datetime, reason: str = "", works: Works = WORK) -> OnboardingFlow:
    """Undo what was done, the last first; each step is one transaction.

    Where a compensation fails it stops there: the step says why, and calling it again continues.
    Raises InvalidTransition unless the flow is active.
    """
    with transaction.atomic():
        change = FlowChange(flow_id, now)
        if not change.flow.is_rolling_back:
            change.check_active()
            change.flow.is_rolling_back = True
            log.append(change.flow, "roll_back", states.ACTIVE, states.ACTIVE, now, reason=reason)
            _cancel_actions(flow_id)
            change.finish()
    while _revert_next(flow_id, now, reason, works):
        pass
    return OnboardingFlow.objects.get(pk=flow_id)


def _revert_next(flow_id: int, now: datetime, reason: str, works: Works) -> bool:
    """Compensate the last done step; False at the end, or where a compensation failed."""
    try:
        with transaction.atomic():
            change = FlowChange(flow_id, now)
            step = _last_done(change)
            if step is None:
                change.change_status(states.ROLLED_BACK, reason)
                change.flow.is_rolling_back = False
                change.finish()
                return False
            if step.action:
                works[step.action].compensate(change.flow, step, now)
            step.result = {}
            change.move(step, states.REVERT, reason)
            change.finish()
            return True
    except Exception as error:  # noqa: BLE001 - whatever fails is shown as a blocker
        _note_failure(flow_id, now, str(error) or type(error).__name__)
        return False


def _last_done(change: FlowChange) -> OnboardingStep | None:
    """A done step for which no other done step waited; the last by order."""
    done = [each for each in change.steps.values() if each.state == states.DONE]
    needed = {name for each in done for name in each.needs}
    free = [each for each in done if each.name not in needed]
    return max(free, key=lambda each: each.order, default=None)


@transaction.atomic
def _note_failure(flow_id: int, now: datetime, reason: str) -> None:
    change = FlowChange(flow_id, now)
    step = _last_done(change)
    if step is not None:
        step.reason = f"Its compensation failed: {reason}"[:500]
        change.write(step)
        change.finish()


@transaction.atomic
def reopen_step(flow_id: int, name: str, now: datetime, reason: str = "") -> OnboardingFlow:
    """Undo a done step and the done steps that waited for it, and open them again.

    Steps that run stay as they are, and cannot be completed before it. Raises UnknownStep, and
    InvalidTransition where the step is not done.
    """
    change = FlowChange(flow_id, now)
    change.check_active()
    step = find(change, name)
    if step.state != states.DONE:
        raise InvalidTransition(f"{name} is {in_words(step.state)}: only a done step is undone.")
    for each in _dependants(change, step):
        if each.state == states.DONE:
            if each.action:
                WORK[each.action].compensate(change.flow, each, now)
            each.result = {}
            change.move(each, states.REVERT, reason)
            change.move(each, states.REOPEN, reason)
            continue
        if each.state == states.FAILED:
            change.move(each, states.RETRY, reason)
        if each.state == states.READY:
            change.move(each, states.HOLD_BACK, reason)
    return change.finish()


def _dependants(change: FlowChange, step: OnboardingStep) -> list[OnboardingStep]:
    """The steps that wait for `step` directly or round a corner, the last first; then itself."""
    found = {step.name}
    in_order = sorted(change.steps.values(), key=lambda each: each.order)
    is_growing = True
    while is_growing:
        more = {
            each.name for each in in_order if each.removed_by is None and found & set(each.needs)
        } - found
        found |= more
        is_growing = bool(more)
    chosen = [each for each in in_order if each.name in found and each is not step]
    return [*reversed(chosen), step]


def _cancel_actions(flow_id: int) -> None:
    rows = StepAction.objects.filter(step__flow=flow_id)
    rows.filter(state__in=(StepAction.State.QUEUED, StepAction.State.RUNNING)).update(
        state=StepAction.State.CANCELLED, lease_until=None
    )
