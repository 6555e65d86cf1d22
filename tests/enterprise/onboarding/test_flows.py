"""Flows on rows: creation, steps, the worker's part, hold, roll-back, the log."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, transaction

from aethercrown.history.attribution import acting
from aethercrown.transitions import InvalidTransition
from enterprise.onboarding import states
from enterprise.onboarding.models import (
    IssuedKeySecret,
    OnboardingDependency,
    OnboardingFlow,
    OnboardingStep,
    OnboardingTemplateVersion,
    StepAction,
    StepTransition,
)
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import (
    actions,
    automation,
    contacts,
    flows,
    log,
    steps,
    templates,
)
from enterprise.onboarding.services.actions import WORK, ActionRefused, StepWork
from enterprise.onboarding.services.flow_change import FlowChange, OpenDependencies, StaleVersion
from enterprise.onboarding.services.flows import NewCompany
from enterprise.onboarding.services.personal_data import erase
from enterprise.sla import services as sla
from enterprise.sla.models import ResourceQuota, SlaAssignment, SlaClock
from operations.alerts.models import Alert
from revenue.customers import services as customers
from revenue.customers.models import Customer
from security.apikeys import services as apikeys
from security.apikeys.models import ApiKey
from tests.enterprise.onboarding.conftest import ACME, AUTOMATED, HOUR, MONDAY, states_of

pytestmark = pytest.mark.django_db
PINNED = ("tier", "terms", "rule_set", "template_version", "calendar_version", "zone")
HEALTHY: dict[str, Any] = {"overall_status": "healthy", "components": {}, "checked_at": None}


def works(**given):
    """What automation does, with other works for some actions."""
    return {**WORK, **given}


def checked(**found):
    """A health check that finds this."""
    report = {**HEALTHY, **found}
    return works(check_health=StepWork(actions.require_health, prepare=lambda: report))


def broken(*_given):
    raise RuntimeError("no route")


def test_acme_is_premium_with_eight_steps(flow):
    assert (flow.tier, flow.status) == ("premium", "active")
    assert flow.tier_reasons[0] == "employees 500 > 100"
    assert flow.terms["support_hours"] == "extended"
    assert states_of(flow) == {
        "account_creation": "ready",
        **dict.fromkeys(("sla_assignment", "environment_setup", "api_key_generation"), "pending"),
        **dict.fromkeys(("documentation_access", "training_schedule"), "pending"),
        **dict.fromkeys(("support_channel_setup", "initial_health_check"), "pending"),
    }
    first = flow.steps.get(order=1)
    assert first.due_at == MONDAY + HOUR
    assert flow.estimated_at == MONDAY + 6 * HOUR
    assert flow.low_at < flow.estimated_at < flow.high_at
    assert flow.reference_flows == 0
    assert flow.contacts.get().email == "it@acme.example"


@pytest.mark.parametrize(
    ("employees", "revenue", "tier"),
    [(None, None, "standard"), (1000, None, "premium"), (1001, None, "enterprise"),
     (None, 10_000_000, "standard"), (None, 100_000_001, "enterprise")],
)  # fmt: skip
def test_the_tier_follows_the_size(employees, revenue, tier):
    made = flows.create(NewCompany("Other", employees, revenue and Decimal(revenue)), MONDAY)
    assert made.tier == tier
    assert made.steps.get(name="environment_setup").hours == (4 if tier == "enterprise" else 2)


def test_a_company_has_one_open_flow(flow):
    with pytest.raises(flows.OpenFlow) as refused:
        flows.create(NewCompany("  ACME   corp "), MONDAY)
    assert refused.value.onboarding_id == str(flow.onboarding_id)
    flows.cancel(flow.pk, MONDAY, "by mistake")
    assert flows.create(ACME, MONDAY).pk != flow.pk


def test_the_worker_really_does_the_automated_steps(automated):
    done = {name for name, state in states_of(automated).items() if state == "done"}
    assert done == set(AUTOMATED)
    customer = Customer.objects.get(external_id="acme-corp")
    assert (automated.customer, customer.name) == (customer, "Acme Corp")
    assert SlaAssignment.objects.get(customer=customer).tier.code == "premium"
    assert ResourceQuota.objects.get(customer=customer, resource="storage_gb").amount == 500
    key = ApiKey.objects.get(customer=customer.pk)
    assert automated.steps.get(name="api_key_generation").result["key_id"] == key.pk
    response = SlaClock.objects.get(kind="response")
    assert (response.target, response.zone) == (4 * HOUR, "UTC")
    assert log.first_fault(automated) is None
    assert StepAction.objects.exclude(state="done").count() == 0


def test_the_minted_key_authenticates_as_its_customer_and_is_stored_nowhere(automated):
    fetched = contacts.fetch_secret(automated.contacts.get(), MONDAY + HOUR)
    credential = apikeys.verify_key(fetched.plaintext)
    assert credential is not None
    assert credential.customer == automated.customer_id
    row = IssuedKeySecret.objects.get()
    assert (row.sealed, row.fetched_by) == ("", f"contact:{automated.contacts.get().pk}")
    with pytest.raises(contacts.SecretGone):
        contacts.fetch_secret(automated.contacts.get(), MONDAY + HOUR)
    texts = [str(each.detail) for each in StepTransition.objects.all()]
    assert not any(fetched.plaintext in text for text in texts)


def test_an_existing_customer_is_found_by_name_and_a_contact_that_it_lacks_waits_for_a_person():
    known = Customer.objects.create(external_id="c-17", name="ACME corp")
    made = flows.create(ACME, MONDAY)
    automation.run_due(lambda: MONDAY)
    waiting = OnboardingFlow.objects.get(pk=made.pk)
    assert (waiting.customer, known.contacts.count()) == (None, 0)
    step = waiting.steps.get(name="account_creation")
    assert f"{ACME.contact_email} is not among its contacts" in step.reason
    customers.add_contact(known.pk, name="Ada", email=ACME.contact_email.upper())
    automation.run_due(lambda: MONDAY + HOUR)
    assert OnboardingFlow.objects.get(pk=made.pk).customer == known


def test_completing_before_a_dependency_is_refused_and_names_it(flow):
    with pytest.raises(OpenDependencies) as refused:
        steps.complete(flow.pk, "initial_health_check", MONDAY)
    assert refused.value.names == ["api_key_generation", "support_channel_setup"]
    with pytest.raises(steps.UnknownStep):
        steps.complete(flow.pk, "nothing", MONDAY)


def test_completing_by_hand_does_the_work_of_the_step(flow):
    steps.complete(flow.pk, "account_creation", MONDAY)
    assert Customer.objects.filter(external_id="acme-corp").exists()
    before = StepTransition.objects.count()
    again = steps.complete(flow.pk, "account_creation", MONDAY + HOUR, notes="again")
    assert (again.state, again.notes) == ("done", "")
    assert StepTransition.objects.count() == before


def test_a_flow_runs_to_completion(automated):
    for name in ("documentation_access", "training_schedule", "support_channel_setup"):
        steps.complete(automated.pk, name, MONDAY + HOUR, notes="Done by phone.")
    assert SlaClock.objects.get(kind="response").outcome == "met"
    steps.complete(automated.pk, "initial_health_check", MONDAY + 2 * HOUR, works=checked())
    flow = OnboardingFlow.objects.get(pk=automated.pk)
    assert (flow.status, flow.completed_at) == ("completed", MONDAY + 2 * HOUR)
    assert set(SlaClock.objects.values_list("state", flat=True)) == {"stopped"}
    assert log.first_fault(flow) is None
    report = reports.report_fields(flow, MONDAY + 30 * HOUR)
    assert report["estimated_days_remaining"] == 0
    assert report["days_elapsed"] == 0
    assert report["milestones_achieved"][-1]["name"] == "completed"
    with pytest.raises(InvalidTransition):
        steps.move(flow.pk, "training_schedule", states.START, MONDAY)


def test_an_unhealthy_component_refuses_the_health_check(automated):
    steps.complete(automated.pk, "support_channel_setup", MONDAY + HOUR)
    down = checked(components={"database": {"status": "unhealthy"}})
    with pytest.raises(ActionRefused, match="database") as refused:
        steps.complete(automated.pk, "initial_health_check", MONDAY + HOUR, works=down)
    assert refused.value.failing == ("database",)
    assert states_of(automated)["initial_health_check"] == "ready"


def test_a_failing_action_is_a_blocker_and_is_tried_again(flow):
    automation.run_due(lambda: MONDAY, works(create_customer=StepWork(broken)))
    step = flow.steps.get(order=1)
    assert (step.state, step.reason) == ("failed", "no route")
    blocked = reports.blockers(reports.steps_of(flow), MONDAY)
    assert blocked[0]["kind"] == "failed"
    assert automation.run_due(lambda: MONDAY + timedelta(seconds=14)) == 0
    assert automation.run_due(lambda: MONDAY + timedelta(seconds=16)) == 4
    assert states_of(flow)["account_creation"] == "done"


def test_ten_failures_park_the_action_with_an_alert_until_a_person_tries_again(flow):
    failing = works(create_customer=StepWork(broken))
    for hours in range(11):
        now = MONDAY + (hours + 1) * 2 * HOUR
        automation.run_due(lambda: now, failing)  # noqa: B023 - called at once
    assert StepAction.objects.get().state == "parked"
    assert Alert.objects.get(source="onboarding").severity == "high"
    steps.move(flow.pk, "account_creation", states.RETRY, MONDAY + 30 * HOUR)
    assert automation.run_due(lambda: MONDAY + 31 * HOUR) == 4
    assert Alert.objects.get(source="onboarding").state == "resolved"


def test_a_lost_worker_is_replaced_after_its_lease_and_makes_no_second_key(flow):
    action = StepAction.objects.get()
    lost = automation.claim(action.pk, MONDAY)
    assert lost is not None
    assert automation.claim(action.pk, MONDAY) is None
    assert automation.run_due(lambda: MONDAY + timedelta(minutes=3)) == 4
    assert not automation._finish(lost, {}, MONDAY)  # its claim is not the last
    assert not automation._begin(lost, MONDAY)
    automation._fail(lost, RuntimeError(), MONDAY)
    assert ApiKey.objects.filter(customer__isnull=False).count() == 1


def test_a_step_that_waits_for_the_customer_pauses_its_clock(automated):
    steps.move(automated.pk, "documentation_access", states.START, MONDAY + HOUR)
    steps.move(automated.pk, "documentation_access", states.WAIT, MONDAY + HOUR)
    step = automated.steps.get(name="documentation_access")
    clock = SlaClock.objects.get(subject=f"onboarding step {step.pk}")
    assert (clock.state, step.waiting_since) == ("paused", MONDAY + HOUR)
    steps.move(automated.pk, "documentation_access", states.RESUME, MONDAY + 2 * HOUR)
    steps.move(automated.pk, "documentation_access", states.BLOCK, MONDAY + 2 * HOUR, reason="lost")
    clock.refresh_from_db()
    assert clock.state == "running"
    assert automated.steps.get(name="documentation_access").reason == "lost"


def test_a_flow_on_hold_does_nothing_and_its_clocks_pause(flow):
    flows.put_on_hold(flow.pk, MONDAY, "holidays")
    assert automation.run_due(lambda: MONDAY + HOUR) == 0
    assert set(SlaClock.objects.values_list("state", flat=True)) == {"paused"}
    with pytest.raises(InvalidTransition):
        steps.complete(flow.pk, "account_creation", MONDAY)
    flows.resume(flow.pk, MONDAY + 2 * HOUR)
    assert SlaClock.objects.get().state == "running"
    assert automation.run_due(lambda: MONDAY + 2 * HOUR) == 4


def test_only_optional_steps_are_skipped(automated):
    with pytest.raises(InvalidTransition, match="not optional"):
        steps.move(automated.pk, "documentation_access", states.SKIP, MONDAY)
    OnboardingStep.objects.filter(name="documentation_access").update(is_optional=True)
    steps.move(automated.pk, "documentation_access", states.SKIP, MONDAY)
    assert states_of(automated)["training_schedule"] == "ready"
    with pytest.raises(ValueError, match="not an event"):
        steps.move(automated.pk, "training_schedule", states.COMPLETE, MONDAY)
    with pytest.raises(InvalidTransition, match="resume is not possible"):
        steps.move(automated.pk, "training_schedule", states.RESUME, MONDAY)


def test_a_stale_version_is_refused(flow):
    with pytest.raises(StaleVersion):
        steps.complete(flow.pk, "account_creation", MONDAY, version=flow.version + 1)
    change_steps = OnboardingStep.objects.filter(name="account_creation")
    with transaction.atomic():
        change = FlowChange(flow.pk, MONDAY)
        change_steps.update(version=9)
        with pytest.raises(StaleVersion):
            change.move(change.steps["account_creation"], states.START)


def test_a_roll_back_undoes_the_last_first(automated):
    key_id = automated.steps.get(name="api_key_generation").result["key_id"]
    with acting("user:ada"):
        flow = flows.roll_back(automated.pk, MONDAY + HOUR, "contract withdrawn")
    assert flow.status == "rolled_back"
    assert set(states_of(flow).values()) == {"reverted", "ready", "pending"}
    assert ApiKey.objects.get(pk=key_id).revoked_at is not None
    assert not ResourceQuota.objects.exists()
    assert not SlaAssignment.objects.filter(ended_at=None).exists()
    reverted = StepTransition.objects.filter(event="revert").values_list("step", flat=True)
    assert list(reverted) == list(reversed(AUTOMATED))
    assert log.first_fault(flow) is None


def test_a_failed_compensation_stops_the_roll_back_and_a_retry_continues(automated):
    failing = works(set_up_environment=StepWork(WORK["set_up_environment"].run, compensate=broken))
    flow = flows.roll_back(automated.pk, MONDAY + HOUR, works=failing)
    assert (flow.status, flow.is_rolling_back) == ("active", True)
    found = reports.blockers(reports.steps_of(flow), MONDAY)
    reasons = {each["kind"]: each["reason"] for each in found}
    assert "no route" in reasons["roll_back"]
    with pytest.raises(InvalidTransition, match="rolling back"):
        steps.complete(flow.pk, "documentation_access", MONDAY)
    assert flows.roll_back(automated.pk, MONDAY + HOUR).status == "rolled_back"


def test_reopening_a_step_undoes_those_that_waited_for_it(automated):
    flows.reopen_step(automated.pk, "sla_assignment", MONDAY + HOUR, "wrong tier")
    found = states_of(automated)
    assert found["sla_assignment"] == "ready"
    assert found["api_key_generation"] == found["environment_setup"] == "pending"
    assert found["support_channel_setup"] == "pending"
    assert not ApiKey.objects.filter(revoked_at=None, customer__isnull=False).exists()
    assert automation.run_due(lambda: MONDAY + 2 * HOUR) == 3
    assert ApiKey.objects.filter(revoked_at=None, customer__isnull=False).count() == 1


def test_the_log_cannot_be_changed(flow):
    row = StepTransition.objects.get(flow=flow, sequence=1)
    with pytest.raises(TypeError):
        row.save()
    with pytest.raises(TypeError):
        row.delete()
    with pytest.raises(DatabaseError), transaction.atomic():
        StepTransition.objects.filter(pk=row.pk).update(reason="nothing happened")


def test_a_lag_holds_a_step_back_until_it_has_passed(flow):
    step = flow.steps.get(name="sla_assignment")
    OnboardingStep.objects.filter(pk=step.pk).update(needs={"account_creation": 2.0})
    steps.complete(flow.pk, "account_creation", MONDAY)
    step.refresh_from_db()
    assert (step.state, step.not_before) == ("pending", MONDAY + 2 * HOUR)
    assert automation.advance_lagged(MONDAY + HOUR) == 0
    assert automation.advance_lagged(MONDAY + 2 * HOUR) == 1
    step.refresh_from_db()
    assert step.state == "ready"


def test_an_overdue_step_keeps_its_date(automated):
    before = automated.steps.get(name="documentation_access").due_at
    steps.complete(automated.pk, "support_channel_setup", MONDAY + 48 * HOUR)
    found = automated.steps.get(name="documentation_access")
    assert found.due_at == before
    kinds = {
        each["kind"] for each in reports.blockers(reports.steps_of(automated), MONDAY + 48 * HOUR)
    }
    assert {"overdue", "unassigned"} <= kinds


def test_without_a_published_template_nothing_starts():
    OnboardingTemplateVersion.objects.update(state="retired")
    with pytest.raises(flows.NoTemplate):
        flows.create(ACME, MONDAY)


def test_the_forecast_is_taken_from_finished_flows(flow):
    for number in range(24):
        started = MONDAY - timedelta(days=100 + number)
        made = OnboardingFlow.objects.create(
            **{
                name: getattr(flow, name)
                for name in PINNED
            },
            company_name=f"C{number}", company_key=f"c{number}", status="completed",
            started_at=started, completed_at=started + timedelta(days=2),
        )  # fmt: skip
        for step in flow.steps.all():
            OnboardingStep.objects.create(
                flow=made, order=step.order, name=step.name, hours=step.hours, state="done",
                owner_kind=step.owner_kind, role=step.role, needs=step.needs,
                finished_at=started, actual_hours=float(step.hours) * (1 + number / 12),
            )  # fmt: skip
    steps.complete(flow.pk, "account_creation", MONDAY)
    found = OnboardingFlow.objects.get(pk=flow.pk)
    assert found.reference_flows == 24
    dates = [found.low_at, found.estimated_at, found.high_at]
    assert dates == sorted(set(filter(None, dates)))


def test_work_whose_dependency_is_opened_again_meanwhile_waits_and_has_not_failed(flow):
    opened: list[str] = []

    def open_again():
        if not opened:
            opened.append("account_creation")
            flows.reopen_step(flow.pk, "account_creation", MONDAY)
        return {}

    step = works(assign_sla=StepWork(actions.assign_sla, prepare=open_again))
    automation.run_due(lambda: MONDAY, step)
    assert states_of(flow)["sla_assignment"] == "in_progress"
    waiting = StepAction.objects.get(step__name="sla_assignment")
    assert (waiting.state, waiting.tries, waiting.error) == ("queued", 0, "")
    assert not StepTransition.objects.filter(event="fail").exists()
    automation.run_due(lambda: MONDAY + automation.FIRST_DELAY)
    assert {states_of(flow)[name] for name in AUTOMATED} == {"done"}
    assert log.first_fault(flow) is None


def test_a_cycle_keeps_a_template_from_being_published():
    version = templates.draft(OnboardingTemplateVersion.objects.get().template_id)
    assert version.pk == templates.draft(version.template_id).pk
    rows = {each.name: each for each in version.steps.all()}
    assert version.steps.count() == 8
    OnboardingDependency.objects.create(
        step=rows["account_creation"], needs=rows["environment_setup"]
    )
    with pytest.raises(templates.InvalidTemplate, match="account_creation -> sla_assignment"):
        templates.publish(version.pk, MONDAY)
    OnboardingDependency.objects.filter(step=rows["account_creation"]).delete()
    rows["training_schedule"].action = "fly"
    rows["training_schedule"].save()
    with pytest.raises(templates.InvalidTemplate, match="no action 'fly'"):
        templates.publish(version.pk, MONDAY)
    rows["training_schedule"].action, rows["training_schedule"].owner_kind = "", "automation"
    rows["training_schedule"].save()
    with pytest.raises(templates.InvalidTemplate, match="needs an action"):
        templates.publish(version.pk, MONDAY)
    version.steps.all().delete()
    with pytest.raises(templates.InvalidTemplate, match="at least one step"):
        templates.publish(version.pk, MONDAY)


def test_a_roll_back_gives_a_known_customer_back_what_it_had(automated):
    """A second onboarding of the customer is undone: tier and quotas of the first stay."""
    for name in ("documentation_access", "training_schedule", "support_channel_setup"):
        steps.complete(automated.pk, name, MONDAY)
    steps.complete(automated.pk, "initial_health_check", MONDAY, works=checked())
    second = flows.create(NewCompany("Acme Corp", 5000), MONDAY + HOUR)
    assert automation.run_due(lambda: MONDAY + HOUR) == 4
    customer = automated.customer_id
    present = SlaAssignment.objects.filter(customer=customer, ended_at=None)
    assert present.get().tier.code == "enterprise"
    flows.roll_back(second.pk, MONDAY + 2 * HOUR)
    assert present.get().tier.code == "premium"
    assert ResourceQuota.objects.get(customer=customer, resource="storage_gb").amount == 500
    third = flows.create(ACME, MONDAY + 3 * HOUR)
    automation.run_due(lambda: MONDAY + 3 * HOUR)
    flows.roll_back(third.pk, MONDAY + 4 * HOUR)  # it changed nothing of the SLA
    assert present.get().tier.code == "premium"


def test_a_tier_that_staff_gave_meanwhile_outlives_an_onboarding(flow):
    automation.run_due(lambda: MONDAY)
    customer = Customer.objects.get().pk
    sla.override_tier(customer, "enterprise", "pilot", MONDAY + 100 * HOUR, MONDAY + HOUR)
    flows.reopen_step(flow.pk, "sla_assignment", MONDAY + 2 * HOUR)
    assert automation.run_due(lambda: MONDAY + 2 * HOUR) == 3
    present = SlaAssignment.objects.get(customer=customer, ended_at=None)
    assert present.tier.code == "enterprise"
    assert ResourceQuota.objects.get(customer=customer, resource="storage_gb").amount == 2000


@pytest.mark.parametrize("status", states.OPEN_FLOWS)
def test_an_open_flow_in_any_state_is_cancelled_when_its_customer_is_erased(automated, status):
    """Also one whose roll-back had stopped: nothing of it runs on."""
    if status == states.ON_HOLD:
        flows.put_on_hold(automated.pk, MONDAY + HOUR)
    OnboardingFlow.objects.filter(pk=automated.pk).update(
        status=status, is_rolling_back=status == states.ACTIVE
    )
    erase([automated.customer_id])
    automated.refresh_from_db()
    assert (automated.status, automated.is_rolling_back) == ("cancelled", False)
    assert log.first_fault(automated) is None
    assert not SlaClock.objects.exclude(state="stopped").exists()
    assert not StepAction.objects.filter(state__in=("queued", "running")).exists()
    assert not automated.contacts.exists()
    assert automation.run_due(lambda: MONDAY + 9 * HOUR) == 0


def test_a_flow_that_is_over_when_its_customer_is_erased_stays_as_it_was(flow):
    flows.cancel(flow.pk, MONDAY, "they went elsewhere")
    before = flow.transitions.count()
    flows.end_for_good(flow.pk, MONDAY + HOUR, "the customer was erased")
    flow.refresh_from_db()
    assert (flow.status, flow.transitions.count()) == ("cancelled", before)
