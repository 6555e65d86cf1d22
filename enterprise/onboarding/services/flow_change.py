"""`FlowChange`: everything that changes one flow in one transaction, under the flow's lock.

The flow is locked before its steps, always. A step is written by a conditional update that must
hit one row, as row locks do nothing on SQLite. `finish` makes steps ready, queues what automation
does, moves clocks, and stores dates and the forecast.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from aethercrown.transitions import InvalidTransition, check_transition, in_words
from enterprise.onboarding import states
from enterprise.onboarding.models import (
    FlowForecast,
    OnboardingFlow,
    OnboardingStep,
    StepAction,
    StepOwnerKind,
)
from enterprise.onboarding.reports import planning
from enterprise.onboarding.services import log, wake_worker
from enterprise.onboarding.services.step_clocks import FlowClocks
from enterprise.sla import business_time


class StaleVersion(InvalidTransition):
    """The row has changed since it was read."""


class OpenDependencies(InvalidTransition):
    """The step waits for others; `names` lists them."""

    def __init__(self, step: str, names: list[str]) -> None:
        super().__init__(f"{step} waits for {', '.join(names)}.")
        self.names = names


class FlowChange:
    """A locked flow with its locked steps by name; use inside `transaction.atomic`."""

    def __init__(self, flow_id: int, now: datetime) -> None:
        self.flow = OnboardingFlow.objects.select_for_update().get(pk=flow_id)
        rows = OnboardingStep.objects.select_for_update().filter(flow=flow_id).order_by("order")
        self.steps = {each.name: each for each in rows}
        self.now = now
        self.clocks = FlowClocks(self.flow, now)
        self._stored_dates = {each.pk: dates_of(each) for each in self.steps.values()}

    @property
    def is_moving(self) -> bool:
        """Whether steps of the flow may move."""
        return self.flow.status == states.ACTIVE and not self.flow.is_rolling_back

    def check_version(self, version: int | None) -> None:
        """Raise StaleVersion where the caller saw another version of the flow."""
        if version is not None and version != self.flow.version:
            raise StaleVersion(
                f"{self.flow} has changed since: it is at version {self.flow.version}."
            )

    def check_active(self) -> None:
        """Raise InvalidTransition unless steps of the flow may move."""
        if not self.is_moving:
            word = "rolling back" if self.flow.is_rolling_back else in_words(self.flow.status)
            raise InvalidTransition(f"{self.flow} is {word}.")

    def open_dependencies(self, step: OnboardingStep) -> list[str]:
        """The steps that it still waits for, by order."""
        return [
            name
            for name in step.needs
            if name in self.steps and self.steps[name].state not in states.SATISFIED
        ]

    def move(
        self,
        step: OnboardingStep,
        event: str,
        reason: str = "",
        detail: Mapping[str, Any] | None = None,
    ) -> None:
        """Take one event: check the table, write the row, append to the log, move its clock.

        Raises InvalidTransition; OpenDependencies names what the step waits for.
        """
        allowed = states.STEP_EVENTS[event]
        if event in (states.START, states.COMPLETE) and (waits := self.open_dependencies(step)):
            raise OpenDependencies(step.name, waits)
        if step.state not in allowed.sources:
            raise InvalidTransition(
                f"{step.name} is {in_words(step.state)}: {in_words(event)} is not possible."
            )
        if event == states.SKIP and not step.is_optional:
            raise InvalidTransition(f"{step.name} is not optional; it cannot be skipped.")
        before, step.state = step.state, allowed.target
        self._stamp(step, event, reason)
        self.write(step)
        log.append(
            self.flow, event, before, step.state, self.now,
            step=step.name, reason=reason, detail=detail,
        )  # fmt: skip
        self.clocks.follow(step, event)

    def write(self, step: OnboardingStep) -> None:
        """Store a step whose version nobody else has raised. Raises StaleVersion."""
        values = {name: getattr(step, name) for name in WRITTEN}
        rows = OnboardingStep.objects.filter(pk=step.pk, version=step.version)
        if rows.update(**values, version=step.version + 1) != 1:
            raise StaleVersion(f"{step.name} has changed since it was read.")
        step.version += 1

    def change_status(self, status: str, reason: str = "") -> None:
        """Move the flow itself. Raises InvalidTransition."""
        before = self.flow.status
        check_transition(str(self.flow), before, status, states.FLOW_TRANSITIONS)
        self.flow.status = status
        if status == states.COMPLETED:
            self.flow.completed_at = self.now
        log.append(self.flow, "status", before, status, self.now, reason=reason)
        self.clocks.follow_flow(list(self.steps.values()), before)

    def finish(self) -> OnboardingFlow:
        """Make steps ready, queue actions, complete the flow, store dates and forecast."""
        if self.is_moving:
            self._make_ready()
            self._complete_if_over()
        if self.flow.status in states.OPEN_FLOWS:
            self._store_dates()
            self._keep_forecast()
        self.flow.version += 1
        self.flow.save()
        return self.flow

    def renew_dates(self, since: datetime | None) -> None:
        """Plan anew what was not overdue at `since`, when the customer or a hold stopped it."""
        for step in self.steps.values():
            if since is not None and step.due_at is not None and step.due_at > since:
                step.due_at = None

    def _store_dates(self) -> None:
        """Write the dates of the steps that changed, in one statement."""
        steps = list(self.steps.values())
        planning.store_dates(self.flow, steps, self.now, self.clocks.ends(steps))
        changed = [each for each in steps if self._stored_dates.get(each.pk) != dates_of(each)]
        OnboardingStep.objects.bulk_update(changed, ["due_at", "slack_hours"])

    def _keep_forecast(self) -> None:
        """Store the forecast to be compared with what happens; one a day at most."""
        made = FlowForecast.objects.filter(flow=self.flow, made_at__gt=self.now - FORECAST_EVERY)
        flow = self.flow
        if flow.low_at and flow.estimated_at and flow.high_at and not made.exists():
            FlowForecast.objects.create(
                flow=flow,
                made_at=self.now,
                low_at=flow.low_at,
                estimate_at=flow.estimated_at,
                high_at=flow.high_at,
                reference_flows=flow.reference_flows,
            )

    def _make_ready(self) -> None:
        for step in self.steps.values():
            if step.state == states.PENDING and not self.open_dependencies(step):
                step.not_before = planning.ready_at(step, self.steps, self.flow, self.now)
                if step.not_before <= self.now:
                    self.move(step, states.MAKE_READY)
                else:
                    self.write(step)
            is_automated = step.owner_kind == StepOwnerKind.AUTOMATION and step.action
            if step.state == states.READY and is_automated:
                self.queue(step)

    def queue(self, step: OnboardingStep) -> None:
        """Queue what automation does for this generation of a step, once."""
        queued, cancelled = StepAction.State.QUEUED, StepAction.State.CANCELLED
        row, is_new = StepAction.objects.get_or_create(
            step=step, generation=step.generation, defaults={"next_at": self.now}
        )
        if not is_new and row.state == cancelled:  # the step was held back for a while
            StepAction.objects.filter(pk=row.pk).update(state=queued, next_at=self.now)
        transaction.on_commit(wake_worker.wake_worker, robust=True)

    def _complete_if_over(self) -> None:
        if all(step.state in states.SATISFIED for step in self.steps.values()):
            self.change_status(states.COMPLETED)

    def _stamp(self, step: OnboardingStep, event: str, reason: str) -> None:
        """The times and the reason that an event sets."""
        step.reason = reason[:500] if step.state in (states.BLOCKED, states.FAILED) else ""
        if event == states.RESUME and step.waiting_since is not None:
            overdue_then = step.due_at is not None and step.due_at <= step.waiting_since
            step.due_at = step.due_at if overdue_then else None
        step.waiting_since = self.now if event == states.WAIT else None
        step.silent_since = None
        if event == states.MAKE_READY:
            step.ready_at = step.ready_at or self.now
            step.due_at = None
        elif event == states.START:
            step.started_at = self.now
        elif event in (states.COMPLETE, states.SKIP, states.REMOVE):
            step.finished_at = self.now
            step.actual_hours = self._actual_hours(step) if event == states.COMPLETE else None
        elif event == states.REOPEN:
            step.generation += 1
            step.ready_at = step.started_at = step.finished_at = step.actual_hours = None

    def _actual_hours(self, step: OnboardingStep) -> float:
        hours = planning.team_hours(self.flow)
        began = step.ready_at or self.now
        return business_time.between(hours, began, self.now) / timedelta(hours=1)


def dates_of(step: OnboardingStep) -> tuple[datetime | None, float | None]:
    return step.due_at, step.slack_hours


FORECAST_EVERY = timedelta(days=1)
WRITTEN = (
    *("state", "generation", "owner_id", "owner_cost", "ready_at", "started_at", "waiting_since"),
    *("finished_at", "actual_hours", "reason", "notes", "result", "order", "hours", "role"),
    *("owner_kind", "action", "is_optional", "contact_role", "needs", "removed_by", "not_before"),
    "silent_since",
)
