from dataclasses import replace
from datetime import time, timedelta
from decimal import Decimal

import pytest

from aethercrown.registry import UnknownName
from aethercrown.transitions import InvalidTransition
from operations.alerts import services as alerts
from operations.alerts.models import Alert
from operations.automations.models import Automation
from operations.decisions import services
from operations.decisions.decision_types import (
    DecisionType,
    MeasuredEffect,
    Stale,
    decision_type_registry,
)
from operations.decisions.draft import Guardrail
from operations.decisions.models import Decision
from tests.operations.conftest import NOON
from tests.operations.decisions.conftest import draft

LATER = NOON + timedelta(days=8)


def test_a_proposal_waits_and_says_what_it_promises(proposed, thermostat):
    proposed.refresh_from_db()
    assert proposed.status == "proposed"
    assert proposed.proposed_at == NOON
    assert proposed.expected["low"] == 0.5
    assert [each["name"] for each in proposed.guardrails][-1] == "critical_alert"
    assert str(proposed) == "Hall to 20 degrees"
    assert thermostat.setting == "18"


def test_the_same_inputs_are_proposed_once(proposed):
    again = services.propose(draft(title="Other words"), mode="auto", now=LATER)
    assert again.pk == proposed.pk
    assert again.status == "proposed"
    assert Decision.objects.count() == 1


def test_other_inputs_are_another_proposal(proposed):
    services.propose(draft(inputs_digest="1" * 64), mode="propose", now=NOON)
    assert Decision.objects.count() == 2


def test_amounts_are_stored_as_they_are_read_back(thermostat):
    made = services.propose(draft(after={"setting": Decimal("20.50")}), mode="propose", now=NOON)
    made.refresh_from_db()
    assert made.case.after == {"setting": "20.50"}


def test_a_draft_of_an_unknown_kind_is_refused(thermostat):
    with pytest.raises(UnknownName):
        services.propose(draft(kind="colour"), mode="propose", now=NOON)
    assert not Decision.objects.exists()


def test_approval_applies_in_the_same_step(applied, thermostat):
    assert (applied.status, applied.actor, applied.note) == ("applied", "ada", "Cold hall.")
    assert applied.approved_at == applied.applied_at == NOON
    assert applied.due_at == NOON + timedelta(days=7)
    assert thermostat.setting == "20"


def test_a_decision_is_approved_once(applied, thermostat):
    with pytest.raises(
        InvalidTransition, match="Hall to 20 degrees is applied; it cannot become approved"
    ):
        services.approve(applied.pk, actor="bob", now=LATER)
    applied.refresh_from_db()
    assert applied.actor == "ada"


def test_a_rejected_decision_does_nothing_and_stays_so(proposed, thermostat):
    done = services.reject(proposed.pk, actor="ada", note="Too warm.", now=NOON)
    assert (done.status, done.verdict, done.note) == ("rejected", "declined", "Too warm.")
    assert thermostat.setting == "18"
    with pytest.raises(InvalidTransition):
        services.approve(proposed.pk, actor="ada", now=NOON)
    with pytest.raises(InvalidTransition):
        services.reject(proposed.pk, actor="ada", now=NOON)


def test_a_changed_subject_makes_the_proposal_stale(proposed, thermostat):
    thermostat.put("25")
    with pytest.raises(Stale, match="The setting is 25, not 18"):
        services.approve(proposed.pk, actor="ada", now=NOON)
    proposed.refresh_from_db()
    assert (proposed.status, proposed.verdict) == ("rejected", "stale")
    assert proposed.applied_at is None
    assert thermostat.setting == "25"


def test_an_effect_that_turns_out_stale_half_way_is_undone(thermostat, monkeypatch):
    def half(case):
        thermostat.put("19")
        raise Stale("Somebody was faster.")

    fast = replace(decision_type_registry.get("setting"), name="fast", apply=half)
    decision_type_registry.register(fast)
    made = services.propose(draft(kind="fast"), mode="auto", now=NOON)
    assert (made.status, made.verdict) == ("rejected", "stale")
    assert made.note == "Every guardrail passed.\nSomebody was faster."
    assert thermostat.setting == "18"


def test_a_failing_effect_leaves_the_proposal_as_it_was(thermostat):
    def broken(case):
        thermostat.put("19")
        raise ZeroDivisionError

    decision_type_registry.register(
        replace(decision_type_registry.get("setting"), name="broken", apply=broken)
    )
    made = services.propose(draft(kind="broken"), mode="propose", now=NOON)
    with pytest.raises(ZeroDivisionError):
        services.approve(made.pk, actor="ada", now=NOON)
    made.refresh_from_db()
    assert made.status == "proposed"
    assert thermostat.setting == "18"


def test_what_is_only_observed_is_never_applied(thermostat):
    seen = services.propose(draft(), mode="observe", now=NOON)
    assert seen.status == "proposed"
    with pytest.raises(InvalidTransition, match="only observed"):
        services.approve(seen.pk, actor="ada", now=NOON)


