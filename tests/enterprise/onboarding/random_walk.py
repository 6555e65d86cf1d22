"""Random work on flows, and what is wrong with a flow by its log."""

from typing import Any

from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingFlow, StepTransition
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import automation, flows, log, steps
from enterprise.onboarding.services.actions import WORK, StepWork, require_health
from security.apikeys.models import ApiKey

HEALTHY: dict[str, Any] = {"overall_status": "healthy", "components": {}, "checked_at": None}
WORKS = {**WORK, "check_health": StepWork(require_health, prepare=lambda: HEALTHY)}
KINDS = (*steps.PLAIN_EVENTS, *("complete",) * 6, "work", "hold", "go_on", "reopen")


def act(drawn, flow_id, now):
    """One random thing that a person or the worker does with a flow; most are refused."""
    kind = drawn.choice(KINDS)
    name = drawn.choice(list(OnboardingFlow.objects.get(pk=flow_id).steps.values_list("name")))[0]
    if kind == "work":
        automation.run_due(lambda: now, WORKS)
    elif kind == "hold":
        flows.put_on_hold(flow_id, now)
    elif kind == "go_on":
        flows.resume(flow_id, now)
    elif kind == "reopen":
        flows.reopen_step(flow_id, name, now)
    elif kind == "complete":
        steps.complete(flow_id, name, now, works=WORKS)
    else:
        steps.move(flow_id, name, kind, now)


def faults_of(flow_id):
    """What is wrong with a flow, read from its log: states, order, doubles, keys, the chain."""
    flow = OnboardingFlow.objects.get(pk=flow_id)
    steps_by_name = {each.name: each for each in flow.steps.all()}
    present, wrong = replayed(flow, steps_by_name)
    stored = {name: each.state for name, each in steps_by_name.items()}
    if stored != present:
        wrong.append(f"stored {stored}, by the log {present}")
    if log.first_fault(flow) is not None:
        wrong.append(f"the chain breaks at {log.first_fault(flow)}")
    live = ApiKey.objects.filter(customer=flow.customer_id, revoked_at=None)
    if flow.customer_id and live.count() > 1:
        wrong.append(f"{live.count()} keys")
    counts = reports.progress_of(reports.steps_of(flow))
    if (flow.status == states.COMPLETED) != (counts.completed_steps == counts.total_steps):
        wrong.append(f"{flow.status} with {counts.completed_steps} of {counts.total_steps} steps")
    return wrong


def replayed(flow, steps_by_name):
    """The states by the log, and each entry that the table or a dependency forbids."""
    present, wrong = dict.fromkeys(steps_by_name, states.PENDING), []
    for entry in StepTransition.objects.filter(flow=flow).exclude(step="").order_by("sequence"):
        allowed = states.STEP_EVENTS[entry.event]
        if entry.from_state != present[entry.step] or entry.from_state not in allowed.sources:
            wrong.append(f"{entry.sequence}: {entry.event} of {entry.step} from {entry.from_state}")
        if entry.event in (states.START, states.COMPLETE):
            wrong += [
                f"{entry.sequence}: {entry.step} before {name}"
                for name in steps_by_name[entry.step].needs
                if present[name] not in states.SATISFIED
            ]
        present[entry.step] = entry.to_state
    return present, wrong
