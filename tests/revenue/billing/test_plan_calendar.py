"""Which plan carries each day's use."""

from datetime import date

from revenue.billing.periods import HeldSpan, billing_month
from revenue.billing.plan_calendar import PlanCalendar, by_plan, one_plan
from revenue.customers.plan_terms import PlanTerms, SubscriptionState
from revenue.pricing.calculation.plan_use import PlanPeriod

MARCH = billing_month(date(2026, 3, 1))
State = SubscriptionState


def row(on, plan="starter", state=State.ACTIVE, key="s1", **more):
    return PlanTerms(on, key, plan, state=state, **more)


def days(*subscriptions, fallback=()):
    calendar = PlanCalendar.of(subscriptions)
    found = PlanCalendar(calendar.subscriptions, fallback).days_in_force(MARCH)
    return [
        (each.start.day, each.days, each.terms.plan if each.terms else None, each.reason)
        for each in found
    ]


def test_a_plan_that_runs_through_is_one_span():
    assert days([row(date(2025, 1, 5))]) == [(1, 31, "starter", "")]


def test_a_change_divides_the_month():
    rows = [row(date(2026, 1, 1)), row(date(2026, 3, 11), "professional")]
    assert days(rows) == [(1, 10, "starter", ""), (11, 21, "professional", "")]


def test_states_say_why_use_is_not_charged():
    rows = [
        row(date(2026, 3, 2), state=State.TRIAL, trial_until=date(2026, 3, 5)),
        row(date(2026, 3, 10), state=State.FREE),
        row(date(2026, 3, 15), state=State.PAUSED),
        row(date(2026, 3, 20), ""),
        row(date(2026, 3, 25), state=State.ENDED),
    ]
    assert days(rows) == [
        (1, 1, None, "no plan in force"),
        (2, 3, "starter", "trial"),
        (5, 5, "starter", ""),
        (10, 5, "starter", "free"),
        (15, 5, None, "no plan in force"),
        (20, 5, "", "no plan"),
        (25, 7, None, "no plan in force"),
    ]


def test_side_by_side_the_one_that_started_last_carries_the_use():
    one = [row(date(2026, 1, 1)), row(date(2026, 3, 25), state=State.ENDED)]
    other = [row(date(2026, 3, 20), "professional", key="s2")]
    found = PlanCalendar.of([other, one, []]).days_in_force(MARCH)
    assert [(each.terms.plan, each.beside) for each in found if each.terms] == [
        ("starter", ()),
        ("professional", ("s1",)),
        ("professional", ()),
    ]
    charged = by_plan(found)
    assert {key: [each.days for each in mine] for key, mine in charged.items()} == {
        ("starter", False): [19],
        ("professional", False): [5, 7],
    }


def test_days_left_without_a_plan_keep_the_one_that_billed_them():
    rows = [row(date(2026, 1, 1)), row(date(2026, 3, 11), state=State.ENDED)]
    billed = [PlanPeriod("professional", date(2026, 3, 1), date(2026, 3, 21))]
    assert days(rows, fallback=billed) == [
        (1, 10, "starter", ""),
        (11, 10, "professional", ""),
        (21, 11, None, "no plan in force"),
    ]


def test_a_reading_is_held_since_the_last_gap():
    rows = [
        row(date(2026, 1, 1)),
        row(date(2026, 1, 20), state=State.PAUSED),
        row(date(2026, 2, 1)),
        row(date(2026, 2, 10), "professional"),
    ]
    calendar = PlanCalendar.of([rows])
    assert calendar.held_span(MARCH.start, MARCH.end) == HeldSpan(*MARCH, date(2026, 2, 1))
    assert calendar.held_span(date(2025, 1, 1), date(2025, 1, 2)).held_from == date(2025, 1, 1)


def test_a_reading_is_held_into_days_that_stay_billed_after_a_backdated_end():
    rows = [row(date(2026, 1, 1)), row(date(2026, 3, 1), "", State.ENDED)]
    kept = [PlanPeriod("starter", date(2026, 3, 1), date(2026, 4, 1))]
    calendar = PlanCalendar.of([rows])
    assert calendar.held_span(*MARCH) == HeldSpan(*MARCH, MARCH.start)
    assert calendar.with_billed(kept).held_span(*MARCH) == HeldSpan(*MARCH, date(2026, 1, 1))


def test_one_plan_carries_every_day_or_none_does():
    assert one_plan([[row(date(2025, 1, 5))]], MARCH) == "starter"
    assert one_plan([[row(date(2026, 3, 1))]], MARCH) == "starter"
    beside = [row(date(2026, 1, 1), "professional", key="s2")]
    assert one_plan([[row(date(2025, 1, 5))], beside], MARCH) == "professional"
    for rows in (
        [row(date(2026, 3, 2))],
        [row(date(2026, 1, 1)), row(date(2026, 3, 11), "professional")],
        [row(date(2026, 1, 1), state=State.FREE)],
        [row(date(2026, 1, 1), "")],
    ):
        assert one_plan([rows], MARCH) == ""
    assert one_plan([], MARCH) == ""