def test_auto_applies_where_every_guardrail_passes(thermostat):
    made = services.propose(draft(), mode="auto", now=NOON)
    assert (made.status, made.actor) == ("applied", services.AUTOMATIC)
    assert thermostat.setting == "20"


@pytest.mark.parametrize(
    "changed",
    [
        {"change_percent": 30.0},
        {"data_as_of": None},
        {"guardrails": (Guardrail("night", "22-06", "23", passed=False),)},
    ],
)
def test_auto_waits_for_a_person_where_one_guardrail_fails(thermostat, changed):
    made = services.propose(draft(**changed), mode="auto", now=NOON)
    assert made.status == "proposed"
    assert services.approve(made.pk, actor="ada", now=NOON).status == "applied"


def test_auto_waits_where_no_guardrail_judges_at_all(thermostat):
    Automation.objects.update(
        largest_change_percent=None,
        applied_per_day=None,
        needs_sure_gain=False,
        data_age_hours=None,
        needs_no_critical_alert=False,
    )
    assert services.propose(draft(), mode="auto", now=NOON).status == "proposed"


def test_auto_stops_at_the_most_applied_in_a_day(thermostat):
    Automation.objects.update(applied_per_day=1)
    services.propose(draft(), mode="auto", now=NOON)
    back = draft(inputs_digest="1" * 64, before={"setting": "20"}, after={"setting": "19"})
    assert services.propose(back, mode="auto", now=NOON).status == "proposed"
    fresh = NOON + timedelta(days=2)
    later = replace(back, inputs_digest="2" * 64, data_as_of=fresh)
    assert services.propose(later, mode="auto", now=fresh).status == "applied"


def test_a_roll_back_restores_what_was(applied, thermostat):
    undone = services.roll_back(applied.pk, actor="bob", note="Too warm.", now=LATER)
    assert (undone.status, undone.rolled_back_by) == ("rolled_back", "bob")
    assert (undone.rolled_back_note, undone.rolled_back_at) == ("Too warm.", LATER)
    assert undone.actor == "ada"
    assert thermostat.setting == "18"
    with pytest.raises(InvalidTransition):
        services.roll_back(applied.pk, actor="bob", now=LATER)
    assert thermostat.setting == "18"


def test_a_roll_back_spares_what_others_changed_since(applied, thermostat):
    thermostat.put("25")
    with pytest.raises(Stale):
        services.roll_back(applied.pk, actor="bob", now=LATER)
    applied.refresh_from_db()
    assert applied.status == "applied"
    assert thermostat.setting == "25"


@pytest.mark.parametrize(
    ("value", "inside", "verdict"),
    [(1.0, True, "inside"), (0.1, False, "below"), (9, False, "above")],
)
def test_an_effect_is_measured_when_its_horizon_is_over(
    applied, thermostat, value, inside, verdict
):
    thermostat.realised = MeasuredEffect(value, None, None, {"days": Decimal(7)}, inside)
    assert services.measure_due(NOON + timedelta(days=6)) == 0
    assert services.measure_due(LATER) == 1
    assert services.measure_due(LATER) == 0
    applied.refresh_from_db()
    assert (applied.status, applied.verdict, applied.measured_at) == ("measured", verdict, LATER)
    assert applied.realised == {"value": value, "low": None, "high": None, "detail": {"days": "7"}}


def test_what_cannot_be_measured_yet_is_asked_again(applied, thermostat):
    thermostat.realised, known = None, thermostat.realised
    assert services.measure_due(LATER) == 0
    thermostat.realised = known
    assert services.measure_due(LATER) == 1


def test_one_that_cannot_be_measured_stops_no_other(applied, thermostat):
    thermostat.put("18")
    other = services.propose(draft(inputs_digest="1" * 64), mode="auto", now=NOON)
    Decision.objects.filter(pk=applied.pk).update(kind="forgotten")
    assert services.measure_due(LATER) == 1
    other.refresh_from_db()
    assert other.status == "measured"


def test_a_measured_decision_can_still_be_rolled_back(applied, thermostat):
    services.measure_due(LATER)
    assert services.roll_back(applied.pk, actor="bob", now=LATER).status == "rolled_back"


def test_a_proposal_that_nobody_decides_expires_after_14_days(proposed):
    assert services.expire_proposals(NOON + timedelta(days=14)) == 0
    assert services.expire_proposals(NOON + timedelta(days=14, seconds=1)) == 1
    assert services.expire_proposals(NOON + timedelta(days=15)) == 0
    proposed.refresh_from_db()
    assert (proposed.status, proposed.verdict) == ("rejected", "expired")
    assert proposed.note == "Nobody decided within 14 days."


def test_an_unknown_decision_is_not_found(db):
    with pytest.raises(Decision.DoesNotExist):
        services.approve(4711, actor="ada", now=NOON)


@pytest.mark.django_db(transaction=True)
def test_of_eight_approvals_at_once_one_wins(proposed, thermostat, at_once):
    outcomes = at_once(lambda: services.approve(proposed.pk, actor="ada", now=NOON), 8)
    assert sum(isinstance(each, Decision) for each in outcomes) == 1
    assert sum(isinstance(each, InvalidTransition) for each in outcomes) == 7
    assert thermostat.setting == "20"


