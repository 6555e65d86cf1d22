"""The worker's part: claims queued actions under a lease, does them, backs off, parks.

Only the holder of the last claim may record a result. At least once: what an action writes is in
the transaction that completes its step, so a second run finds the step done.
"""

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from aethercrown.backup import automation_pause
from aethercrown.monitoring import redaction
from aethercrown.severity import HIGH
from aethercrown.text import storable_text
from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingStep, StepAction
from enterprise.onboarding.services import steps
from enterprise.onboarding.services.actions import WORK, Works
from enterprise.onboarding.services.flow_change import FlowChange, OpenDependencies
from operations.alerts import services as alerts

LEASE_LENGTH = timedelta(minutes=2)
FIRST_DELAY, LONGEST_DELAY = timedelta(seconds=15), timedelta(hours=1)
MAX_TRIES = 10
BATCH_ROWS = 50
ALERT_SOURCE, ALERT_KIND = "onboarding", "action failed"
Clock = Callable[[], datetime]
log = logging.getLogger(__name__)


def run_due(clock: Clock = timezone.now, works: Works = WORK) -> int:
    """Do every action that is due, also those that become due by it; returns how many."""
    done = 0
    if automation_pause.is_paused():
        return done
    while chosen := list(_due(clock()).values_list("pk", flat=True)[:BATCH_ROWS]):
        claimed = 0
        for action_id in chosen:
            action = claim(action_id, clock())
            if action is not None:
                claimed += 1
                done += _do(action, clock, works)
        if not claimed:
            break
    return done


@transaction.atomic
def claim(action_id: int, now: datetime) -> StepAction | None:
    """Give a due action to one worker; None if another has it.

    The update looks at the action's own columns alone: of two that wait for one row of PostgreSQL
    the second looks at them again, but not at those of other tables.
    """
    taken = StepAction.objects.filter(_is_due(now), pk=action_id).update(
        state=StepAction.State.RUNNING,
        claims=F("claims") + 1,
        tries=F("tries") + 1,
        lease_until=now + LEASE_LENGTH,
    )
    rows = StepAction.objects.select_related("step__flow")
    return rows.get(pk=action_id) if taken else None


def _is_due(now: datetime) -> Q:
    queued = Q(state=StepAction.State.QUEUED, next_at__lte=now)
    return queued | Q(state=StepAction.State.RUNNING, lease_until__lt=now)


def _due(now: datetime) -> QuerySet[StepAction]:
    rows = StepAction.objects.filter(_is_due(now), step__flow__status=states.ACTIVE)
    return rows.filter(step__flow__is_rolling_back=False).order_by("next_at", "pk")


def _do(action: StepAction, clock: Clock, works: Works) -> bool:
    """Start the step, do the work, complete it; whether it is done."""
    try:
        if not _begin(action, clock()):
            return False
        prepared = works[action.step.action].prepare()
        return _finish(action, prepared, clock(), works)
    except OpenDependencies:
        _wait(action, clock())
        return False
    except Exception as error:
        log.warning("Action %s failed", action.pk, exc_info=True)
        _fail(action, error, clock())
        return False


@transaction.atomic
def _begin(action: StepAction, now: datetime) -> bool:
    """Bring the step into progress; False where it is over or somebody else acts."""
    change = FlowChange(action.step.flow_id, now)
    step = change.steps[action.step.name]
    if not _is_ours(action) or step.generation != action.generation:
        return False
    if not change.is_moving:
        _put_back(action)
        return False
    if step.state == states.FAILED:
        change.move(step, states.RETRY)
    if step.state == states.READY:
        change.move(step, states.START)
        change.finish()
    if step.state != states.IN_PROGRESS:
        StepAction.objects.filter(pk=action.pk).update(
            state=StepAction.State.CANCELLED, lease_until=None
        )
        return False
    return True


@transaction.atomic
def _finish(
    action: StepAction, prepared: Mapping[str, Any], now: datetime, works: Works = WORK
) -> bool:
    change = FlowChange(action.step.flow_id, now)
    if not _is_ours(action):
        return False
    if not change.is_moving:
        _put_back(action)
        return False
    steps.complete_locked(change, action.step.name, prepared, works=works)
    alerts.resolve(ALERT_SOURCE, ALERT_KIND, f"step {action.step_id}", now=now)
    return True


@transaction.atomic
def _fail(action: StepAction, error: Exception, now: datetime) -> None:
    """The step has failed; the action is tried again later, or parked with an alert."""
    if not _is_ours(action):
        return
    change = FlowChange(action.step.flow_id, now)
    if not change.is_moving:
        _put_back(action)
        return
    step = change.steps[action.step.name]
    reason = storable_text(redaction.text(str(error) or type(error).__name__))[:500]
    is_over = action.tries >= MAX_TRIES
    StepAction.objects.filter(pk=action.pk).update(
        state=StepAction.State.PARKED if is_over else StepAction.State.QUEUED,
        next_at=now + delay(action.tries),
        lease_until=None,
        error=reason,
    )
    if step.state == states.IN_PROGRESS:
        change.move(step, states.FAIL, reason)
        change.finish()
    if is_over:
        message = f"{step.name} of onboarding {change.flow.pk} failed {MAX_TRIES} times: {reason}"
        alerts.raise_alert(
            ALERT_SOURCE, ALERT_KIND, f"onboarding {change.flow.pk}", HIGH, message,
            key=f"step {step.pk}", link=f"/dashboards/onboarding/{change.flow.pk}", now=now,
        )  # fmt: skip


def _wait(action: StepAction, now: datetime) -> None:
    """A step that it needs was opened again meanwhile: that is no failure, and costs no try."""
    _owned(action).update(
        state=StepAction.State.QUEUED,
        tries=F("tries") - 1,
        lease_until=None,
        next_at=now + FIRST_DELAY,
    )


def _put_back(action: StepAction) -> None:
    """The flow was put on hold meanwhile: the action is done when it goes on."""
    StepAction.objects.filter(pk=action.pk).update(
        state=StepAction.State.QUEUED, tries=F("tries") - 1, lease_until=None
    )


def delay(tries: int) -> timedelta:
    """The wait after so many failed tries: doubled each time, an hour at most."""
    return min(FIRST_DELAY * (1 << (tries - 1)), LONGEST_DELAY)


def _owned(action: StepAction) -> QuerySet[StepAction]:
    """The row, while nobody else has claimed it."""
    rows = StepAction.objects.filter(pk=action.pk, claims=action.claims)
    return rows.filter(state=StepAction.State.RUNNING)


def _is_ours(action: StepAction) -> bool:
    return _owned(action).exists()


def advance_lagged(now: datetime) -> int:
    """Make ready what waited for the lag after its dependencies; returns how many flows."""
    waiting = OnboardingStep.objects.filter(
        state=states.PENDING, not_before__lte=now, flow__status=states.ACTIVE
    )
    flows = list(waiting.values_list("flow", flat=True).distinct()[:BATCH_ROWS])
    for flow_id in flows:
        with transaction.atomic():
            FlowChange(flow_id, now).finish()
    return len(flows)
