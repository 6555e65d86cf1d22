"""A plan from its question to its roll-back, each step through the ledger."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from marketing.budget import reports, services
from marketing.budget.models import BudgetPlan, BudgetTask, PlanAllocation
from marketing.budget.planner.request import BudgetRequest, Infeasible, PerformanceRow
from marketing.channels.models import Channel, Performance
from operations.automations import seeding
from operations.automations.registry import RunContext
from operations.decisions import services as decisions
from operations.decisions.models import Decision
from tests.marketing.conftest import NOW, USUAL

pytestmark = pytest.mark.django_db
MODEL: Any = BudgetPlan._meta.get_field("decision").related_model


def body(total=1000, **more):
    rows = (PerformanceRow("Search", 100.0, 300.0), PerformanceRow("Radio", 50.0, 200.0))
    return BudgetRequest(Decimal(total), rows, **more)


def optimize(request=None, **more):
    asked = {"source": "api", "mode": "propose", "now": NOW, **more}
    return services.optimize(request or body(), **asked)


def status(plan):
    return MODEL.objects.get(budget_plan=plan).status


def context(mode="propose", now=NOW):
    return RunContext("marketing.optimize_budget", None, now, now, mode, dry_run=False)


# --- Planning -----------------------------------------------------------------------------------


def test_a_plan_is_stored_with_its_decision_and_shares_that_add_up():
    plan = optimize()
    assert status(plan) == "proposed"
    assert plan.source == "api"
    assert sum(share.amount for share in plan.allocations.all()) == plan.total == 1000
    assert {share.channel for share in plan.allocations.all()} == {None}
    assert plan.request_summary["channels"] == ["Radio", "Search"]
    assert str(plan) == f"Plan {plan.pk}: $1,000.00"
    assert str(plan.allocations.first()).startswith("Radio: ")


def test_the_same_question_finds_the_same_plan():
    assert optimize().pk == optimize(now=NOW + timedelta(days=1)).pk
    assert optimize(body(2000)).pk != optimize().pk
    assert BudgetPlan.objects.count() == 2


def test_a_question_without_an_answer_stores_nothing():
    with pytest.raises(Infeasible):
        optimize(body(total=-1))
    assert not BudgetPlan.objects.exists()
    assert not MODEL.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_same_question_twice_at_once_is_one_plan(at_once):
    found = at_once(optimize, 2)
    assert len({plan.pk for plan in found}) == 1
    assert BudgetPlan.objects.count() == 1
    assert PlanAllocation.objects.count() == 2


def test_stored_rows_are_planned_with_the_usual_budget(live, settings):
    settings.DEFAULT_MARKETING_BUDGET = Decimal(12000)
    live(30)
    plan = services.replan(now=NOW, mode="propose")
    assert (plan.total, plan.mode, plan.source) == (12000, "channels", "nightly")
    assert plan.allocations.count() == len(USUAL)
    assert all(share.channel for share in plan.allocations.all())
    assert all(
        abs(float(share.amount) / (float(share.present) * scale) - 1) <= 0.2001
        for scale in [12000 / float(sum(share.present for share in plan.allocations.all()))]
        for share in plan.allocations.all()
    )


def test_rows_after_now_are_not_known_yet(live):
    live(30)
    early = services.replan(now=NOW - timedelta(weeks=10), mode="propose")
    assert (
        early.request_summary["last_date"]
        < services.replan(now=NOW, mode="propose").request_summary["last_date"]
    )


def test_a_newer_nightly_plan_withdraws_the_one_that_waits(live):
    live(30)
    older = services.replan(now=NOW - timedelta(weeks=1), mode="propose")
    asked = optimize()
    newer = services.replan(now=NOW, mode="propose")
    assert [status(each) for each in (older, asked, newer)] == ["rejected", "proposed", "proposed"]
    assert services.replan(now=NOW, mode="propose") == newer


def test_a_channel_does_not_double_by_itself_because_the_total_does(live, settings):
    """At twice the present total every channel moves by about 100 %, whatever its share does."""
    live(52)
    settings.DEFAULT_MARKETING_BUDGET = 2 * Decimal(sum(USUAL.values()))
    seeding.seed(apps, name="marketing.optimize_budget", title="Budget", at="03:00")
    plan = services.replan(now=NOW, mode="auto")
    decision = MODEL.objects.get(budget_plan=plan)
    guards = {each["name"]: each for each in decision.guardrails}
    assert status(plan) == "proposed"
    assert guards["largest_change_percent"]["value"] > 80
    assert guards["total_change_percent"]["value"] > 60
    assert not guards["total_change_percent"]["passed"]


def test_amounts_in_force_are_compared_for_windows_of_one_length():
    """A plan for four weeks is in force; a week of it is a quarter."""
    dated = tuple(
        PerformanceRow(name, 100.0, 300.0, NOW.date() - timedelta(weeks=n))
        for name in ("Search", "Radio")
        for n in range(1, 4)
    )
    four = optimize(BudgetRequest(Decimal(800), dated, budget_periods=4))
    services.approve(four.pk, actor="ada", now=NOW)
    assert reports.amounts_in_force("USD") == {"Search": 400, "Radio": 400}
    assert reports.amounts_in_force("USD", 7) == {"Search": 100, "Radio": 100}
    BudgetPlan.objects.update(request_summary={})  # as plans were kept before
    assert reports.amounts_in_force("USD", 7) == {"Search": 100, "Radio": 100}
    again = optimize(BudgetRequest(Decimal(200), dated))
    assert MODEL.objects.get(budget_plan=again).change_percent == 0.0


def test_amounts_in_force_have_the_decimals_of_their_currency():
    rows = tuple(PerformanceRow(name, 100.0, 300.0) for name in ("Search", "Radio"))
    four = optimize(BudgetRequest(Decimal(601), rows, currency="JPY", budget_periods=4))
    services.approve(four.pk, actor="ada", now=NOW)
    assert sorted(reports.amounts_in_force("JPY", 7).values()) == [75, 75]


def test_a_plan_of_days_beside_weeks_is_for_weeks():
    """Its periods, its last day and its amounts in force are those that it was made for."""
    last = NOW.date() - timedelta(weeks=1)
    days = [PerformanceRow("Search", 10.0, 30.0, last - timedelta(days=n)) for n in range(28)]
    weeks = [PerformanceRow("Radio", 70.0, 200.0, last - timedelta(weeks=n)) for n in range(4)]
    asked = BudgetRequest(Decimal(140), (*days, *weeks), starts_on=NOW.date())
    plan = optimize(asked)
    assert plan.request_summary["window_days"] == 7
    assert plan.ends_on == NOW.date() + timedelta(days=6)
    services.approve(plan.pk, actor="ada", now=NOW)
    assert sum(reports.amounts_in_force("USD", 7).values()) == 140


# --- Deciding -----------------------------------------------------------------------------------


def test_an_approved_plan_is_in_force_and_its_channels_are_there():
    plan = services.approve(optimize().pk, actor="ada", now=NOW, note="Go.")
    assert status(plan) == "applied"
    assert reports.amounts_in_force("USD") == {
        s.channel_name: s.amount for s in plan.allocations.all()
    }
    assert reports.in_force("USD")[0].valid_from == NOW
    assert set(Channel.objects.values_list("name", flat=True)) == {"Search", "Radio"}
    assert all(share.channel for share in plan.allocations.all())


def test_approving_twice_changes_nothing():
    plan = optimize()
    services.approve(plan.pk, actor="ada", now=NOW)
    again = services.approve(plan.pk, actor="bob", now=NOW)
    assert again.decision.actor == "ada"


def test_a_rejected_plan_stays_rejected():
    plan = optimize()
    services.reject(plan.pk, actor="ada", now=NOW, note="No.")
    services.reject(plan.pk, actor="bob", now=NOW)
    with pytest.raises(services.InvalidTransition, match="is rejected"):
        services.approve(plan.pk, actor="bob", now=NOW)
    assert status(plan) == "rejected"


def test_an_approved_plan_is_not_rejected():
    plan = services.approve(optimize().pk, actor="ada", now=NOW)
    with pytest.raises(services.InvalidTransition, match="is applied"):
        services.reject(plan.pk, actor="ada", now=NOW)


def test_a_plan_made_before_another_came_into_force_is_stale():
    late = optimize(body(2000))
    services.approve(optimize().pk, actor="ada", now=NOW)
    with pytest.raises(services.Stale, match="has changed since"):
        services.approve(late.pk, actor="ada", now=NOW)
    assert status(late) == "rejected"


def test_a_plan_that_is_taken_back_restores_what_was_before():
    first = services.approve(optimize().pk, actor="ada", now=NOW)
    before = reports.amounts_in_force("USD")
    second = services.approve(optimize(body(2000)).pk, actor="ada", now=NOW + timedelta(days=7))
    assert reports.amounts_in_force("USD") != before
    services.roll_back(second.pk, actor="ada", now=timezone.now(), note="Back.")
    assert reports.amounts_in_force("USD") == before
    assert [status(first), status(second)] == ["applied", "rolled_back"]


def test_plans_taken_back_one_after_the_other_never_bring_back_one_taken_back():
    first = services.approve(optimize().pk, actor="ada", now=NOW)
    second = services.approve(optimize(body(2000)).pk, actor="ada", now=NOW + timedelta(days=7))
    services.roll_back(second.pk, actor="ada", now=timezone.now())
    services.roll_back(first.pk, actor="ada", now=timezone.now())
    assert reports.amounts_in_force("USD") == {}


def test_only_the_plan_in_force_is_taken_back():
    first = services.approve(optimize().pk, actor="ada", now=NOW)
    services.approve(optimize(body(2000)).pk, actor="ada", now=NOW)
    with pytest.raises(services.Stale):
        services.roll_back(first.pk, actor="ada", now=NOW)


@pytest.mark.django_db(transaction=True)
def test_of_two_approvals_at_once_one_acts_and_both_agree(at_once):
    plan = optimize()
    found = at_once(lambda: services.approve(plan.pk, actor="ada", now=NOW), 2)
    assert {each.decision.status for each in found} == {"applied"}
    assert len(reports.in_force("USD")) == 2


@pytest.mark.django_db(transaction=True)
def test_of_two_plans_approved_at_once_one_comes_into_force(at_once):
    ids = [optimize().pk, optimize(body(2000)).pk]
    found = at_once(lambda: services.approve(ids.pop(), actor="ada", now=NOW), 2)
    assert sorted(type(each).__name__ for each in found) == ["BudgetPlan", "Stale"]
    assert sum(reports.amounts_in_force("USD").values()) in {1000, 2000}


# --- Watching -----------------------------------------------------------------------------------


def in_force(live, **more):
    live(30)
    plan = services.replan(now=NOW, mode="propose")
    services.approve(plan.pk, actor="ada", now=NOW)
    amounts = {share.channel_name: share.amount for share in plan.allocations.all()}
    live(4, plan=amounts, after=True, **more)
    return plan


def test_a_plan_is_measured_when_its_weeks_are_over(live):
    plan = in_force(live)
    assert decisions.measure_due(NOW + timedelta(weeks=4)) == 0
    assert decisions.measure_due(NOW + timedelta(weeks=5)) == 1
    decision = MODEL.objects.get(budget_plan=plan)
    assert decision.status == "measured"
    assert decision.verdict == "inside"
    assert len(decision.realised["detail"]["periods"]) == 4


def test_a_plan_that_did_harm_is_seen_as_such(live):
    plan = in_force(live, level=0.7)
    decisions.measure_due(NOW + timedelta(weeks=5))
    decision = MODEL.objects.get(budget_plan=plan)
    assert decision.verdict == "below"
    assert decision.realised["value"] < -20


def test_without_rows_a_plan_is_not_measured_yet(live):
    live(30)
    plan = services.approve(services.replan(now=NOW, mode="propose").pk, actor="ada", now=NOW)
    case = MODEL.objects.get(budget_plan=plan).case
    assert services.measure(case, NOW + timedelta(weeks=9)) is None


def test_a_decision_that_is_no_plan_or_not_applied_has_no_effect():
    decision = MODEL.objects.get(budget_plan=optimize())
    assert services.measure(decision.case, NOW) is None
    decision.pk = 0
    assert services.measure(decision.case, NOW) is None


# --- By itself ----------------------------------------------------------------------------------


def test_a_run_proposes_a_plan_and_says_what_it_promises(live):
    live(30)
    outcome = services.run_optimization(context())
    [plan] = BudgetPlan.objects.all()
    assert outcome.decisions == (plan.decision_id,)
    assert outcome.summary.startswith(f"Plan {plan.pk} (proposed): $10,000.00, lift +")


def test_a_run_without_rows_says_so():
    outcome = services.run_optimization(context())
    assert outcome.summary == "No plan: There are no rows of active channels in USD."
    assert not outcome.decisions


def test_a_run_whose_limits_clash_says_by_how_much(live):
    live(30)
    Channel.objects.filter(name="Search").update(floor=11_000)
    assert (
        "constraints: the minimums add up to 11,000" in services.run_optimization(context()).summary
    )


def test_a_run_in_mode_propose_warns_of_harm_and_keeps_the_plan(live):
    plan = in_force(live, level=0.6)
    outcome = services.run_optimization(context(now=NOW + timedelta(weeks=4)))
    assert outcome.summary.startswith(f"Plan {plan.pk} earned less than expected two weeks running")
    assert status(plan) == "applied"


def test_a_run_in_mode_auto_takes_a_harmful_plan_back(live):
    plan = in_force(live, level=0.6)
    outcome = services.run_optimization(context("auto", now=NOW + timedelta(weeks=4)))
    assert outcome.summary.startswith(f"Plan {plan.pk} was rolled back.")
    assert status(plan) == "rolled_back"


def test_a_renamed_channel_is_measured_and_its_harmful_plan_is_taken_back(live):
    plan = in_force(live, level=0.6)
    Channel.objects.filter(name="Video").update(name="Films")
    until = (NOW + timedelta(weeks=4)).date()
    renamed = reports.revenue_by_period(plan, until)
    outcome = services.run_optimization(context("auto", now=NOW + timedelta(weeks=4)))
    assert outcome.summary.startswith(f"Plan {plan.pk} was rolled back.")
    assert (status(plan), reports.amounts_in_force("USD")) == ("rolled_back", {})
    Channel.objects.filter(name="Films").update(name="Video")
    assert renamed == reports.revenue_by_period(plan, until)


def test_a_plan_is_applied_to_the_channels_it_was_made_for_also_after_they_were_renamed(live):
    in_force(live)
    Channel.objects.filter(name="Video").update(name="Films")
    plan = services.replan(now=NOW + timedelta(weeks=4), mode="propose")
    Channel.objects.filter(name="Films").update(name="Cinema")
    services.approve(plan.pk, actor="ada", now=NOW + timedelta(weeks=4))
    assert set(reports.amounts_in_force("USD")) == {"Search", "Social", "Cinema"}
    assert Channel.objects.count() == 3
    services.roll_back(plan.pk, actor="ada", now=timezone.now())
    assert set(reports.amounts_in_force("USD")) == {"Search", "Social", "Cinema"}
    assert "Cinema" in BudgetTask.objects.latest("pk").text


def test_a_harmful_plan_that_cannot_be_taken_back_does_not_stop_the_run(live):
    plan = in_force(live, level=0.6)
    Decision.objects.filter(pk=plan.decision_id).update(status="rejected")
    outcome = services.run_optimization(context("auto", now=NOW + timedelta(weeks=4)))
    assert "could not be rolled back" in outcome.summary
    assert outcome.detail["planned"]


def test_a_plan_that_does_well_is_left_alone(live):
    in_force(live)
    outcome = services.run_optimization(context(now=NOW + timedelta(weeks=4)))
    assert outcome.summary.startswith("Plan ")
    assert "(proposed)" in outcome.summary


def test_in_mode_auto_a_plan_that_passes_every_guard_is_applied_at_once(live):
    seeding.seed(apps, name="marketing.optimize_budget", title="Budget", at="03:00")
    live(60)
    services.run_optimization(context("auto"))
    [plan] = BudgetPlan.objects.select_related("decision")
    passed = all(each["passed"] for each in plan.decision.guardrails)
    assert passed, plan.decision.guardrails
    assert plan.decision.status == "applied"
    assert reports.amounts_in_force("USD") == {
        s.channel_name: s.amount for s in plan.allocations.all()
    }


def test_a_plan_of_months_is_not_taken_back_for_what_a_week_earns(live):
    """Revenue is compared by week: a week earns a quarter of a month, which is no harm."""
    months = [NOW.date() - timedelta(days=30 * n) for n in range(12, 0, -1)]
    rows = tuple(
        PerformanceRow(name, 30 / 7 * usual, 30 / 7 * 3 * usual, on)
        for name, usual in USUAL.items()
        for on in months
    )
    plan = optimize(BudgetRequest(sum(USUAL.values()) * Decimal(30) / 7 // 1, rows))
    services.approve(plan.pk, actor="ada", now=NOW)
    live(30)
    live(4, plan=USUAL, after=True)
    assert not reports.underperforms(plan, NOW, (NOW + timedelta(weeks=4)).date())
    found = reports.measured_effect(plan, NOW, (NOW + timedelta(weeks=4)).date())
    assert found is not None
    assert abs(found.lift.estimate) < 20


def test_a_plan_of_rows_with_an_unknown_revenue_is_never_applied_automatically(live):
    """The bad weeks' revenue left blank must not make a channel look good."""
    seeding.seed(apps, name="marketing.optimize_budget", title="Budget", at="03:00")
    live(60)
    rows = Performance.objects.filter(channel__name="Video").order_by("date")
    blank = rows.values_list("pk", flat=True)[:7]
    Performance.objects.filter(pk__in=list(blank)).update(revenue=None)
    services.run_optimization(context("auto"))
    [plan] = BudgetPlan.objects.select_related("decision")
    assert plan.decision.status == "proposed"
    assert "Revenue is unknown in rows of Video." in plan.proposal["reasons_against"]
    [warning] = [each for each in plan.proposal["warnings"] if "unknown" in each]
    assert warning.startswith("Revenue is unknown in 7 of 60 rows of Video, which spent $")
    by_channel = {each["channel"]: each["evidence"] for each in plan.proposal["channels"]}
    assert by_channel == {"Search": "high", "Social": "high", "Video": "low"}


def test_a_week_of_unknown_revenue_does_not_take_a_plan_back(live):
    in_force(live)
    Performance.objects.filter(channel__name="Search", date__gte=NOW.date()).update(revenue=None)
    outcome = services.run_optimization(context("auto", now=NOW + timedelta(weeks=4)))
    assert "rolled back" not in outcome.summary


def test_in_mode_observe_nothing_is_applied(live):
    live(60)
    services.run_optimization(context("observe"))
    [plan] = BudgetPlan.objects.all()
    with pytest.raises(services.InvalidTransition, match="only observed"):
        services.approve(plan.pk, actor="ada", now=NOW)
    assert reports.amounts_in_force("USD") == {}


def test_the_page_of_a_subject_names_its_currency():
    assert services.page_url("budget EUR") == "/dashboards/budget?currency=EUR"


def test_a_plan_without_rows_of_its_own_brought_nothing_yet():
    plan = services.approve(optimize().pk, actor="ada", now=NOW)
    assert reports.measured_effect(plan, NOW, NOW.date()) is None
    assert not reports.underperforms(plan, NOW, NOW.date())
