"""Clocks, the sweep, versions, moves of calendars, and tiers, on rows."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError

from aethercrown.history.attribution import acting
from aethercrown.transitions import InvalidTransition
from enterprise.sla import reports, services
from enterprise.sla.models import (
    BusinessCalendar,
    CalendarDay,
    CalendarVersion,
    FrozenVersion,
    ResourceQuota,
    SlaBreach,
    SlaClock,
    SlaTier,
    TierOverride,
    TierRule,
    TierRuleSet,
)
from enterprise.sla.services import ClockStart, personal_data
from enterprise.sla.services.calendar_moves import NothingToMove, summary
from enterprise.sla.services.sweep import perform
from enterprise.sla.services.tiers import InvalidOverride
from enterprise.sla.services.versions import EmptyRules
from enterprise.sla.tier_rules import CompanySize
from operations.alerts.models import Alert
from operations.automations.registry import RunContext
from operations.decisions import reports as decision_reports
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale
from operations.health.models import Component, HealthRollup
from operations.messaging.models import Destination, Message
from revenue.customers import services as customers
from revenue.customers.models import Customer

HOUR = timedelta(hours=1)
pytestmark = pytest.mark.django_db


def may(day, hour=0, minute=0):
    return datetime(2027, 5, day, hour, minute, tzinfo=UTC)


@pytest.fixture
def customer():
    return Customer.objects.create(external_id="acme", name="Acme Corp")


def opened(hours=8, at=None, subject="ticket 1", kind="response", customer=None):
    start = ClockStart(
        kind=kind,
        subject=subject,
        title=f"Answer to {subject}",
        target=hours * HOUR,
        calendar_version=reports.calendar_in_force("business_hours"),
        zone="UTC",
        customer_id=customer.pk if customer else None,
    )
    return services.open_clock(start, at or may(6, 10))


def thresholds(clock):
    rows = clock.breaches.order_by("target_version", "threshold")
    return [(each.target_version, each.threshold, each.is_sent) for each in rows]


def test_a_clock_is_opened_once():
    first, second = opened(), opened(hours=4)
    assert first.pk == second.pk
    assert second.target == 8 * HOUR
    assert first.due_at == may(7, 10)
    assert first.next_threshold_at == may(6, 14)
    with pytest.raises(ValueError, match="must be above 0"):
        opened(hours=0, subject="ticket 2")


def test_the_worked_example_of_a_pause_and_a_new_target():
    clock = opened()
    services.pause_clock(clock.pk, may(6, 15), "waiting")
    assert SlaClock.objects.get().due_at is None
    resumed = services.resume_clock(clock.pk, may(7, 11))
    assert resumed.due_at == may(7, 14)
    services.record_due(may(7, 12))
    assert thresholds(clock) == [(1, 50, True), (1, 75, True)]
    changed = services.retarget_clock(clock.pk, 10 * HOUR, may(7, 13))
    assert changed.due_at == may(7, 16)
    assert changed.next_threshold_at == may(7, 13, 30)
    assert thresholds(clock) == [(1, 50, True), (1, 75, True)]
    services.record_due(may(7, 15))
    assert thresholds(clock)[2:] == [(2, 75, False), (2, 90, True)]


def test_a_target_below_elapsed_time_is_recorded_now_with_one_message():
    Destination.objects.create(
        name="Support", channel="email", address="help@example.org", least_severity="info"
    )
    clock = opened()
    services.pause_clock(clock.pk, may(6, 15))
    services.resume_clock(clock.pk, may(7, 11))
    services.record_due(may(7, 13))
    before = Message.objects.count()
    changed = services.retarget_clock(clock.pk, 6 * HOUR, may(7, 13))
    assert thresholds(clock)[2:] == [(2, 90, False), (2, 100, True)]
    assert Message.objects.count() == before + 1
    assert changed.outcome == "breached"
    assert changed.judged_at == may(7, 12)


def test_a_breach_of_an_earlier_target_is_superseded_and_attainment_judges_the_last():
    clock = opened(hours=2)
    services.record_due(may(6, 12))
    assert SlaClock.objects.get().outcome == "breached"
    services.retarget_clock(clock.pk, 6 * HOUR, may(6, 12, 30))
    assert SlaBreach.objects.get(threshold=100).state == "superseded"
    assert SlaClock.objects.get().outcome == "open"
    stopped = services.stop_clock(clock.pk, may(6, 15))
    assert (stopped.outcome, stopped.judged_at) == ("met", may(6, 15))
    found = reports.attainment(may(1).date())
    assert (found.met, found.breached, str(found.percent)) == (1, 0, "100.0")
    assert reports.attainment(may(1).date() - timedelta(days=3)).percent is None


def test_attainment_of_45_of_48_clocks():
    assert str(reports.Attainment(45, 3).percent) == "93.8"


def test_the_sweep_records_each_threshold_once_and_sends_the_highest():
    clock = opened()
    context = RunContext("enterprise.sweep_sla", 1, may(10, 9), may(10, 9), "auto", dry_run=False)
    assert perform(replace(context, dry_run=True)).summary == "1 clock due"
    stopped = replace(context, may_continue=lambda: False)
    assert perform(stopped).summary == "4 thresholds recorded"
    assert perform(context).summary == "0 thresholds recorded"
    assert [each[2] for each in thresholds(clock)] == [False, False, False, True]
    alert = Alert.objects.get(source="sla")
    assert (alert.severity, alert.link) == ("critical", f"/dashboards/sla/clocks/{clock.pk}")
    services.stop_clock(clock.pk, may(10, 10))
    assert Alert.objects.get(source="sla").state == "resolved"


def test_the_sweep_goes_on_until_nothing_is_due():
    opened()
    context = RunContext("enterprise.sweep_sla", 1, may(10, 9), may(10, 9), "auto", dry_run=False)
    assert perform(context).summary == "4 thresholds recorded"


def test_nothing_breaches_while_paused():
    clock = opened()
    services.pause_clock(clock.pk, may(6, 12))
    assert services.record_due(may(20, 12)) == 0
    assert services.pause_clock(clock.pk, may(20, 12)).breaches.count() == 0


def test_what_is_reached_before_a_pause_is_recorded_by_it():
    clock = opened()
    services.pause_clock(clock.pk, may(6, 16))
    assert [each[1] for each in thresholds(clock)] == [50, 75]


def test_a_reopened_clock_begins_anew():
    clock = opened()
    with pytest.raises(InvalidTransition):
        services.reopen_clock(clock.pk, may(6, 11))
    services.stop_clock(clock.pk, may(6, 16))
    again = services.reopen_clock(clock.pk, may(7, 9))
    assert (again.generation, again.outcome, again.due_at) == (2, "open", may(7, 17))
    services.record_due(may(7, 13))
    assert SlaBreach.objects.filter(generation=2).count() == 1


def test_a_stopped_clock_takes_no_events():
    clock = opened()
    services.stop_clock(clock.pk, may(6, 11))
    assert services.stop_clock(clock.pk, may(6, 12)).stopped_at == may(6, 11)
    for call in (services.pause_clock, services.resume_clock):
        with pytest.raises(InvalidTransition):
            call(clock.pk, may(6, 13))
    with pytest.raises(InvalidTransition):
        services.retarget_clock(clock.pk, HOUR, may(6, 13))
    with pytest.raises(ValueError, match="above 0"):
        services.retarget_clock(clock.pk, timedelta(0), may(6, 13))


def test_a_failing_clock_does_not_stop_the_sweep():
    broken, clock = opened(subject="a"), opened(subject="b")
    broken.events.all().delete()
    assert services.record_due(may(6, 14)) == 1
    assert clock.breaches.count() == 1


# --- versions -------------------------------------------------------------------------------


def holiday(day, hours="", at=None):
    """A published version of the business hours with one day of its own."""
    calendar = BusinessCalendar.objects.get(name="business_hours")
    draft = services.draft_calendar(calendar.pk)
    CalendarDay.objects.create(version=draft, day=day, hours=hours)
    return services.publish_calendar(draft.pk, at or may(7, 15))


def test_a_draft_copies_the_newest_version_and_is_the_only_one():
    calendar = BusinessCalendar.objects.get(name="business_hours")
    first = holiday(may(11).date())
    draft = services.draft_calendar(calendar.pk)
    assert draft.pk == services.draft_calendar(calendar.pk).pk
    assert (draft.number, draft.monday, draft.days.count()) == (3, "09:00-17:00", 1)
    assert first.business_hours("UTC").intervals(may(11).date()) == ()
    with pytest.raises(FrozenVersion):
        services.publish_calendar(first.pk, may(7))


def test_a_calendar_that_makes_no_sense_is_not_published():
    calendar = BusinessCalendar.objects.create(name="odd", title="Odd")
    draft = services.draft_calendar(calendar.pk)
    with pytest.raises(ValidationError, match="at least one open interval"):
        services.publish_calendar(draft.pk, may(7))
    draft.monday, draft.zone = "09:00-17:00", "Mars/Base"
    draft.save()
    with pytest.raises(ValidationError, match="not a time zone"):
        services.publish_calendar(draft.pk, may(7))
    draft.zone, draft.country = "", "XX"
    draft.save()
    with pytest.raises(ValidationError, match="No holidays are known"):
        services.publish_calendar(draft.pk, may(7))
    assert reports.calendar_in_force("business_hours").number == 1
    with pytest.raises(reports.NothingInForce):
        reports.calendar_in_force("odd")


def test_running_clocks_keep_their_calendar_until_a_decision_moves_them():
    clock = opened(hours=16, at=may(7, 14))
    version = holiday(may(11).date())
    assert SlaClock.objects.get().due_at == may(11, 14)
    notes = reports.outdated_notes()
    assert notes == ["1 clock runs on an older version of Business hours."]
    new = opened(hours=16, at=may(7, 15), subject="ticket 2")
    assert new.calendar_version == version
    decision = services.propose_calendar_move(version.pk, may(7, 15), may(7, 15))
    assert decision.before["clocks"][0]["due_at"] == "2027-05-11T14:00:00+00:00"
    assert decision.after["clocks"][0]["due_at"] == "2027-05-12T14:00:00+00:00"
    decision.refresh_from_db()
    clocks, since, _ = decision_reports.changes(decision)
    assert clocks[1:] == ("11 May 2027, 14:00 UTC", "12 May 2027, 14:00 UTC")
    assert (since.name, since.after) == ("counts from", "7 May 2027, 15:00 UTC")
    _approve_at(decision, may(7, 15))
    clock.refresh_from_db()
    assert clock.calendar_version == version
    assert clock.events.last().decision_id == decision.pk
    assert decisions.measure_due(may(8)) == 1
    decision.refresh_from_db()
    assert decision.verdict == "inside"


def test_a_move_is_undone():
    clock = opened(hours=16, at=may(7, 14))
    old = clock.calendar_version
    version = holiday(may(11).date())
    decision = services.propose_calendar_move(version.pk, may(7, 15), may(7, 15))
    _approve_at(decision, may(7, 15))
    with time_machine.travel(may(7, 16), tick=False):
        decisions.roll_back(decision.pk, actor="user:ada", now=may(7, 16))
    clock.refresh_from_db()
    assert clock.calendar_version == old
    assert clock.events.count() == 3


def test_a_holiday_for_the_past_withdraws_breaches_only_if_chosen():
    clock = opened(hours=8, at=may(5, 9))
    now = may(6, 12)
    services.record_due(now)
    assert SlaClock.objects.get().outcome == "breached"
    version = holiday(may(5).date(), at=now)
    assert not services.propose_calendar_move(version.pk, now, now).after["clocks"][0]["breach"]
    decision = services.propose_calendar_move(version.pk, may(5), now)
    assert summary(decision.after) == "0 breaches would appear, 1 would go"
    _approve_at(decision, now)
    clock.refresh_from_db()
    assert clock.outcome == "open"
    gone = clock.breaches.filter(state="withdrawn", decision=decision)
    assert set(gone.values_list("threshold", flat=True)) == {50, 75, 90, 100}
    services.record_due(may(6, 17))
    assert clock.breaches.filter(state="in_force", threshold=100).count() == 1


def _approve_at(decision, now):
    with time_machine.travel(now, tick=False):
        decisions.approve(decision.pk, actor="user:ada", now=now)


def test_a_stale_preview_moves_nothing():
    clock = opened(hours=16, at=may(7, 14))
    version = holiday(may(11).date())
    decision = services.propose_calendar_move(version.pk, may(7, 15), may(7, 15))
    services.pause_clock(clock.pk, may(7, 16))
    with pytest.raises(Stale):
        decisions.approve(decision.pk, actor="user:ada", now=may(7, 16))
    assert SlaClock.objects.get().calendar_version != version


def test_a_move_needs_something_to_move_and_a_time_that_is_not_ahead():
    version = reports.calendar_in_force("business_hours")
    with pytest.raises(NothingToMove):
        services.propose_calendar_move(version.pk, may(7), may(7))
    with pytest.raises(ValueError, match="in the past"):
        services.propose_calendar_move(version.pk, may(8), may(7))
    draft = services.draft_calendar(version.calendar_id)
    with pytest.raises(ValueError, match="publish it first"):
        services.propose_calendar_move(draft.pk, may(7), may(7))


def test_two_moves_of_one_clock_do_not_both_count():
    opened(hours=16, at=may(7, 14))
    version = holiday(may(11).date())
    first = services.propose_calendar_move(version.pk, may(7, 15), may(7, 15))
    second = services.propose_calendar_move(version.pk, may(7, 14, 30), may(7, 15))
    _approve_at(first, may(7, 15))
    with pytest.raises(Stale, match="another calendar since"):
        _approve_at(second, may(7, 15))


def test_a_clock_that_stopped_stays_when_its_move_is_undone():
    clock = opened(hours=16, at=may(7, 14))
    version = holiday(may(11).date())
    decision = services.propose_calendar_move(version.pk, may(7, 15), may(7, 15))
    _approve_at(decision, may(7, 15))
    services.stop_clock(clock.pk, may(7, 16))
    with time_machine.travel(may(7, 17), tick=False):
        decisions.roll_back(decision.pk, actor="user:ada", now=may(7, 17))
    clock.refresh_from_db()
    assert clock.calendar_version == version


def test_rules_are_drafted_published_and_frozen():
    draft = services.draft_rules()
    assert draft.pk == services.draft_rules().pk
    assert [each.tier.code for each in draft.rules.all()] == ["enterprise", "premium", "standard"]
    rule = draft.rules.get(position=2)
    rule.conditions = [{"field": "employees", "operator": ">", "value": 400}]
    rule.save()
    draft.rates.create(currency="EUR", rate="1.1")
    published = services.publish_rules(draft.pk, may(7))
    assert reports.rules_in_force() == published
    choice, _ = reports.choose_tier(CompanySize(200), now=may(7))
    assert choice.tier == "standard"
    with pytest.raises(FrozenVersion):
        services.publish_rules(published.pk, may(7))
    again = services.draft_rules()
    assert str(again.rates.get()) == "1 EUR = 1.1"
    TierRule.objects.filter(rule_set=again, position=3).delete()
    with pytest.raises(EmptyRules):
        services.publish_rules(again.pk, may(7))


def test_without_rules_nothing_is_chosen():
    TierRuleSet.objects.all().delete()
    with pytest.raises(reports.NothingInForce):
        reports.choose_tier(CompanySize(5), now=may(7))
    assert services.draft_rules().number == 1


def test_the_documented_tiers_stand_in_the_database():
    rows = {each.code: each.terms for each in SlaTier.objects.all()}
    assert rows["premium"] == {
        "tier": "premium",
        "response_hours": 4,
        "uptime_percent": 99.9,
        "extras": ["dedicated_support"],
        "support_hours": "extended",
        "api_rate_limit": 50000,
        "storage_gb": 500,
        "compute_units": 5000,
    }
    assert reports.response_text(rows["standard"]) == "3 business days (24 h of support time)"
    assert reports.response_text(rows["premium"]) == "4 h of support time"
    assert reports.response_text(rows["enterprise"]) == "1 h"


def test_an_assignment_retargets_running_response_clocks(customer):
    tiers = {each.code: each for each in SlaTier.objects.all()}
    rules, standard = reports.rules_in_force(), tiers["standard"].terms
    first = services.assign_tier(customer.pk, standard, may(6, 10), rule_set=rules)
    assert services.assign_tier(customer.pk, standard, may(6, 11)) == first
    services.set_quotas(customer.pk, standard, may(6, 10))
    clock = opened(hours=24, customer=customer)
    with acting("user:ada"):
        override = services.override_tier(customer.pk, "premium", "pilot", may(20), may(6, 12))
    clock.refresh_from_db()
    assert (clock.target, clock.tier, clock.target_version) == (4 * HOUR, "premium", 2)
    present = reports.assignment(customer.pk)
    assert present is not None
    assert present.tier.code == "premium"
    choice, _ = reports.choose_tier(CompanySize(5), customer_id=customer.pk, now=may(7))
    assert choice.reasons == ("override until 20 May 2027: pilot",)
    with acting("user:ada"):
        longer = services.override_tier(customer.pk, "premium", "pilot", may(30), may(7))
    override.refresh_from_db()
    assert override.ended_at == may(7)
    assert reports.quotas(customer.pk)["storage_gb"] == 500
    services.end_override(longer.pk, may(8))
    services.end_override(longer.pk, may(9))
    clock.refresh_from_db()
    assert (clock.target, clock.tier) == (24 * HOUR, "standard")
    assert reports.quotas(customer.pk)["storage_gb"] == 100
    choice, _ = reports.choose_tier(CompanySize(5), customer_id=customer.pk, now=may(10))
    assert choice.tier == "standard"
    assert services.end_assignment(customer.pk, may(10))
    assert not services.end_assignment(customer.pk, may(10))


def in_force(customer):
    found = reports.assignment(customer.pk)
    return found and found.tier.code


def test_an_override_ends_with_its_time_in_the_sweep(customer):
    services.override_tier(customer.pk, "enterprise", "pilot", may(10), may(6))
    context = RunContext("enterprise.sweep_sla", 1, may(9), may(9), "auto", dry_run=False)
    perform(context)
    assert in_force(customer) == "enterprise"
    perform(replace(context, now=may(10)))
    assert in_force(customer) is None  # rules had given nothing
    assert TierOverride.objects.get().ended_at == may(10)


def test_what_rules_give_while_an_override_is_in_force_waits_for_its_end(customer):
    rules, tiers = reports.rules_in_force(), {each.code: each for each in SlaTier.objects.all()}
    services.override_tier(customer.pk, "enterprise", "pilot", may(20), may(6))
    services.assign_tier(customer.pk, tiers["standard"].terms, may(7), rule_set=rules)
    assert in_force(customer) == "enterprise"
    services.end_override(TierOverride.objects.get().pk, may(8))
    assert in_force(customer) == "standard"


def test_an_override_that_outlives_its_sla_leaves_what_there_is(customer):
    rules, standard = reports.rules_in_force(), SlaTier.objects.get(code="standard")
    first = services.override_tier(customer.pk, "enterprise", "pilot", may(20), may(6))
    services.end_assignment(customer.pk, may(7))
    services.end_override(first.pk, may(8))
    assert in_force(customer) is None
    second = services.override_tier(customer.pk, "enterprise", "pilot", may(20), may(9))
    services.end_assignment(customer.pk, may(10))
    given = services.assign_tier(customer.pk, standard.terms, may(11), rule_set=rules)
    services.end_override(second.pk, may(12))
    assert reports.assignment(customer.pk) == given


def test_an_assignment_that_is_undone_brings_back_the_one_before(customer):
    rules, tiers = reports.rules_in_force(), {each.code: each for each in SlaTier.objects.all()}
    services.assign_tier(customer.pk, tiers["standard"].terms, may(6), rule_set=rules)
    second = services.assign_tier(customer.pk, tiers["premium"].terms, may(7), rule_set=rules)
    assert services.undo_assignment(second.pk, may(8))
    assert in_force(customer) == "standard"
    assert not services.undo_assignment(second.pk, may(9))


def test_a_cancelled_clock_is_neither_met_nor_breached():
    first, late = opened(), opened(subject="ticket 2", hours=2)
    assert services.cancel_clock(first.pk, may(6, 11)).outcome == "cancelled"
    assert services.cancel_clock(late.pk, may(6, 13)).outcome == "breached"
    assert services.cancel_clock(first.pk, may(6, 14)).stopped_at == may(6, 11)
    found = reports.attainment(may(6).date())
    assert (found.met, found.breached) == (0, 1)
    assert services.reopen_clock(first.pk, may(7, 9)).outcome == "open"


def test_a_merge_keeps_what_the_kept_customer_has(customer):
    other = Customer.objects.create(external_id="old", name="Acme")
    terms = {each.code: each.terms for each in SlaTier.objects.all()}
    services.assign_tier(other.pk, terms["premium"], may(6))
    services.set_quotas(other.pk, terms["premium"], may(6))
    clock = opened(customer=other)
    services.assign_tier(customer.pk, terms["standard"], may(6))
    services.set_quotas(customer.pk, {"storage_gb": 100}, may(6))
    customers.merge(customer.pk, other.pk, now=may(7))
    clock.refresh_from_db()
    assert clock.customer == customer
    assert in_force(customer) == "standard"
    assert reports.quotas(customer.pk) == {
        "storage_gb": 100, "api_rate_limit": 50000, "compute_units": 5000,
    }  # fmt: skip
    third = Customer.objects.create(external_id="new", name="Acme")
    customers.merge(third.pk, customer.pk, now=may(8))
    assert in_force(third) == "standard"


def test_a_merge_ends_the_override_of_the_duplicate_where_the_kept_has_a_tier(customer):
    other = Customer.objects.create(external_id="old", name="Acme")
    services.override_tier(customer.pk, "premium", "pilot", may(20), may(5))
    services.override_tier(other.pk, "enterprise", "trial", may(15), may(5))
    services.override_tier(other.pk, "enterprise", "longer", may(20), may(6))
    customers.merge(customer.pk, other.pk, now=may(7))
    rows = TierOverride.objects.filter(customer=customer)
    assert {each.reason: each.ended_at for each in rows} == {
        "pilot": None, "trial": may(6), "longer": may(7),
    }  # fmt: skip
    assert in_force(customer) == "premium"
    third = Customer.objects.create(external_id="new", name="Acme")
    customers.merge(third.pk, customer.pk, now=may(8))
    assert in_force(third) == "premium"
    found = reports.override_in_force(third.pk, may(8))
    assert found is not None
    assert found.reason == "pilot"


def test_an_erasure_takes_reasons_and_an_export_gives_them(customer):
    services.override_tier(customer.pk, "premium", "Ada asked", may(20), may(6))
    services.set_quotas(customer.pk, {"storage_gb": 5}, may(6))
    found = personal_data.export([customer.pk])["service_levels"]
    assert found["overrides"][0]["reason"] == "Ada asked"
    assert found["tiers"][0]["reasons"] == ["override: Ada asked"]
    assert found["quotas"] == {"storage_gb": 5}
    services.end_assignment(customer.pk, may(7))
    customers.erase(customer.pk, now=may(8))
    after = personal_data.export([customer.pk])["service_levels"]
    assert (after["overrides"][0]["reason"], after["tiers"][0]["reasons"]) == ("erased", [])
    assert after["tiers"][0]["ended_at"]
    assert not TierOverride.history.filter(reason="Ada asked").exists()


def test_uptime_is_what_health_checks_say_and_unknown_without_any():
    assert reports.measured_uptime(may(6, 12)) is None
    part = Component.objects.create(name="web", kind="builtin")
    nothing = ("unknown_seconds", "maintenance_seconds", "checks", "failed", "sum_ms")
    HealthRollup.objects.create(
        component=part, span="hour", start=may(6, 9), up_seconds=3_000, down_seconds=600,
        **dict.fromkeys(nothing, 0),
    )  # fmt: skip
    assert reports.measured_uptime(may(6, 12)) == 83.333


def test_a_target_in_hours_of_a_calendar_that_is_gone_is_said_in_hours():
    terms = {"response_hours": 24, "support_hours": "gone"}
    assert reports.response_text(terms) == "24 h of support time"


def test_an_override_needs_a_reason_and_an_end(customer):
    with pytest.raises(InvalidOverride, match="Say why"):
        services.override_tier(customer.pk, "premium", " ", may(20), may(6))
    with pytest.raises(InvalidOverride, match="future"):
        services.override_tier(customer.pk, "premium", "pilot", may(5), may(6))


def test_quotas_are_stored_and_removed(customer):
    terms = SlaTier.objects.get(code="premium").terms
    assert services.set_quotas(customer.pk, terms, may(6)) == {
        "api_rate_limit": 50000, "storage_gb": 500, "compute_units": 5000,
    }  # fmt: skip
    services.set_quotas(customer.pk, terms, may(7))
    assert ResourceQuota.objects.count() == 3
    assert services.remove_quotas(customer.pk) == 3


def test_the_simulator_lists_whom_a_rule_set_would_move(customer):
    terms = SlaTier.objects.get(code="standard").terms
    services.assign_tier(customer.pk, terms, may(6))
    sizes = [(customer.pk, "Acme Corp", CompanySize(500)), (0, "Other", CompanySize(5000))]
    found = reports.simulate(reports.rules_in_force(), sizes)
    assert [(each.tier, each.proposed, each.reasons) for each in found] == [
        ("standard", "premium", ("employees 500 > 100",))
    ]


def test_rows_name_themselves():
    version = CalendarVersion.objects.get(calendar__name="24/7")
    assert str(version) == "Around the clock, version 1"
    assert str(TierRuleSet.objects.get()) == "Tier rules, version 1"
