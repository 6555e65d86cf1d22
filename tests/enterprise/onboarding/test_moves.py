"""A running flow is moved to a newer template version, and back."""

from datetime import timedelta

import pytest
import time_machine

from aethercrown.history.attribution import acting
from enterprise.onboarding import states
from enterprise.onboarding.models import (
    OnboardingDependency,
    OnboardingFlow,
    OnboardingTemplateStep,
    OnboardingTemplateVersion,
    StepAction,
)
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import (
    automation,
    flows,
    follow,
    log,
    moves,
    steps,
    templates,
)
from enterprise.sla.models import FrozenVersion, SlaClock
from operations.alerts import services as alerts
from operations.alerts.models import Alert
from operations.decisions import reports as decision_reports
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale
from tests.enterprise.onboarding.conftest import HOUR, MONDAY, states_of

pytestmark = pytest.mark.django_db
LATER = MONDAY + HOUR


@pytest.fixture
def second():
    """A version with a security review after the account, and without the training."""
    version = templates.draft(OnboardingTemplateVersion.objects.get().template_id)
    version.steps.get(name="training_schedule").delete()
    account = version.steps.get(name="account_creation")
    review = OnboardingTemplateStep.objects.create(
        version=version, position=9, name="security_review", hours=3
    )
    OnboardingDependency.objects.create(step=review, needs=account)
    OnboardingDependency.objects.create(
        step=version.steps.get(name="support_channel_setup"), needs=review
    )
    version.steps.filter(name="documentation_access").update(hours=5)
    return templates.publish(version.pk, MONDAY)


def approved(decision, at=LATER):
    with time_machine.travel(at, tick=False):
        return decisions.approve(decision.pk, actor="user:ada", now=at)


def undone(decision, at=LATER):
    with time_machine.travel(at, tick=False):
        return decisions.roll_back(decision.pk, actor="user:ada", now=at)


def test_a_flow_keeps_its_version_until_a_decision_moves_it(automated, second):
    assert OnboardingFlow.objects.get().template_version.number == 1
    assert reports.version_notes(automated)
    with acting("user:bo"):
        decision = moves.propose(automated.pk, second.pk, LATER)
    assert decision.before["progress"] == [4, 8, 50.0]
    assert decision.after["progress"] == [4, 8, 50.0]
    decision.refresh_from_db()  # what is shown is read from stored JSON
    shown = {name: change for name, *change in decision_reports.changes(decision)}
    assert shown["training_schedule"] == ["pending", "skipped (removed by version 2)"]
    assert shown["account_creation"][0] == "done"
    assert shown["security_review"][0] == "not there"
    assert shown["go-live"][0].startswith("3 May 2027")
    assert not [name for name in shown if "." in name or "[" in name]
    assert states_of(automated)["training_schedule"] == "pending"
    approved(decision)
    flow = OnboardingFlow.objects.get()
    found = states_of(flow)
    assert flow.template_version == second
    assert found["security_review"] == "ready"
    assert found["training_schedule"] == "skipped"
    assert found["support_channel_setup"] == "pending"
    assert flow.steps.get(name="documentation_access").hours == 5
    assert len(reports.steps_of(flow)) == 8
    assert flow.transitions.filter(event="moved").get().detail["moves"]
    assert log.first_fault(flow) is None
    assert decisions.measure_due(LATER) == 1


def test_moving_back_leaves_states_as_before(automated, second):
    before = states_of(automated)
    decision = moves.propose(automated.pk, second.pk, LATER)
    approved(decision)
    undone(decision)
    flow = OnboardingFlow.objects.get()
    after = states_of(flow)
    assert after.pop("security_review") == "skipped"
    assert after == before
    assert flow.steps.get(name="documentation_access").hours == 1
    assert reports.progress_of(reports.steps_of(flow)).total_steps == 8
    assert log.first_fault(flow) is None
    again = moves.propose(automated.pk, second.pk, LATER + HOUR)
    approved(again, LATER + HOUR)
    assert states_of(flow)["security_review"] == "ready"


def test_a_preview_of_an_older_state_is_stale(automated, second):
    decision = moves.propose(automated.pk, second.pk, LATER)
    steps.move(automated.pk, "documentation_access", states.START, LATER)
    with pytest.raises(Stale):
        approved(decision)
    assert OnboardingFlow.objects.get().template_version.number == 1


def test_a_move_whose_steps_went_on_is_not_undone(automated, second):
    decision = moves.propose(automated.pk, second.pk, LATER)
    approved(decision)
    steps.complete(automated.pk, "security_review", LATER)
    with pytest.raises(Stale, match="has gone on"):
        undone(decision)


