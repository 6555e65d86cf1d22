"""Movements of MRR: the definitions, and that any history of late facts books what is true."""

from datetime import date, timedelta
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from revenue.customers.plan_change import PlanChange
from revenue.mrr.movements import (
    MovementKind,
    MovementSums,
    NetMovement,
    daily_totals,
    derive,
    missing,
)

DAY = date(2026, 1, 1)
ZERO = Decimal(0)

amounts = st.integers(0, 10**9).map(lambda each: Decimal(each).scaleb(-6))
steps = st.builds(
    PlanChange,
    on=st.integers(0, 12).map(lambda each: DAY + timedelta(days=each)),
    subscription=st.sampled_from("123"),
    amount=st.one_of(st.just(ZERO), amounts),
)


def on(day: int) -> date:
    return DAY + timedelta(days=day)


def told(*amounts_by_day: tuple[int, int, int]) -> list[tuple[int, str, Decimal, int]]:
    """Day, kind, amount and payers of what (day, subscription, amount) steps make."""
    found = derive(
        PlanChange(on(day), str(which), Decimal(amount)) for day, which, amount in amounts_by_day
    )
    return [((each.on - DAY).days, each.kind, each.amount, each.payers) for each in found]


def recomputed(facts):
    """The oracle: MRR of each day from scratch, as of that day, without any state."""
    sums: dict[tuple[date, MovementKind], MovementSums] = {}
    before, paid = ZERO, False
    for day in sorted({each.on for each in facts}):
        after = ZERO
        for which in {each.subscription for each in facts}:
            known = [each for each in facts if each.subscription == which and each.on <= day]
            newest = max((each.on for each in known), default=None)
            holding = [each.amount for each in known if each.on == newest]
            after += holding[-1] if holding else ZERO
        if before == 0 < after:
            kind = MovementKind.REACTIVATION if paid else MovementKind.NEW
            sums[day, kind] = MovementSums(after, 1)
        elif after == 0 < before:
            sums[day, MovementKind.CHURN] = MovementSums(before, -1)
        elif after > before:
            sums[day, MovementKind.EXPANSION] = MovementSums(after - before, 0)
        elif after < before:
            sums[day, MovementKind.CONTRACTION] = MovementSums(before - after, 0)
        before, paid = after, paid or after > 0
    return sums


def added(booked, rows: list[NetMovement]):
    sums = dict(booked)
    for row in rows:
        has = sums.get((row.on, row.kind), MovementSums(ZERO, 0))
        sums[row.on, row.kind] = MovementSums(has.amount + row.amount, has.payers + row.payers)
    return sums


def test_a_life_of_one_subscription():
    assert told((0, 1, 10), (3, 1, 15), (5, 1, 12), (7, 1, 0), (9, 1, 8)) == [
        (0, "new", Decimal(10), 1),
        (3, "expansion", Decimal(5), 0),
        (5, "contraction", Decimal(3), 0),
        (7, "churn", Decimal(12), -1),
        (9, "reactivation", Decimal(8), 1),
    ]


def test_switching_to_another_subscription_on_one_day_is_no_churn():
    assert told((0, 1, 10), (3, 1, 0), (3, 2, 14))[1:] == [(3, "expansion", Decimal(4), 0)]


def test_an_error_put_right_on_the_same_day_is_no_movement():
    assert told((0, 1, 10), (3, 1, 99), (3, 1, 10)) == [(0, "new", Decimal(10), 1)]


def test_a_free_trial_moves_nothing_and_then_is_new():
    assert told((0, 1, 0), (4, 1, 10)) == [(4, "new", Decimal(10), 1)]


def test_one_of_two_subscriptions_ending_is_a_contraction():
    assert told((0, 1, 10), (0, 2, 5), (2, 1, 0))[-1] == (2, "contraction", Decimal(10), 0)


def test_a_late_fact_is_booked_as_adjustments():
    first = [PlanChange(on(0), "1", Decimal(10)), PlanChange(on(5), "1", ZERO)]
    booked = added({}, missing(first, {}))
    late = [*first, PlanChange(on(3), "1", Decimal(12))]
    rows = missing(late, booked)
    assert [(each.on, each.kind, each.amount, each.is_adjustment) for each in rows] == [
        (on(3), MovementKind.EXPANSION, Decimal(2), False),
        (on(5), MovementKind.CHURN, Decimal(2), True),
    ]
    assert (rows[0].before, rows[0].after) == (Decimal(10), Decimal(12))


def test_rows_without_any_fact_are_taken_back():
    rows = missing([], {(on(1), MovementKind.NEW): MovementSums(Decimal(5), 1)})
    assert [(each.amount, each.payers, each.is_adjustment) for each in rows] == [
        (Decimal(-5), -1, True)
    ]


def test_nothing_comes_of_nothing():
    assert derive([]) == []
    assert missing([], {}) == []
    assert list(daily_totals([])) == []


@given(st.lists(steps, max_size=25))
def test_movements_are_those_of_a_recomputation_from_scratch(facts):
    assert added({}, derive(facts)) == recomputed(facts)


@given(st.lists(steps, max_size=25), st.integers(1, 5))
def test_the_ledger_says_the_same_however_late_facts_arrive(facts, batch):
    booked: dict[tuple[date, MovementKind], MovementSums] = {}
    for end in range(batch, len(facts) + batch, batch):
        rows = missing(facts[:end], booked)
        assert all(row.amount > 0 or row.is_adjustment for row in rows)
        booked = added(booked, rows)
        assert missing(facts[:end], booked) == []
    nothing = MovementSums(ZERO, 0)
    assert {key: each for key, each in booked.items() if each != nothing} == recomputed(facts)


@given(st.lists(steps, max_size=25))
def test_the_signed_movements_are_the_mrr_at_the_end(facts):
    ends = list(daily_totals(facts))
    signed = sum((each.kind.sign * each.amount for each in derive(facts)), ZERO)
    assert signed == (ends[-1][1] if ends else ZERO)
    paying = sum(each.payers for each in derive(facts))
    assert paying == (1 if signed else 0)
