"""The follow-up: lags that are over, owners, reminders, what is overdue or stuck."""

from datetime import datetime

from aethercrown.formatting import counted
from aethercrown.severity import HIGH, WARNING
from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingStep, StepAction, StepOwnerKind
from enterprise.onboarding.services import (
    automation,
    contacts,
    first_value,
    owners,
    reminders,
)
from enterprise.onboarding.services.moves import FOLLOW
from operations.alerts import reports as alert_reports
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome

SOURCE = "onboarding"
BLOCKED_KIND, OVERDUE_KIND = "step blocked", "step overdue"


def perform(context: RunContext) -> RunOutcome:
    """Make ready, assign, escalate. A dry run only counts what is overdue."""
    if context.dry_run:
        return RunOutcome(f"{counted(_overdue(context.now).count(), 'overdue step')}")
    automation.advance_lagged(context.now)
    owners.release(context.now)
    assigned = owners.assign_waiting(context.now)
    first_value.note_reached()
    reminded = reminders.send_due(context.now)
    told = escalate(context.now) + reminders.note_silence(context.now)
    contacts.delete_expired_secrets(context.now)
    return RunOutcome(
        f"{counted(assigned, 'step')} given to people, {counted(reminded, 'reminder')} written, "
        f"{counted(told, 'blocker')} reported",
        detail={"assigned": assigned, "reminders": reminded, "blockers": told},
    )


def escalate(now: datetime) -> int:
    """Raise an alert for each overdue, blocked or failed step; resolve those that are over."""
    overdue = list(_overdue(now))
    active = OnboardingStep.objects.filter(flow__status=states.ACTIVE, removed_by=None)
    stuck = list(active.filter(state__in=(states.BLOCKED, states.FAILED)).order_by("pk"))
    for step in overdue:
        _tell(step, OVERDUE_KIND, WARNING, "is past its due date", now)
    for step in stuck:
        _tell(step, BLOCKED_KIND, HIGH, f"is {step.state}: {step.reason}", now)
    _resolve(OVERDUE_KIND, {each.pk for each in overdue}, now)
    _resolve(BLOCKED_KIND, {each.pk for each in stuck}, now)
    silent = active.filter(silent_since__isnull=False, state=states.WAITING_CUSTOMER)
    _resolve(reminders.SILENT_KIND, set(silent.values_list("pk", flat=True)), now)
    parked = StepAction.objects.filter(
        state=StepAction.State.PARKED, step__in=active.filter(state=states.FAILED)
    )
    _resolve(automation.ALERT_KIND, set(parked.values_list("step", flat=True)), now)
    return len(overdue) + len(stuck)


def _overdue(now: datetime) -> "owners.Steps":
    rows = OnboardingStep.objects.filter(
        flow__status=states.ACTIVE, due_at__lt=now, removed_by=None
    )
    waits = (states.PENDING, states.WAITING_CUSTOMER)
    open_ones = [each for each in states.OPEN_STEPS if each not in waits]
    found = rows.filter(state__in=open_ones, owner_kind=StepOwnerKind.ACCOUNT_TEAM)
    return found.order_by("due_at", "pk")


def _tell(step: OnboardingStep, kind: str, severity: str, words: str, now: datetime) -> None:
    alerts.raise_alert(
        SOURCE, kind, f"onboarding {step.flow_id}", severity,
        f"{step.name} of onboarding {step.flow_id} {words}.",
        key=f"step {step.pk}", link=f"/dashboards/onboarding/{step.flow_id}", now=now,
    )  # fmt: skip


def _resolve(kind: str, raised: set[int], now: datetime) -> None:
    """End the alerts of steps that are no longer so."""
    for found, key in alert_reports.unresolved_of(SOURCE):
        if found == kind and int(key.removeprefix("step ")) not in raised:
            alerts.resolve(SOURCE, kind, key, now=now)


AUTOMATIONS = (AutomationSpec(FOLLOW, "Follow up onboardings", perform),)