def test_running_steps_that_are_removed_need_a_choice(automated, second):
    steps.complete(automated.pk, "documentation_access", LATER)
    steps.move(automated.pk, "training_schedule", states.START, LATER)
    with pytest.raises(moves.UndecidedSteps, match="training_schedule"):
        moves.propose(automated.pk, second.pk, LATER)
    kept = moves.propose(automated.pk, second.pk, LATER, {"training_schedule": "finish"})
    approved(kept)
    assert states_of(automated)["training_schedule"] == "in_progress"
    undone(kept)
    gone = moves.propose(automated.pk, second.pk, LATER, {"training_schedule": "cancel"})
    approved(gone)
    assert states_of(automated)["training_schedule"] == "skipped"


def test_a_done_step_comes_back_with_a_version_that_has_it(automated, second):
    steps.complete(automated.pk, "documentation_access", LATER)
    steps.complete(automated.pk, "training_schedule", LATER)
    approved(moves.propose(automated.pk, second.pk, LATER))
    flow = OnboardingFlow.objects.get()
    assert "training_schedule" not in [each.name for each in reports.steps_of(flow)]
    first = OnboardingTemplateVersion.objects.get(number=1)
    approved(moves.propose(automated.pk, first.pk, LATER + HOUR), LATER + HOUR)
    assert states_of(flow)["training_schedule"] == "done"
    assert "training_schedule" in [each.name for each in reports.steps_of(flow)]


def test_only_published_versions_of_the_same_template_are_moved_to(automated, second):
    draft = templates.draft(second.template_id)
    with pytest.raises(ValueError, match="is a draft"):
        moves.propose(automated.pk, draft.pk, LATER)
    other = OnboardingTemplateVersion.objects.create(
        template=type(second.template).objects.create(name="other", title="Other"), number=1
    )
    with pytest.raises(ValueError, match="another template"):
        moves.propose(automated.pk, other.pk, LATER)


def test_a_held_back_automated_step_runs_when_it_is_ready_again(flow):
    """A new step before the account holds it back; its queued action runs afterwards."""
    version = templates.draft(flow.template_version.template_id)
    check = OnboardingTemplateStep.objects.create(
        version=version, position=9, name="credit_check", hours=1
    )
    OnboardingDependency.objects.create(
        step=version.steps.get(name="account_creation"), needs=check
    )
    templates.publish(version.pk, MONDAY)
    approved(moves.propose(flow.pk, version.pk, MONDAY), MONDAY)
    assert states_of(flow)["account_creation"] == "pending"
    assert automation.run_due(lambda: MONDAY + HOUR) == 0
    steps.complete(flow.pk, "credit_check", MONDAY + HOUR)
    assert automation.run_due(lambda: MONDAY + HOUR) == 4


def test_retiring_a_version_puts_the_one_before_in_force(second):
    assert flows.template_in_force() == second
    templates.retire(second.pk)
    assert flows.template_in_force().number == 1
    with pytest.raises(FrozenVersion):
        templates.retire(second.pk)
    with pytest.raises(FrozenVersion):
        templates.publish(second.pk, MONDAY)


def test_the_preview_shows_dates_before_and_after(automated, second):
    now = MONDAY + timedelta(seconds=10)
    decision = moves.propose(automated.pk, second.pk, now)
    before, after = decision.before["due_at"], decision.after["due_at"]
    assert "training_schedule" in before
    assert "training_schedule" not in after
    assert after["security_review"] == "2027-05-03T12:00:10+00:00"
    assert after["support_channel_setup"] == "2027-05-03T14:00:10+00:00"
    assert decision.before["estimated_at"] != decision.after["estimated_at"]
    approved(decision, now)
    found = automated.steps.get(name="support_channel_setup")
    assert found.due_at.isoformat() == after["support_channel_setup"]
    assert states_of(automated)["security_review"] == "ready"


def test_a_clock_takes_the_hours_of_the_new_version_and_gives_them_back(automated, second):
    step = automated.steps.get(name="documentation_access")
    clock = SlaClock.objects.get(subject=f"onboarding step {step.pk}")
    decision = moves.propose(automated.pk, second.pk, LATER)
    approved(decision)
    clock.refresh_from_db()
    assert (clock.target, clock.state) == (5 * HOUR, "running")
    undone(decision)
    clock.refresh_from_db()
    assert clock.target == HOUR


