"""Owners by capacity, escalation, calendars, and the automation that follows up."""

from datetime import timedelta

import pytest
import time_machine

from enterprise.onboarding.assignment import CostWeights, OwnerChoice
from enterprise.onboarding.models import (
    OnboardingFlow,
    OnboardingTemplate,
    OwnerCostWeight,
    TeamAbsence,
    TeamMember,
)
from enterprise.onboarding.reports import flows as reports
from enterprise.onboarding.services import (
    automation,
    calendars,
    first_value,
    flows,
    follow,
    owners,
    steps,
)
from enterprise.onboarding.services.flows import NewCompany
from enterprise.sla import services as sla
from enterprise.sla.models import BusinessCalendar, CalendarDay
from enterprise.usage.models import UsageDay, UsageMetric
from operations.alerts.models import Alert
from operations.automations.registry import RunContext
from operations.decisions import services as decisions
from tests.enterprise.onboarding.conftest import HOUR, MONDAY

pytestmark = pytest.mark.django_db


def member(name, hours=20, roles=("account_manager", "technical_lead", "support_team"), **more):
    return TeamMember.objects.create(name=name, week_hours=hours, roles=list(roles), **more)


def owners_of(flow):
    rows = flow.steps.filter(owner__isnull=False).order_by("order")
    return dict(rows.values_list("name", "owner__name"))


def test_steps_of_one_role_go_to_one_person(automated):
    member("Ada", roles=["account_manager"])
    member("Bo", roles=["support_team", "technical_lead"])
    assert owners.assign_waiting(MONDAY) == 4
    assert owners_of(automated) == {
        "documentation_access": "Ada", "training_schedule": "Ada",
        "support_channel_setup": "Bo", "initial_health_check": "Bo",
    }  # fmt: skip
    step = automated.steps.get(name="documentation_access")
    assert step.owner_cost["skill"] == 0
    shown = reports.flow_fields(automated)
    assert shown["contacts"]["account_manager"] == "Ada"
    assert owners.assign_waiting(MONDAY) == 0
    assert not reports.blockers(reports.steps_of(automated), MONDAY)


def test_nobody_gets_more_than_the_free_hours_of_the_week(automated):
    member("Ada", hours=3)
    member("Away", hours=40)
    TeamAbsence.objects.create(
        member=TeamMember.objects.get(name="Away"), first=MONDAY.date(), last=MONDAY.date()
    )
    member("Gone", hours=40, is_active=False)
    owners.assign_waiting(MONDAY)
    assert set(owners_of(automated).values()) == {"Ada"}
    hours = automated.steps.filter(owner__isnull=False).values_list("hours", flat=True)
    assert sum(hours) <= 3


def test_a_person_can_be_chosen(automated):
    ada = member("Ada")
    step = automated.steps.get(name="training_schedule")
    owners.set_owner(step.pk, ada.pk)
    assert owners_of(automated) == {"training_schedule": "Ada"}
    owners.set_owner(step.pk, None)
    assert owners_of(automated) == {}


def test_without_a_team_nothing_is_assigned(automated):
    assert owners.assign_waiting(MONDAY) == 0
    assert owners.zone_hours("Asia/Kathmandu") == 5.75


def test_what_is_overdue_or_blocked_is_told_once_and_ends(automated):
    late = MONDAY + timedelta(days=2)
    steps.move(automated.pk, "support_channel_setup", "start", MONDAY)
    steps.move(automated.pk, "support_channel_setup", "block", MONDAY, reason="no admin there")
    assert follow.escalate(late) == 3
    follow.escalate(late + HOUR)
    kinds = list(Alert.objects.filter(source="onboarding").values_list("kind", "severity"))
    assert sorted(kinds) == [
        ("step blocked", "high"), ("step overdue", "warning"), ("step overdue", "warning"),
    ]  # fmt: skip
    steps.complete(automated.pk, "documentation_access", late)
    steps.complete(automated.pk, "support_channel_setup", late)
    follow.escalate(late)
    assert Alert.objects.filter(source="onboarding", state="resolved").count() == 3


def test_the_automation_assigns_and_escalates(automated):
    member("Ada")
    context = RunContext("enterprise.follow_onboarding", 1, MONDAY, MONDAY, "auto", dry_run=False)
    assert follow.perform(context).detail == {"assigned": 4, "reminders": 0, "blockers": 0}
    dry = RunContext("enterprise.follow_onboarding", None, MONDAY, MONDAY, "auto", dry_run=True)
    assert follow.perform(dry).summary == "0 overdue steps"


def test_flows_follow_when_clocks_move_to_another_calendar(automated):
    before = automated.estimated_at
    calendar = BusinessCalendar.objects.get(name="business_hours")
    draft = sla.draft_calendar(calendar.pk)
    CalendarDay.objects.create(version=draft, day=MONDAY.date(), name="Spring day")
    version = sla.publish_calendar(draft.pk, MONDAY)
    done = flows.create(NewCompany("Done"), MONDAY)
    assert done.calendar_version == version
    decision = sla.propose_calendar_move(version.pk, MONDAY + HOUR, MONDAY + HOUR)
    assert list(decision.before["followers"]["onboarding"]) == [str(automated.pk)]
    with time_machine.travel(MONDAY + HOUR, tick=False):
        decisions.approve(decision.pk, actor="user:ada", now=MONDAY + HOUR)
    flow = OnboardingFlow.objects.get(pk=automated.pk)
    assert flow.calendar_version == version
    assert flow.estimated_at > before
    with time_machine.travel(MONDAY + HOUR, tick=False):
        decisions.roll_back(decision.pk, actor="user:ada", now=MONDAY + HOUR)
    assert OnboardingFlow.objects.get(pk=automated.pk).calendar_version.number == 1


