"""The SLA clock of each step, and of the first response of the account team."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingFlow, OnboardingStep, StepOwnerKind
from enterprise.onboarding.reports import clocks
from enterprise.sla import reports as sla
from enterprise.sla import services
from enterprise.sla.models import ClockKind, SlaClock
from enterprise.sla.services import ClockStart

STOPPED, PAUSED = SlaClock.State.STOPPED, SlaClock.State.PAUSED
PAUSED_BY = {
    states.WAIT: "waiting for the customer",
    states.HOLD_BACK: "waiting for another step",
}
CANCELLED_BY = (states.SKIP, states.REMOVE)
HELD = (states.WAITING_CUSTOMER, states.PENDING)  # their clocks stay paused when a flow resumes


class FlowClocks:
    """The clocks of one flow while it is changed, read once; the flow is locked."""

    def __init__(self, flow: OnboardingFlow, now: datetime) -> None:
        self.flow = flow
        self.now = now

    @cached_property
    def _by_subject(self) -> dict[str, SlaClock]:
        ids = list(self.flow.steps.values_list("pk", flat=True))
        return {each.subject: each for each in clocks.flow_clocks(self.flow.pk, ids)}

    def _of(self, step: OnboardingStep) -> SlaClock | None:
        return self._by_subject.get(clocks.step_subject(step.pk))

    def _keep(self, clock: SlaClock) -> None:
        self._by_subject[clock.subject] = clock

    def ends(self, steps: Sequence[OnboardingStep]) -> Mapping[str, datetime]:
        """When the running clock of each step is used up, by the step's name."""
        rows = ((each.name, self._of(each)) for each in steps if each.state in states.OPEN_STEPS)
        return {name: row.due_at for name, row in rows if row is not None and row.due_at}

    def follow(self, step: OnboardingStep, event: str) -> None:
        """Move the clocks of a step after an event."""
        if event == states.MAKE_READY:
            self._open(step)
            return
        is_team = step.owner_kind == StepOwnerKind.ACCOUNT_TEAM
        if is_team and event in (states.START, states.COMPLETE):
            self.answer_response()
        if found := self._of(step):
            self._move(found, event)

    def _move(self, clock: SlaClock, event: str) -> None:
        if event in PAUSED_BY:
            self._keep(services.pause_clock(clock.pk, self.now, PAUSED_BY[event]))
        elif event == states.RESUME and clock.state == PAUSED:
            self._keep(services.resume_clock(clock.pk, self.now))
        elif event == states.COMPLETE:
            self._keep(services.stop_clock(clock.pk, self.now))
        elif event in CANCELLED_BY:
            self._keep(services.cancel_clock(clock.pk, self.now, f"{event} of the step"))

    def follow_flow(self, steps: Sequence[OnboardingStep], before: str) -> None:
        """Pause every clock on hold, resume those that ran, end them with the flow."""
        by_subject = {clocks.step_subject(each.pk): each for each in steps}
        for subject, clock in list(self._by_subject.items()):
            if clock.state == STOPPED:
                continue
            step = by_subject.get(subject)
            if self.flow.status == states.ON_HOLD:
                self._keep(services.pause_clock(clock.pk, self.now, "on hold"))
            elif self.flow.status == states.COMPLETED:
                self._keep(services.stop_clock(clock.pk, self.now))
            elif self.flow.status not in states.OPEN_FLOWS:
                self._keep(services.cancel_clock(clock.pk, self.now, self.flow.status))
            elif before == states.ON_HOLD and (step is None or step.state not in HELD):
                self._keep(services.resume_clock(clock.pk, self.now))

    def answer_response(self) -> None:
        """The account team has acted: its first response is given."""
        if found := self._by_subject.get(clocks.response_subject(self.flow.pk)):
            self._keep(services.stop_clock(found.pk, self.now))

    def retarget(self, step: OnboardingStep, reason: str) -> None:
        """Give the step's clock the step's hours as its target; elapsed time stays."""
        found = self._of(step)
        if found is not None and found.state != STOPPED and found.target != step.duration:
            self._keep(services.retarget_clock(found.pk, step.duration, self.now, reason))

    def restore(self, step: OnboardingStep) -> None:
        """The clock of a step that is open again after it was removed: a new generation."""
        found = self._of(step)
        if found is None or step.state not in states.OPEN_STEPS or step.state == states.PENDING:
            return
        if found.state == STOPPED:
            self._keep(services.reopen_clock(found.pk, self.now, self._start(step)))
            if self._is_held(step):
                self._move(found, states.WAIT)
        elif found.state == PAUSED and not self._is_held(step):
            self._keep(services.resume_clock(found.pk, self.now))

    def _is_held(self, step: OnboardingStep) -> bool:
        return step.state == states.WAITING_CUSTOMER or self.flow.status == states.ON_HOLD

    def _open(self, step: OnboardingStep) -> None:
        start = self._start(step)
        clock = services.open_clock(start, self.now)
        if clock.state == STOPPED:
            clock = services.reopen_clock(clock.pk, self.now, start)
        elif clock.state == PAUSED:  # the step was held back for a while
            clock = services.resume_clock(clock.pk, self.now)
        self._keep(clock)

    def _start(self, step: OnboardingStep) -> ClockStart:
        return ClockStart(
            kind=ClockKind.STEP,
            subject=clocks.step_subject(step.pk),
            title=f"{step.name} of onboarding {self.flow.pk}",
            target=step.duration,
            calendar_version=self.flow.calendar_version,
            zone=self.flow.zone,
            customer_id=self.flow.customer_id,
            tier=self.flow.tier,
        )


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