def test_a_move_that_is_undone_gives_a_removed_step_its_clock_and_its_work_back(automated, second):
    steps.complete(automated.pk, "documentation_access", LATER)
    steps.move(automated.pk, "training_schedule", states.START, LATER)
    step = automated.steps.get(name="training_schedule")
    clock = SlaClock.objects.get(subject=f"onboarding step {step.pk}")
    decision = moves.propose(automated.pk, second.pk, LATER, {"training_schedule": "cancel"})
    approved(decision)
    clock.refresh_from_db()
    assert clock.outcome == "cancelled"
    undone(decision)
    clock.refresh_from_db()
    assert (clock.state, clock.generation, clock.outcome) == ("running", 2, "open")


def test_what_waits_when_a_move_is_undone_has_a_paused_clock(automated, second):
    steps.complete(automated.pk, "documentation_access", LATER)
    steps.move(automated.pk, "training_schedule", states.START, LATER)
    steps.move(automated.pk, "training_schedule", states.WAIT, LATER)
    decision = moves.propose(automated.pk, second.pk, LATER, {"training_schedule": "cancel"})
    approved(decision)
    undone(decision)
    step = automated.steps.get(name="training_schedule")
    assert SlaClock.objects.get(subject=f"onboarding step {step.pk}").state == "paused"


def test_work_of_automation_that_a_move_cancelled_goes_on_when_it_is_undone(flow):
    version = templates.draft(flow.template_version.template_id)
    version.steps.get(name="account_creation").delete()
    templates.publish(version.pk, MONDAY)
    steps.move(flow.pk, "account_creation", states.START, MONDAY)
    decision = moves.propose(flow.pk, version.pk, MONDAY, {"account_creation": "cancel"})
    approved(decision, MONDAY)
    assert states_of(flow)["account_creation"] == "skipped"
    flow.steps.filter(state="ready").update(state="pending")
    OnboardingFlow.objects.filter(pk=flow.pk).update(status="active")
    undone(decision, MONDAY)
    assert states_of(flow)["account_creation"] == "in_progress"
    assert StepAction.objects.get(step__name="account_creation").state == "queued"


def test_a_flow_that_is_over_or_rolled_back_is_not_moved(automated, second):
    decision = moves.propose(automated.pk, second.pk, LATER)
    approved(decision)
    OnboardingFlow.objects.update(is_rolling_back=True)
    first = OnboardingTemplateVersion.objects.get(number=1)
    with pytest.raises(moves.NotOpen, match="rolling back"):
        moves.propose(automated.pk, first.pk, LATER)
    OnboardingFlow.objects.update(is_rolling_back=False)
    flows.cancel(automated.pk, LATER)
    with pytest.raises(moves.NotOpen, match="is cancelled"):
        moves.propose(automated.pk, first.pk, LATER)
    with pytest.raises(Stale, match="is over"):
        undone(decision)


def test_a_move_may_end_a_flow_and_then_stays(automated, second):
    """The new version lacks the only step that is open: the flow is complete."""
    version = templates.draft(second.template_id)
    kept = ("account_creation", "sla_assignment", "environment_setup", "api_key_generation")
    version.steps.exclude(name__in=kept).delete()
    templates.publish(version.pk, LATER)
    decision = moves.propose(automated.pk, version.pk, LATER)
    approved(decision)
    assert OnboardingFlow.objects.get().status == "completed"
    with pytest.raises(Stale, match="is over"):
        undone(decision)


def test_an_alert_about_an_action_ends_with_the_move_that_removes_its_step(flow):
    """A parked action whose step a newer version does not have asks nobody for anything."""
    steps.move(flow.pk, "account_creation", states.START, MONDAY)
    steps.move(flow.pk, "account_creation", states.FAIL, MONDAY, reason="no route")
    StepAction.objects.update(state="parked")
    step = flow.steps.get(name="account_creation")
    alerts.raise_alert(
        "onboarding", "action failed", "onboarding", "high", "It failed.",
        key=f"step {step.pk}", now=MONDAY,
    )  # fmt: skip
    follow.escalate(MONDAY)
    assert Alert.objects.get(kind="action failed").state == "open"
    version = templates.draft(flow.template_version.template_id)
    version.steps.get(name="account_creation").delete()
    templates.publish(version.pk, MONDAY)
    approved(moves.propose(flow.pk, version.pk, MONDAY), MONDAY)
    follow.escalate(MONDAY)
    assert Alert.objects.get(kind="action failed").state == "resolved"


def test_a_decision_leads_to_the_page_of_its_flow(automated, second):
    decision = moves.propose(automated.pk, second.pk, LATER)
    assert moves.ONBOARDING_MOVE.path(decision.subject) == f"/dashboards/onboarding/{automated.pk}"
