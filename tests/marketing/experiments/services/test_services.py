"""Tests from creation to decision: weights, arms, counts, looks, replay."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db.models import Sum

from aethercrown.transitions import InvalidTransition
from marketing.experiments import services
from marketing.experiments.models import (
    AbTest,
    AbTestCount,
    AbTestDecision,
    AbTestEpoch,
    AbTestEvent,
    AbTestLook,
    AbTestTotal,
    AbTestVisitor,
)
from marketing.experiments.services import AbTestSettings, NewVariant
from marketing.experiments.services.count import count_events
from tests.marketing.experiments.conftest import (
    MONDAY,
    START,
    WEEK,
    conversion,
    crowd,
    impression,
    send,
)

HOUR = timedelta(hours=1)
CLOSED = MONDAY + WEEK + 2 * HOUR


def look_at(test, now):
    """The look that is taken then."""
    look = services.evaluate(test.pk, now=now)
    assert look is not None
    return look


def counts(test):
    count_events(test.pk)
    sums = ("visitors", "impressions", "converters", "value")
    rows = AbTestCount.objects.filter(test=test).order_by("place").values_list("place")
    return list(rows.annotate(*(Sum(each) for each in sums)))


def total(test, name, place=0):
    row = AbTestTotal.objects.filter(test=test, place=place).first()
    return 0 if row is None else getattr(row, name)


def test_a_test_has_letters_shares_and_the_smallest_sample_that_is_set(running, settings):
    assert list(running.variants.values_list("variant_id", flat=True)) == ["A", "B"]
    epoch = AbTestEpoch.objects.get(test=running)
    assert (epoch.weights, epoch.ranges) == ([0.5, 0.5], [[[0, 5000]], [[5000, 10000]]])
    assert (running.min_sample_size, running.status) == (50, "running")
    engaged = services.create(
        "Read", [NewVariant("x"), NewVariant()],
        AbTestSettings(test_type="engagement", min_sample_size=70), now=START,
    )  # fmt: skip
    assert (engaged.attribution_window_hours, engaged.min_sample_size) == (24, 70)
    usual = services.create("Usual", [NewVariant()] * 3, now=START)
    assert usual.attribution_window_hours == settings.AB_TEST_ATTRIBUTION_HOURS
    assert (str(engaged), str(epoch)) == ("Read", "Button, weights 0")


def test_what_is_wrong_with_a_test_is_said_at_once(db):
    given = AbTestSettings(started_at=START + HOUR)
    with pytest.raises(services.InvalidTest) as raised:
        services.create("Bad", [NewVariant("a", {}, 0), NewVariant("a")], given, now=START)
    assert [each[:2] for each in raised.value.problems] == [
        ("variants[0].weight", "min_value"),
        ("variants[1].id", "duplicate"),
        ("started_at", "in_future"),
    ]
    with pytest.raises(services.InvalidTest, match="must be 2 to 10"):
        services.create("One", [NewVariant()], now=START)
    assert not AbTest.objects.exists()


def test_a_visitor_keeps_its_arm_when_weights_change(running):
    arms = {name: services.assign("t1", name, now=START) for name in map(str, range(60))}
    assert {each.variant_id for each in arms.values()} == {"A", "B"}
    epoch = services.change_weights("t1", {"A": 0.1, "B": 0.9}, now=START + HOUR)
    assert (epoch.number, epoch.weights) == (1, [0.1, 0.9])
    for name, arm in arms.items():
        assert services.assign("t1", name, now=MONDAY) == arm
    later = [services.assign("t1", f"n{each}", now=MONDAY).variant_id for each in range(60)]
    assert later.count("B") > 40
    assert services.change_weights("t1", {"B": 9, "A": 1}, now=MONDAY).number == 1
    with pytest.raises(services.UnknownTest):
        services.assign("none", "v", now=MONDAY)


def test_wrong_weights_change_nothing(running):
    with pytest.raises(services.InvalidTest) as raised:
        services.change_weights("t1", {"C": 1, "A": -1}, now=MONDAY)
    assert [each[1] for each in raised.value.problems] == ["unknown_variant", "min_value"]
    with pytest.raises(services.InvalidTest, match="one weight above 0"):
        services.change_weights("t1", {"A": 0, "B": 0}, now=MONDAY)
    services.conclude("t1", by="ann", now=MONDAY)
    with pytest.raises(InvalidTransition, match="weights stay"):
        services.change_weights("t1", {"A": 1, "B": 2}, now=MONDAY)
    with pytest.raises(services.UnknownTest):
        services.change_weights("none", {}, now=MONDAY)


def test_events_sent_again_count_once_and_another_body_is_a_conflict(running):
    first = [impression("v", event_id="e1"), conversion("v", event_id="e2"), impression("w")]
    assert send(*first, impression("w")) == services.TrackedEvents(3, 1)
    assert send(*first) == services.TrackedEvents(0, 3)
    with pytest.raises(services.TrackingConflict) as raised:
        send(impression("u"), conversion("v", event_id="e1"))
    assert raised.value.places == [1]
    assert counts(running) == [(0, 2, 2, 1, 0)]
    assert AbTestEvent.objects.count() == 3
    assert count_events(running.pk) == 0


def test_a_bad_event_refuses_the_batch(running):
    with pytest.raises(services.TrackingRejected) as raised:
        send(impression("v"), {"variant_id": "C"})
    assert [each.field for each in raised.value.problems[1]] == ["variant_id"]
    assert not AbTestEvent.objects.exists()


def test_order_batches_and_repeats_leave_the_same_counts(running):
    dated = [
        conversion("v", occurred_at="2026-03-02T10:00:00Z", value=3),
        impression("v", occurred_at="2026-03-02T09:30:00Z"),
        impression("v", occurred_at="2026-03-02T08:30:00Z", event_id="early"),
        conversion("w", occurred_at="2026-03-02T08:00:00Z"),
    ]
    for each in dated:
        send(each)
        count_events(running.pk)
    apart = counts(running)
    assert apart == [(0, 1, 2, 1, 3_000_000)]
    assert total(running, "unexposed_conversions") == 1
    other = services.create(
        "Other", [NewVariant(), NewVariant()], AbTestSettings(test_id="t2"), now=START
    )
    send(*reversed(dated), test_id="t2")
    send(*dated, test_id="t2")
    assert counts(other) == apart
    assert set(AbTestVisitor.objects.filter(visitor="v").values_list("bucket", flat=True)) == {
        START
    }


def test_unlinked_events_and_another_arm_stand_apart(running):
    send(
        impression("v", "A"), conversion("v", "B"), {"variant_id": "A"},
        {"variant_id": "B", "event": "impression", "count": 40},
    )  # fmt: skip
    assert counts(running) == [(0, 1, 1, 1, 0)]
    assert total(running, "contaminated") == 1
    assert total(running, "unlinked_conversions") == 1
    assert total(running, "unlinked_impressions", 1) == 40
    assert services.evaluate(running.pk, now=CLOSED) is not None


def test_a_look_is_taken_when_a_bucket_closes_and_what_is_closed_stays(running):
    assert services.evaluate(running.pk, now=MONDAY) is None
    send(*crowd("A", 20, 5), *crowd("B", 20, 6))
    assert services.evaluate(running.pk, now=MONDAY + WEEK) is None
    look = look_at(running, CLOSED)
    assert (look.number, look.closed_until) == (1, MONDAY.replace(hour=11, minute=0))
    assert look.strata[0]["arms"] == [[20, 5, 0.0, 0.0], [20, 6, 0.0, 0.0]]
    assert look.result["winner"] is None
    assert str(look) == "Button, look 1"
    assert services.evaluate(running.pk, now=CLOSED) is None
    send(
        conversion("A9", occurred_at="2026-03-02T12:00:00Z"),
        conversion("A8", occurred_at="2026-03-12T12:00:00Z"),
        impression("late", occurred_at="2026-03-02T10:30:00Z"),
        at=CLOSED + 4 * 24 * HOUR,
    )
    assert counts(running) == [(0, 20, 20, 5, 0), (1, 20, 20, 6, 0)]
    assert total(running, "late_after_close") == 1
    assert total(running, "late") == 1
    assert total(running, "late_exposures") == 1


@pytest.fixture
def decided(running):
    send(*crowd("A", 400, 30), *crowd("B", 400, 110))
    services.evaluate(running.pk, now=CLOSED)
    running.refresh_from_db()
    return running


def test_the_first_look_with_a_winner_is_the_decision_and_it_is_final(decided):
    decision = AbTestDecision.objects.get(test=decided)
    assert (decision.winner_place, decision.look.number) == (1, 1)
    low, high = decision.content["interval_at_decision"]
    estimate, promised_low, promised_high = decision.content["promise"]
    assert 0 < low < promised_low <= estimate <= promised_high < high
    assert (decided.base_rate, decided.learned_until) == (0.175, decided.closed_until)
    assert str(decision) == "Button: 1"
    later = MONDAY + 24 * HOUR
    send(*crowd("A", 400, 100, "n"), *crowd("B", 400, 30, "n"), at=later)
    look = look_at(decided, later + WEEK + 2 * HOUR)
    assert [each["base_rate"] for each in look.strata] == [0.0, 0.175]
    assert AbTestDecision.objects.get(test=decided) == decision
    concluded = services.conclude("t1", by="ann", now=later + WEEK + 3 * HOUR)
    assert (concluded.chosen_place, concluded.concluded_by) == (1, "ann")
    printed = StringIO()
    call_command("replay_experiments", stdout=printed)
    assert printed.getvalue() == "2 looks and 1 decisions computed again, 0 differ.\n"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda test: AbTestLook.objects.update(gates=[[1, 1, 0]] * 2), "gives another result"),
        (lambda test: AbTestCount.objects.filter(place=0).update(converters=31), "other counts"),
        (lambda test: AbTestDecision.objects.all().delete(), "there is no decision"),
        (lambda test: AbTestDecision.objects.update(winner_place=0), "another winner"),
        (lambda test: AbTestDecision.objects.update(content={"p_value": 0.5}), "another p-value"),
    ],
)
def test_what_was_changed_afterwards_is_found_by_the_replay(decided, change, said):
    change(decided)
    printed = StringIO()
    with pytest.raises(SystemExit):
        call_command("replay_experiments", stdout=printed)
    assert said in printed.getvalue()


def test_a_decision_of_another_look_is_found(decided):
    look = AbTestLook.objects.get()
    result = look.result | {"winner": None}
    AbTestLook.objects.update(result=result)
    assert "the decision is not of the first look" in str(services.replay().differences)


def test_a_wrong_sample_ratio_leaves_no_winner(running):
    send(*crowd("A", 400, 30), *crowd("B", 800, 220))
    services.evaluate(running.pk, now=CLOSED)
    running.refresh_from_db()
    assert running.invalid_at == CLOSED
    assert not AbTestDecision.objects.exists()
    assert services.conclude("t1", by="ann", now=CLOSED).chosen_place is None
    assert services.replay().differences == ()


def test_concluding_closes_what_has_passed_and_later_exposures_are_ignored(running):
    send(*crowd("A", 400, 30), *crowd("B", 400, 110))
    at = MONDAY.replace(hour=11, minute=0) + WEEK
    found = services.conclude("t1", by="ann", now=at)
    assert found.chosen_place == 1
    assert services.conclude("t1", by="bob", now=at + HOUR).concluded_by == "ann"
    assert services.conclude("t1", by="bob", now=at, winning_variant="B").concluded_by == "ann"
    with pytest.raises(services.AlreadyConcluded):
        services.conclude("t1", by="bob", now=at, winning_variant="A")
    with pytest.raises(services.InvalidTest):
        services.conclude("t1", by="bob", now=at, winning_variant="C")
    send(impression("new"), conversion("A390"), at=at + HOUR)
    assert counts(found)[0] == (0, 400, 400, 30, 0)
    assert total(found, "ignored") == 1
    later = services.evaluate(found.pk, now=at + 2 * WEEK)
    assert later is None
    with pytest.raises(services.AbTestConcluded):
        send(impression("new"), at=at + WEEK + 2 * HOUR)


def test_a_person_may_choose_without_a_decision(running):
    assert services.pause("t1").status == "paused"
    assert services.pause("t1").status == "paused"
    assert services.resume("t1").status == "running"
    found = services.conclude("t1", by="ann", now=MONDAY, winning_variant="B")
    assert (found.chosen_place, found.status) == (1, "concluded")
    with pytest.raises(InvalidTransition):
        services.resume("t1")


def test_a_losing_variant_makes_the_control_the_winner_without_a_promise(running):
    send(*crowd("A", 400, 120), *crowd("B", 400, 30))
    services.evaluate(running.pk, now=CLOSED)
    decision = AbTestDecision.objects.get()
    assert (decision.winner_place, "promise" in decision.content) == (0, False)
    assert services.replay().differences == ()


def test_a_control_without_conversions_has_a_winner_without_a_promise(running):
    send(*crowd("A", 400, 0), *crowd("B", 400, 40))
    services.evaluate(running.pk, now=CLOSED)
    content = AbTestDecision.objects.get().content
    assert (content["uplift"], content["promise"]) == (None, None)


def test_finished_tests_shrink_the_promise_of_the_next(decided):
    services.conclude("t1", by="ann", now=CLOSED)
    services.create("Next", [NewVariant(), NewVariant()], AbTestSettings(test_id="t2"), now=START)
    services.create("None", [NewVariant(), NewVariant()], AbTestSettings(test_id="t3"), now=START)
    services.conclude("t3", by="ann", now=CLOSED)
    send(*crowd("A", 400, 30), *crowd("B", 400, 110), test_id="t2")
    services.evaluate(AbTest.objects.get(test_id="t2").pk, now=CLOSED)
    first, second = AbTestDecision.objects.order_by("pk")
    assert second.content["uplift"] == first.content["uplift"]
    assert second.content["promise"][0] >= first.content["promise"][0]


def test_new_weights_are_a_stratum_and_equal_ones_are_joined(running):
    send(*crowd("A", 60, 6), *crowd("B", 60, 6))
    for hours, weight in ((1, 0.2), (2, 0.5)):
        services.change_weights("t1", {"A": weight, "B": 1 - weight}, now=MONDAY + hours * HOUR)
        later = MONDAY + (hours + 0.5) * HOUR
        send(*crowd("A", 20, 2, str(hours)), *crowd("B", 80, 8, str(hours)), at=later)
    look = look_at(running, CLOSED + 5 * HOUR)
    assert [each["weights"] for each in look.strata] == [[0.5, 0.5], [0.2, 0.8]]
    assert look.strata[0]["arms"][1][0] == 140


def test_revenue_is_summed_per_visitor(running):
    AbTest.objects.update(test_type="revenue")
    send(
        impression("v"), conversion("v", value=2, event_id="1"),
        conversion("v", value=3.5, event_id="2"), impression("w"),
    )  # fmt: skip
    look = look_at(running, CLOSED)
    assert look.strata[0]["arms"][0] == [2, 1, 5.5, 30.25]
    assert look.gates[0] == [2, 2, 1]


def test_rows_say_what_they_are(running):
    send(impression("v"))
    count_events(running.pk)
    assert str(AbTestVisitor.objects.get()) == "v"
    assert len(str(AbTestEvent.objects.get())) == 36
    assert str(AbTestCount.objects.get()).startswith("Button 0 2026")
    send({"variant_id": "A"})
    count_events(running.pk)
    assert str(AbTestTotal.objects.get()) == "Button 0"
    assert str(running.variants.first()) == "A"
