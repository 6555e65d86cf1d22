"""A flow on hold, steps that wait or are held back: clocks, dates and automation stand still."""

from datetime import timedelta

import pytest

from aethercrown.transitions import InvalidTransition
from enterprise.onboarding import states
from enterprise.onboarding.models import OnboardingFlow, StepAction
from enterprise.onboarding.services import automation, flows, follow, log, steps
from enterprise.onboarding.services.actions import WORK, StepWork
from enterprise.sla.models import SlaClock
from tests.enterprise.onboarding.conftest import HOUR, MONDAY, states_of

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)
DOCUMENTS = "documentation_access"
BEGUN = MONDAY + timedelta(seconds=10)  # when the worker had done its part


def clock_of(flow, name):
    return SlaClock.objects.get(subject=f"onboarding step {flow.steps.get(name=name).pk}")


def test_the_first_response_pauses_with_its_flow_and_goes_on(automated):
    flows.put_on_hold(automated.pk, MONDAY + HOUR)
    assert SlaClock.objects.get(kind="response").state == "paused"
    flows.resume(automated.pk, MONDAY + 8 * DAY)
    response = SlaClock.objects.get(kind="response")
    assert (response.state, response.due_at) == ("running", BEGUN + 8 * DAY + 3 * HOUR)


def test_what_was_not_overdue_when_a_flow_stopped_is_planned_anew(automated):
    before = automated.steps.get(name=DOCUMENTS).due_at
    flows.put_on_hold(automated.pk, MONDAY + HOUR / 2)
    late = MONDAY + 14 * DAY
    flows.resume(automated.pk, late)
    step = automated.steps.get(name=DOCUMENTS)
    assert step.due_at == before + 14 * DAY - HOUR / 2  # half an hour of it was used
    assert follow.escalate(late) == 0


def test_what_was_overdue_when_a_flow_stopped_stays_so(automated):
    before = automated.steps.get(name=DOCUMENTS).due_at
    flows.put_on_hold(automated.pk, MONDAY + 3 * DAY)
    flows.resume(automated.pk, MONDAY + 14 * DAY)
    assert automated.steps.get(name=DOCUMENTS).due_at == before


def test_time_that_the_customer_takes_is_not_ours(automated):
    """Begun at 9, waiting from 9:30 for a week: half an hour is left when the customer answers."""
    steps.move(automated.pk, DOCUMENTS, states.START, MONDAY)
    steps.move(automated.pk, DOCUMENTS, states.WAIT, MONDAY + HOUR / 2)
    steps.move(automated.pk, DOCUMENTS, states.RESUME, MONDAY + 7 * DAY)
    step = automated.steps.get(name=DOCUMENTS)
    assert clock_of(automated, DOCUMENTS).due_at == BEGUN + 7 * DAY + HOUR / 2
    assert step.due_at >= BEGUN + 7 * DAY + HOUR / 2
    assert follow.escalate(MONDAY + 7 * DAY) == 1  # the support channel, which waits for nobody


def test_waiting_begins_anew_when_a_flow_goes_on(automated):
    steps.move(automated.pk, DOCUMENTS, states.START, MONDAY)
    steps.move(automated.pk, DOCUMENTS, states.WAIT, MONDAY)
    flows.put_on_hold(automated.pk, MONDAY + HOUR)
    flows.resume(automated.pk, MONDAY + 14 * DAY)
    assert automated.steps.get(name=DOCUMENTS).waiting_since == MONDAY + 14 * DAY
    assert clock_of(automated, DOCUMENTS).state == "paused"


def test_a_worker_that_finds_its_flow_on_hold_puts_the_action_back(flow):
    action = automation.claim(StepAction.objects.get().pk, MONDAY)
    assert action is not None
    flows.put_on_hold(flow.pk, MONDAY)
    assert not automation._begin(action, MONDAY)
    action.refresh_from_db()
    assert (action.state, action.tries) == ("queued", 0)
    assert states_of(flow)["account_creation"] == "ready"
    flows.resume(flow.pk, MONDAY + HOUR)
    assert automation.run_due(lambda: MONDAY + HOUR) == 4


@pytest.mark.parametrize("is_failing", [False, True])
def test_a_hold_while_the_work_is_under_way_is_no_failure(flow, is_failing):
    def held():
        flows.put_on_hold(flow.pk, MONDAY)
        if is_failing:
            raise RuntimeError("no route")
        return {}

    create = WORK["create_customer"]
    works = {**WORK, "create_customer": StepWork(create.run, prepare=held)}
    assert automation.run_due(lambda: MONDAY, works) == 0
    assert states_of(flow)["account_creation"] == "in_progress"
    assert StepAction.objects.get().state == "queued"
    flows.resume(flow.pk, MONDAY + HOUR)
    assert automation.run_due(lambda: MONDAY + HOUR) == 4


def test_cancelled_work_counts_neither_as_met_nor_as_breached(automated):
    steps.complete(automated.pk, DOCUMENTS, MONDAY + HOUR / 4)
    flows.cancel(automated.pk, MONDAY + HOUR)
    found = SlaClock.objects.filter(kind="step", customer=automated.customer_id)
    outcomes = list(found.order_by("pk").values_list("outcome", flat=True))
    assert outcomes.count("cancelled") == 2  # the training and the support channel were ready
    assert clock_of(automated, DOCUMENTS).outcome == "met"


# --- opening again ----------------------------------------------------------------------------


def test_only_a_done_step_is_opened_again(automated):
    with pytest.raises(InvalidTransition, match="only a done step"):
        flows.reopen_step(automated.pk, "training_schedule", MONDAY)
    automated.steps.filter(name="account_creation").update(removed_by=2)
    with pytest.raises(steps.UnknownStep):
        flows.reopen_step(automated.pk, "account_creation", MONDAY)


def test_a_step_that_is_held_back_has_a_paused_clock(automated):
    flows.reopen_step(automated.pk, "sla_assignment", MONDAY + HOUR / 2)
    support = "support_channel_setup"
    assert states_of(automated)[support] == "pending"
    assert clock_of(automated, support).state == "paused"
    assert automation.run_due(lambda: MONDAY + HOUR) == 3
    assert clock_of(automated, support).state == "running"
    assert clock_of(automated, support).due_at == BEGUN + 2.5 * HOUR


def test_a_failed_step_that_waits_again_is_tried_again_afterwards(flow):
    def broken(*_given):
        raise RuntimeError("no route")

    failing = {**WORK, "create_api_key": StepWork(broken)}
    automation.run_due(lambda: MONDAY, failing)
    assert states_of(flow)["api_key_generation"] == "failed"
    flows.reopen_step(flow.pk, "environment_setup", MONDAY)
    assert states_of(flow)["api_key_generation"] == "pending"
    assert automation.run_due(lambda: MONDAY + HOUR) == 2
    assert states_of(flow)["api_key_generation"] == "done"
    assert log.first_fault(OnboardingFlow.objects.get()) is None


def test_a_pending_step_is_not_overdue_when_it_becomes_ready_late(automated):
    late = MONDAY + 3 * DAY
    steps.complete(automated.pk, DOCUMENTS, late)
    training = automated.steps.get(name="training_schedule")
    assert training.due_at == late + 2 * HOUR
