"""Move steps: start, complete, wait, block, skip, fail, retry; each is one transaction."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from aethercrown.transitions import InvalidTransition, in_words
from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingStep, StepAction
from enterprise.onboarding.services import flow_change
from enterprise.onboarding.services.actions import WORK, Works
from enterprise.onboarding.services.flow_change import FlowChange

PLAIN_EVENTS = (
    *(states.START, states.WAIT, states.BLOCK, states.RESUME),
    *(states.SKIP, states.FAIL, states.RETRY),
)
MAX_NOTES = 10_000


class UnknownStep(LookupError):
    """The flow has no such step."""


def move(
    flow_id: int,
    name: str,
    event: str,
    now: datetime,
    *,
    reason: str = "",
    version: int | None = None,
) -> OnboardingStep:
    """Take one event of PLAIN_EVENTS. Raises UnknownStep and InvalidTransition."""
    if event not in PLAIN_EVENTS:
        raise ValueError(f"{event!r} is not an event that people take.")
    with transaction.atomic():
        change = FlowChange(flow_id, now)
        step = find(change, name)
        change.check_version(version)
        change.check_active()
        change.move(step, event, reason)
        if event == states.RETRY:
            _queue_again(step, now)
        change.finish()
    return step


def complete(
    flow_id: int,
    name: str,
    now: datetime,
    *,
    notes: str = "",
    version: int | None = None,
    only_from: str = "",
    works: Works = WORK,
) -> OnboardingStep:
    """Complete a step; on a done step nothing is written, so that two people both succeed.

    A step with an action is done by its action here too: nothing is done in name only. With
    `only_from` the step must be in that state. Raises UnknownStep, OpenDependencies,
    InvalidTransition, and ActionRefused where the work fails.
    """
    step = OnboardingStep.objects.filter(flow=flow_id, name=name, removed_by=None).first()
    if step is None:
        raise UnknownStep(f"There is no step {name!r}.")
    if step.state == states.DONE:
        return step
    prepared: Mapping[str, Any] = {}
    if step.action:
        _check(flow_id, name, now, version)
        prepared = works[step.action].prepare()
    with transaction.atomic():
        change = FlowChange(flow_id, now)
        found = find(change, name)
        if found.state != states.DONE:
            change.check_version(version)
            _check_state(found, only_from)
        return complete_locked(change, name, prepared, notes=notes, works=works)


def _check_state(step: OnboardingStep, only_from: str) -> None:
    if only_from and step.state != only_from:
        raise InvalidTransition(f"{step.name} is {in_words(step.state)}.")


def _check(flow_id: int, name: str, now: datetime, version: int | None) -> None:
    """Refuse what is not possible before other systems are called."""
    with transaction.atomic():
        change = FlowChange(flow_id, now)
        step = find(change, name)
        if step.state == states.DONE:
            return
        change.check_version(version)
        change.check_active()
        if waits := change.open_dependencies(step):
            raise flow_change.OpenDependencies(step.name, waits)


def complete_locked(
    change: FlowChange,
    name: str,
    prepared: Mapping[str, Any],
    *,
    notes: str = "",
    works: Works = WORK,
) -> OnboardingStep:
    """Complete a step of a locked flow, with its action."""
    step = find(change, name)
    if step.state == states.DONE:
        return step
    change.check_active()
    if waits := change.open_dependencies(step):
        raise flow_change.OpenDependencies(step.name, waits)
    if step.action:
        step.result = works[step.action].run(change.flow, step, prepared, change.now)
    step.notes = notes[:MAX_NOTES] or step.notes
    change.move(step, states.COMPLETE, detail={"result": step.result} if step.result else None)
    rows = StepAction.objects.filter(step=step, generation=step.generation)
    rows.exclude(state=StepAction.State.DONE).update(
        state=StepAction.State.DONE, lease_until=None, error=""
    )
    change.finish()
    return step


def find(change: FlowChange, name: str) -> OnboardingStep:
    """The step of a locked flow. Raises UnknownStep."""
    step = change.steps.get(name)
    if step is None or step.removed_by is not None:
        raise UnknownStep(f"There is no step {name!r}.")
    return step


def _queue_again(step: OnboardingStep, now: datetime) -> None:
    """A retry gives a parked action all its tries back."""
    StepAction.objects.filter(step=step, generation=step.generation).update(
        state=StepAction.State.QUEUED, tries=0, next_at=now, lease_until=None
    )
