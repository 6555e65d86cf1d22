"""The states of flows and steps, and what may follow what. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

DRAFT, ACTIVE, ON_HOLD = "draft", "active", "on_hold"
COMPLETED, CANCELLED, ROLLED_BACK = "completed", "cancelled", "rolled_back"
FLOW_STATES = (DRAFT, ACTIVE, ON_HOLD, COMPLETED, CANCELLED, ROLLED_BACK)
OPEN_FLOWS = (DRAFT, ACTIVE, ON_HOLD)
FLOW_TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    DRAFT: (ACTIVE,),
    ACTIVE: (ON_HOLD, COMPLETED, CANCELLED, ROLLED_BACK),
    ON_HOLD: (ACTIVE,),
}

PENDING, READY, IN_PROGRESS = "pending", "ready", "in_progress"
WAITING_CUSTOMER, BLOCKED, FAILED = "waiting_customer", "blocked", "failed"
DONE, SKIPPED, REVERTED = "done", "skipped", "reverted"
STEP_STATES = (
    *(PENDING, READY, IN_PROGRESS, WAITING_CUSTOMER, BLOCKED, FAILED),
    *(DONE, SKIPPED, REVERTED),
)
RUNNING = (IN_PROGRESS, WAITING_CUSTOMER, BLOCKED)  # begun and not over
SATISFIED = (DONE, SKIPPED)  # what waits for it may begin
OPEN_STEPS = (PENDING, READY, *RUNNING, FAILED)

STATED, CHECKED = "stated", "checked"  # what stands behind a done step: a person's word, or work
EVIDENCE = (STATED, CHECKED)


@dataclass(frozen=True, slots=True)
class StepEvent:
    """From which states an event leads to which one."""

    sources: tuple[str, ...]
    target: str


MAKE_READY, HOLD_BACK, START, WAIT, BLOCK = "make_ready", "hold_back", "start", "wait", "block"
RESUME, COMPLETE, SKIP, FAIL, RETRY = "resume", "complete", "skip", "fail", "retry"
REVERT, REOPEN, REMOVE = "revert", "reopen", "remove"
STEP_EVENTS: Mapping[str, StepEvent] = {
    MAKE_READY: StepEvent((PENDING,), READY),
    HOLD_BACK: StepEvent((READY,), PENDING),
    START: StepEvent((READY,), IN_PROGRESS),
    WAIT: StepEvent((IN_PROGRESS,), WAITING_CUSTOMER),
    BLOCK: StepEvent((IN_PROGRESS,), BLOCKED),
    RESUME: StepEvent((WAITING_CUSTOMER, BLOCKED), IN_PROGRESS),
    COMPLETE: StepEvent((READY, *RUNNING), DONE),
    SKIP: StepEvent(OPEN_STEPS, SKIPPED),  # an optional step
    REMOVE: StepEvent(OPEN_STEPS, SKIPPED),  # by a newer template version
    FAIL: StepEvent((IN_PROGRESS,), FAILED),
    RETRY: StepEvent((FAILED,), READY),
    REVERT: StepEvent((DONE,), REVERTED),
    REOPEN: StepEvent((REVERTED, SKIPPED), PENDING),
}


def allowed_events(state: str) -> tuple[str, ...]:
    """The events that a step in this state takes."""
    return tuple(name for name, event in STEP_EVENTS.items() if state in event.sources)