def test_a_flow_that_is_over_does_not_follow(flow):
    flows.cancel(flow.pk, MONDAY)
    version = flow.calendar_version
    assert calendars.preview(version, MONDAY) == []
    calendars.move({flow.pk: version.pk}, MONDAY)
    assert not flow.transitions.filter(event="recalendar").exists()


def test_sizes_of_customers_feed_the_simulator(automated):
    assert reports.customer_sizes()[0][1] == "Acme Corp"
    assert reports.names([automated.pk]) == {automated.pk: "Acme Corp"}


def test_the_record_of_forecasts_is_said(automated, monkeypatch):
    assert reports.forecast_record() == ""
    for name in ("documentation_access", "training_schedule", "support_channel_setup"):
        steps.complete(automated.pk, name, MONDAY + 5 * HOUR)
    automated.steps.filter(name="initial_health_check").update(action="")
    steps.complete(automated.pk, "initial_health_check", MONDAY + 6 * HOUR)
    assert automation.run_due(lambda: MONDAY + 7 * HOUR) == 0
    assert reports.forecast_record() == "1 of 1 finished flow fell inside their first forecast."


def test_who_leaves_or_is_away_gives_work_back(automated):
    ada = member("Ada")
    owners.assign_waiting(MONDAY)
    steps.move(automated.pk, "documentation_access", "start", MONDAY)
    TeamAbsence.objects.create(
        member=ada, first=MONDAY.date(), last=MONDAY.date() + timedelta(days=1)
    )
    assert owners.release(MONDAY) == 3  # what is begun stays with her
    assert owners_of(automated) == {"documentation_access": "Ada"}
    TeamMember.objects.update(is_active=False)
    assert owners.release(MONDAY) == 1
    assert owners_of(automated) == {}


def test_leave_later_in_the_week_takes_its_share_of_the_hours(automated):
    ada = member("Ada", hours=10)
    thursday = MONDAY.date() + timedelta(days=3)
    TeamAbsence.objects.create(member=ada, first=thursday, last=thursday + timedelta(days=20))
    [found] = owners._candidates(MONDAY)
    assert (found.capacity, found.free_hours) == (6.0, 6.0)  # three of five working days
    BusinessCalendar.objects.filter(name="business_hours").update(name="office")
    [found] = owners._candidates(MONDAY)
    assert found.capacity == pytest.approx(10 * 3 / 7)  # without that calendar every day counts


def test_the_customer_keeps_the_person_it_knows_and_weights_are_rows(automated):
    member("Ada")
    bo = member("Bo")
    owners.set_owner(automated.steps.get(name="training_schedule").pk, bo.pk)
    owners.assign_waiting(MONDAY)
    assert owners_of(automated)["documentation_access"] == "Bo"
    assert owners.weights() == CostWeights()
    OwnerCostWeight.objects.filter(part="change").update(weight=0)
    assert owners.weights().change == 0


def test_a_person_who_got_other_work_meanwhile_gets_no_more(automated):
    ada = member("Ada", hours=3)
    rows = list(automated.steps.filter(role="account_manager"))
    choice = OwnerChoice("1", ada.pk)
    assert owners._give(choice, rows, capacity=3) == 2
    other = list(automated.steps.filter(role="support_team"))
    assert owners._give(choice, other, capacity=3) == 0


def test_first_value_is_the_first_day_that_reaches_the_amount(automated):
    OnboardingTemplate.objects.update(value_metric="calls", value_amount=100)
    metric = UsageMetric.objects.create(
        code="calls", title="Calls", unit="calls", kind="counter", created_at=MONDAY
    )

    def used(days, quantity, count=1):
        at = MONDAY + timedelta(days=days)
        UsageDay.objects.create(
            customer_id=automated.customer_id, metric=metric, day=at.date(), count=count,
            quantity=quantity, most=quantity, last=quantity, last_at=at,
        )  # fmt: skip

    used(-1, 900)  # before it began
    used(1, 99)
    assert first_value.note_reached() == 0
    assert reports.report_fields(automated, MONDAY)["time_to_first_value_days"] is None
    title = automated.template_version.template.title
    assert reports.first_value_notes(MONDAY) == [
        f"0 of 1 flow of {title} reached first value; fewer than half, so there is no median yet."
    ]
    used(3, 100)
    used(4, 5, count=200)
    assert first_value.note_reached() == 1
    assert first_value.note_reached() == 0
    flow = OnboardingFlow.objects.get()
    assert reports.report_fields(flow, MONDAY)["time_to_first_value_days"] == 3
    assert reports.first_value_notes(MONDAY) == [
        f"1 of 1 flow of {title} reached first value, half of them within 3 days."
    ]
    UsageMetric.objects.update(aggregation="count")
    OnboardingFlow.objects.update(first_value_on=None)
    assert first_value.note_reached() == 1
    assert OnboardingFlow.objects.get().first_value_on == (MONDAY + timedelta(days=4)).date()