@pytest.mark.django_db(transaction=True)
def test_of_eight_equal_proposals_at_once_one_is_stored(thermostat, at_once):
    outcomes = at_once(lambda: services.propose(draft(), mode="auto", now=NOON), 8)
    assert len({each.pk for each in outcomes}) == 1
    assert Decision.objects.get().status == "applied"


@pytest.mark.django_db(transaction=True)
def test_the_daily_limit_holds_for_proposals_at_once(thermostat, at_once):
    Automation.objects.update(applied_per_day=2)
    still = DecisionType("still", "Still", lambda _: None, lambda _: None, lambda *_: None)
    decision_type_registry.register(still)
    numbers = iter(range(6))

    def one():
        made = draft(kind="still", inputs_digest=str(next(numbers)))
        return services.propose(made, mode="auto", now=NOON).status

    assert sorted(at_once(one, 6)) == ["applied"] * 2 + ["proposed"] * 4


# --- Trust and calm -------------------------------------------------------------------------------
def trusted(**limits):
    Automation.objects.filter(name="heating").update(mode="auto", **limits)


def measured_decisions(thermostat, count, *, inside, after=timedelta(0)):
    """Decisions applied and measured, each with an effect inside its promise or below it."""
    thermostat.realised = MeasuredEffect(0.1, None, None, {}, inside=inside)
    for number in range(count):
        made = services.propose(
            draft(inputs_digest=f"{after}{inside}{number}"), mode="propose", now=NOON
        )
        thermostat.put("18")
        services.approve(made.pk, actor="ada", now=NOON)
        services.measure_due(NOON + timedelta(days=7) + after)


def mode_of_heating():
    return Automation.objects.get(name="heating").mode


def test_an_uncalibrated_automation_is_taken_out_of_auto_with_one_alert(thermostat):
    trusted(applied_per_day=None)
    measured_decisions(thermostat, 11, inside=True)
    measured_decisions(thermostat, 8, inside=False)
    assert mode_of_heating() == "auto"
    measured_decisions(thermostat, 2, inside=False, after=timedelta(minutes=1))
    heating = Automation.objects.get(name="heating")
    assert heating.mode == "propose"
    assert heating.auto_disabled_reason == (
        "setting: 11 of the last 20 effects lay in the expected interval, fewer than 60%."
    )
    alert = Alert.objects.get()
    assert (alert.kind, alert.subject, alert.severity, alert.count) == (
        "auto_disabled", "heating", "high", 1,
    )  # fmt: skip


def test_what_was_measured_before_staff_trusted_it_anew_does_not_count(thermostat):
    measured_decisions(thermostat, 20, inside=False)
    trusted(auto_enabled_at=NOON + timedelta(days=8), applied_per_day=None)
    measured_decisions(thermostat, 19, inside=False, after=timedelta(days=2))
    assert mode_of_heating() == "auto"
    measured_decisions(thermostat, 1, inside=False, after=timedelta(days=3))
    assert mode_of_heating() == "propose"


def test_while_a_critical_alert_is_open_nothing_applies_itself(thermostat):
    alert = alerts.raise_alert("health", "down", "hall", "critical", "No heat.", now=NOON)
    held = services.propose(draft(), mode="auto", now=NOON)
    assert held.status == "proposed"
    alerts.close(alert.pk, actor="ada", now=NOON)
    free = services.propose(draft(inputs_digest="1" * 64), mode="auto", now=NOON)
    assert free.status == "applied"


def test_changes_of_one_subject_in_a_day_add_up_until_they_are_too_much(thermostat):
    trusted(largest_daily_change_percent=30.0)
    made = []
    for number, hours in enumerate((0, 1, 2, 30)):
        thermostat.put("18")
        now = NOON + timedelta(hours=hours)
        fresh = draft(inputs_digest=str(number) * 64, data_as_of=now)
        made.append(services.propose(fresh, mode="auto", now=now).status)
    assert made == ["applied", "applied", "proposed", "applied"]


def test_in_quiet_hours_what_would_apply_itself_waits(thermostat):
    trusted(quiet_from=time(22), quiet_until=time(13), zone="UTC")
    assert services.propose(draft(), mode="auto", now=NOON).status == "proposed"
    trusted(quiet_from=time(22), quiet_until=time(11))
    later = draft(inputs_digest="2" * 64)
    assert services.propose(later, mode="auto", now=NOON).status == "applied"


def test_a_proposal_is_postponed_until_it_expires_at_the_latest(proposed):
    found = services.postpone(proposed.pk, NOON + timedelta(days=90), actor="sam", now=NOON)
    assert found.postponed_until == NOON + timedelta(days=14)
    with pytest.raises(ValueError, match="later time"):
        services.postpone(proposed.pk, NOON, actor="sam", now=NOON)
    services.reject(proposed.pk, actor="sam", now=NOON)
    with pytest.raises(InvalidTransition, match="it does not wait"):
        services.postpone(proposed.pk, NOON + timedelta(days=1), actor="sam", now=NOON)
