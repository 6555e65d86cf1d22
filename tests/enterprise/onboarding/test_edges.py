"""Rare turns: races lost, rows that staff left half-way, a broker that is down."""

from contextlib import contextmanager

import pytest
import time_machine
from django.db import transaction

from aethercrown.models import AutomationPause
from enterprise.onboarding import states
from enterprise.onboarding.models import (
    OnboardingDependency,
    OnboardingStep,
    OnboardingTemplate,
    OnboardingTemplateVersion,
    StepAction,
    TeamMember,
)
from enterprise.onboarding.services import (
    actions,
    automation,
    contacts,
    flows,
    moves,
    owners,
    steps,
    templates,
    wake_worker,
)
from enterprise.onboarding.services.flow_change import FlowChange, OpenDependencies
from enterprise.onboarding.services.flows import NewCompany
from enterprise.sla import reports as sla
from enterprise.sla.models import SlaClock, TierRule
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale
from operations.health.registry import HealthCheck, health_check_registry
from revenue.customers.models import Contact
from tests.aethercrown.registries import isolated
from tests.enterprise.onboarding.conftest import ACME, HOUR, MONDAY, states_of

pytestmark = pytest.mark.django_db


def test_a_real_health_check_is_run():
    with isolated(health_check_registry, [HealthCheck("database", "Database", lambda: None)]):
        found = actions.run_health_check()
    assert found["overall_status"] in {"healthy", "degraded", "unhealthy", "unknown"}


def test_without_a_customer_there_is_no_sla(flow):
    OnboardingStep.objects.filter(name="sla_assignment").update(needs={}, state=states.READY)
    with pytest.raises(actions.ActionRefused, match="does not exist yet"):
        steps.complete(flow.pk, "sla_assignment", MONDAY)


def test_nothing_is_done_while_automation_is_paused(flow):
    AutomationPause.objects.create(because="restored", began_at=MONDAY)
    assert automation.run_due(lambda: MONDAY) == 0


def test_an_action_that_another_worker_claims_meanwhile_is_left_to_it(flow):
    action, looks = StepAction.objects.get(), []

    def clock():
        looks.append(MONDAY)
        if len(looks) == 2:  # it is listed, and not yet claimed
            assert automation.claim(action.pk, MONDAY) is not None
        return MONDAY

    assert automation.run_due(clock) == 0
    action.refresh_from_db()
    assert (action.state, action.claims) == ("running", 1)


def test_an_action_that_fails_before_its_step_begins_leaves_it_ready(flow):
    action = automation.claim(StepAction.objects.get().pk, MONDAY)
    assert action is not None
    automation._fail(action, RuntimeError("early"), MONDAY)
    assert states_of(flow)["account_creation"] == "ready"
    assert StepAction.objects.get().state == "queued"


def test_rules_that_choose_no_tier_start_nothing():
    TierRule.objects.filter(conditions=[]).delete()
    with pytest.raises(sla.NothingInForce, match="choose no tier"):
        flows.create(NewCompany("Small"), MONDAY)


def test_a_step_without_an_action_is_rolled_back_too(automated):
    steps.complete(automated.pk, "documentation_access", MONDAY)
    assert flows.roll_back(automated.pk, MONDAY).status == "rolled_back"
    assert states_of(automated)["documentation_access"] == "reverted"
    flows._note_failure(automated.pk, MONDAY, "too late")  # nothing is left to mark


def test_a_check_of_a_step_that_was_done_meanwhile_says_nothing(automated):
    steps._check(automated.pk, "account_creation", MONDAY, version=999)


def test_a_dependency_that_opens_meanwhile_is_found_under_the_lock(automated):
    with transaction.atomic(), pytest.raises(OpenDependencies):
        steps.complete_locked(FlowChange(automated.pk, MONDAY), "training_schedule", {})
    with pytest.raises(steps.UnknownStep):
        steps.move(automated.pk, "nothing", states.START, MONDAY)


def test_a_dependency_on_another_version_is_not_published():
    old = OnboardingTemplateVersion.objects.get()
    draft = templates.draft(old.template_id)
    OnboardingDependency.objects.create(
        step=draft.steps.get(name="account_creation"),
        needs=old.steps.get(name="initial_health_check"),
    )
    with pytest.raises(templates.InvalidTemplate, match="in another version"):
        templates.publish(draft.pk, MONDAY)


def test_a_move_that_another_followed_is_not_undone(automated):
    first = OnboardingTemplateVersion.objects.get()
    second = templates.publish(templates.draft(first.template_id).pk, MONDAY)
    found = moves.propose(automated.pk, second.pk, MONDAY)
    with time_machine.travel(MONDAY + HOUR, tick=False):
        decisions.approve(found.pk, actor="user:ada", now=MONDAY + HOUR)
        back = moves.propose(automated.pk, first.pk, MONDAY + HOUR)
        decisions.approve(back.pk, actor="user:ada", now=MONDAY + HOUR)
        with pytest.raises(Stale, match="another version since"):
            decisions.roll_back(found.pk, actor="user:ada", now=MONDAY + HOUR)


def test_bundles_are_assigned_so_many_at_a_time_until_nobody_is_free(automated):
    found = [set(each) for each in owners._unassigned(1)]
    roles = ("account_manager", "support_team", "technical_lead")
    assert found == [{f"{automated.pk} {role}"} for role in roles]
    TeamMember.objects.create(name="Ada", roles=list(roles), week_hours=5)
    assert owners.assign_waiting(MONDAY, most_bundles=1) == 3  # 3 h and 2 h; the check does not fit


@contextmanager
def waking(callback):
    """Also call this when a worker is woken."""
    wake_worker.callbacks.append(callback)
    try:
        yield
    finally:
        wake_worker.callbacks.remove(callback)


def test_a_broker_that_is_down_loses_nothing(django_capture_on_commit_callbacks):
    def down():
        raise OSError("no broker")

    with waking(down), django_capture_on_commit_callbacks(execute=True):
        flows.create(ACME, MONDAY)
    assert automation.run_due(lambda: MONDAY) == 4


def test_a_flow_that_resumes_leaves_clocks_of_waiting_steps_paused(automated):
    steps.move(automated.pk, "documentation_access", states.START, MONDAY)
    steps.move(automated.pk, "documentation_access", states.WAIT, MONDAY)
    flows.put_on_hold(automated.pk, MONDAY + HOUR)
    flows.resume(automated.pk, MONDAY + 2 * HOUR)
    found = SlaClock.objects.filter(kind="step").exclude(state="stopped")
    assert sorted(found.values_list("state", flat=True)) == ["paused", "running"]


def test_the_first_draft_of_a_template_is_empty():
    made = OnboardingTemplate.objects.create(name="new", title="New")
    assert templates.draft(made.pk).steps.count() == 0


def test_a_contact_is_known_to_the_customer_once_there_is_one(flow):
    contacts.add(flow.pk, "Ada", "ada@acme.example", "technical")
    assert not Contact.objects.exists()


def test_a_step_is_not_begun_before_its_dependencies(automated):
    with pytest.raises(OpenDependencies):
        steps.move(automated.pk, "training_schedule", states.START, MONDAY)


def test_a_clock_that_is_gone_is_left_alone(automated):
    SlaClock.objects.all().delete()
    steps.complete(automated.pk, "documentation_access", MONDAY)
    flows.put_on_hold(automated.pk, MONDAY)


def test_a_worker_is_told_when_something_waits(django_capture_on_commit_callbacks):
    told = []
    with waking(lambda: told.append(1)), django_capture_on_commit_callbacks(execute=True):
        flows.create(ACME, MONDAY)
    assert told
