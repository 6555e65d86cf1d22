"""A fee is billed where its interval begins; what changes later is billed for the days left."""

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.billing import fees
from revenue.billing.fees import fee_lines, fee_of_days, in_money
from revenue.billing.periods import billing_month
from revenue.customers.billing_interval import interval_of, months_before
from revenue.customers.plan_terms import PlanTerms, SubscriptionState, expanded, on_day

D = Decimal
NAMES = {"starter": "Starter", "professional": "Professional"}
PAUSED, ENDED = SubscriptionState.PAUSED, SubscriptionState.ENDED


def row(on, price=29, plan="starter", **more):
    return PlanTerms(on, "s1", plan, D(price), **more)


def billed(rows, year, month):
    lines = fee_lines(rows, billing_month(date(year, month, 1)), NAMES, 2)
    return [(each.kind, each.description, each.amount) for each in lines]


def test_a_month_is_billed_whole_or_for_its_days():
    rows = [row(date(2026, 3, 10)), row(date(2026, 5, 16), state=ENDED)]
    assert billed(rows, 2026, 2) == []
    assert billed(rows, 2026, 3) == [("base", "Starter, 22 of 31 days", D("20.58"))]
    assert billed(rows, 2026, 4) == [("base", "Starter, a month", 29)]
    assert billed(rows, 2026, 5) == [("base", "Starter, 15 of 31 days", D("14.03"))]
    assert billed(rows, 2026, 6) == []


def test_a_year_is_billed_once_and_its_rest_credited_at_the_end():
    rows = [row(date(2026, 3, 10), 365, interval="year")]
    assert billed(rows, 2026, 3) == [("interval_fee", "Starter, year from 10 Mar 2026", 365)]
    assert [billed(rows, 2026, month) for month in range(4, 13)] == [[]] * 9
    rows.append(row(date(2026, 9, 10), 365, state=ENDED))
    assert billed(rows, 2026, 9) == [
        ("interval_fee", "Starter, year from 10 Mar 2026: 181 of 365 days not used", -181)
    ]
    assert billed(rows, 2027, 3) == []


def test_another_plan_inside_a_year_is_billed_for_the_days_left():
    rows = [
        row(date(2026, 1, 1), 365, interval="year"),
        row(date(2026, 12, 22), 730, "professional", interval="year"),
    ]
    assert [each[2] for each in billed(rows, 2026, 12)] == [-10, 20]
    assert [each[2] for each in billed(rows, 2027, 1)] == [730]


def test_a_scheduled_end_of_a_coupon_is_known_when_the_year_is_billed():
    coupon = {"coupon_percent": D(100), "coupon_until": date(2026, 4, 11)}
    lines = billed([row(date(2026, 1, 1), 365, interval="year", **coupon)], 2026, 1)
    assert [(kind, amount) for kind, _, amount in lines] == [
        ("interval_fee", 100),
        ("interval_coupon", -100),
        ("interval_fee", 265),
    ]
    assert lines[1][1].startswith("Coupon of 100%: Starter, 100 of 365 days")


def test_a_coupon_of_an_amount_is_of_each_interval_and_takes_at_most_the_fee():
    terms = {"coupon_amount": D(9), "coupon_until": date(2026, 2, 15)}
    rows = [row(date(2026, 1, 1), 29, quantity=2, **terms)]
    assert billed(rows, 2026, 1)[1] == (
        "coupon",
        "Coupon of 9.00 an interval: Starter, a month",
        -9,
    )
    assert [each[2] for each in billed(rows, 2026, 2)] == [29, D("-4.50"), 29]
    more = [row(date(2026, 1, 1), 29, coupon_amount=D("29.01"))]
    assert [each[2] for each in billed(more, 2026, 1)] == [29, -29]
    part = [row(date(2026, 1, 11), 31, coupon_amount=D(62))]
    assert [each[2] for each in billed(part, 2026, 1)] == [21, -21]


def test_a_pause_ends_an_interval_and_the_next_begins_on_its_own_day():
    rows = [
        row(date(2026, 1, 1), 365, interval="year"),
        row(date(2026, 2, 1), 365, interval="year", state=PAUSED),
        row(date(2026, 3, 5), 365, interval="year"),
    ]
    assert [each[2] for each in billed(rows, 2026, 2)] == [-334]
    assert [each[1:] for each in billed(rows, 2026, 3)] == [("Starter, year from 5 Mar 2026", 365)]


def test_another_interval_begins_on_the_day_of_the_change():
    rows = [row(date(2026, 1, 1), 31), row(date(2026, 1, 11), 365, interval="year")]
    assert [each[2] for each in billed(rows, 2026, 1)] == [10, 365]


def test_a_year_that_a_new_price_fills_up_says_so():
    rows = [
        row(date(2026, 1, 1), 365, interval="year"),
        row(date(2026, 1, 1), 730, interval="year"),
    ]
    assert [each[2] for each in billed(rows, 2026, 1)] == [730]


@given(
    st.lists(
        st.builds(
            row,
            st.dates(date(2024, 1, 1), date(2026, 6, 30)),
            st.integers(1, 3),
            interval=st.sampled_from(["week", "month", "quarter", "year"]),
            state=st.sampled_from([SubscriptionState.ACTIVE, SubscriptionState.TRIAL, PAUSED]),
            trial_until=st.none() | st.dates(date(2026, 7, 1), date(2026, 9, 1)),
        ),
        min_size=1,
        max_size=6,
    )
)
def test_what_a_line_bills_is_of_a_part_that_was_not_billed_before(rows):
    """So no line adds days to a part: it bills some for the first time, or takes some back."""
    for month in (billing_month(months_before(date(2024, 1, 1), -count)) for count in range(36)):
        now = fees._parts([each for each in rows if each.on < month.end], *month)
        earlier = [each for each in rows if each.on < month.start]
        before = fees._parts(earlier, month.start, month.start)
        assert all(now.get(part, 0) <= days for part, days in before.items())


def test_a_plan_without_a_name_is_billed_by_its_code_or_subscription():
    assert billed([row(date(2026, 1, 1), plan="own")], 2026, 1)[0][1] == "own, a month"
    assert billed([row(date(2026, 1, 1), plan="")], 2026, 1)[0][1] == "Subscription s1, a month"


def test_a_week_is_billed_where_it_begins():
    rows = [row(date(2026, 3, 28), 7, interval="week")]
    assert [each[2] for each in billed(rows, 2026, 3)] == [7]
    assert [each[2] for each in billed(rows, 2026, 4)] == [7] * 4


@pytest.mark.parametrize(
    ("amount", "digits", "money"),
    [
        ("1/8", 2, "0.13"),
        ("-1/8", 2, "-0.13"),
        ("1/2", 0, "1"),
        ("1/3", 3, "0.333"),
        ("0", 2, "0.00"),
    ],
)
def test_half_a_unit_is_rounded_away_from_zero(amount, digits, money):
    found = in_money(Fraction(amount), digits)
    assert (found, str(found)) == (D(money), money)


@pytest.mark.parametrize(
    ("day", "anchor", "every", "start", "end"),
    [
        (date(2026, 2, 28), date(2025, 1, 31), "quarter", date(2026, 1, 31), date(2026, 4, 30)),
        (date(2026, 4, 29), date(2025, 1, 31), "quarter", date(2026, 1, 31), date(2026, 4, 30)),
        (date(2026, 4, 30), date(2025, 1, 31), "quarter", date(2026, 4, 30), date(2026, 7, 31)),
        (date(2027, 2, 28), date(2024, 2, 29), "year", date(2027, 2, 28), date(2028, 2, 29)),
        (date(2025, 12, 31), date(2025, 1, 1), "year", date(2025, 1, 1), date(2026, 1, 1)),
        (date(2026, 3, 9), date(2026, 3, 1), "week", date(2026, 3, 8), date(2026, 3, 15)),
        (date(2026, 3, 9), date(2026, 3, 5), "month", date(2026, 3, 1), date(2026, 4, 1)),
    ],
)
def test_intervals_are_counted_from_their_anchor(day, anchor, every, start, end):
    assert interval_of(day, anchor, every) == (start, end)


@given(
    st.dates(date(2024, 1, 1), date(2024, 12, 31)),
    st.integers(0, 2000),
    st.sampled_from(["week", "month", "quarter", "half_year", "year", "two_years"]),
)
def test_every_day_lies_in_one_interval(anchor, days, every):
    day = anchor + timedelta(days=days)
    start, end = interval_of(day, anchor, every)
    assert start <= day < end
    assert interval_of(end, anchor, every)[0] == end


changes = st.lists(
    st.tuples(
        st.integers(0, 400),
        st.integers(0, 500),
        st.sampled_from(["active", "paused", "trial"]),
        st.sampled_from(["month", "quarter", "year"]),
        st.sampled_from([0, 0, 30, 501]),
    ),
    min_size=1,
    max_size=6,
)


@given(changes)
def test_after_all_months_each_day_has_cost_its_share(changes):
    """In money of 20 decimals, so that rounding hides nothing."""
    first = date(2024, 1, 10)
    rows = [
        row(
            first + timedelta(days=day),
            price,
            state=SubscriptionState(state),
            interval=every,
            coupon_amount=D(off),
        )
        for day, price, state, every, off in sorted(changes)
    ]
    end = date(2027, 6, 1)
    rows.append(row(end, state=ENDED))
    months = (billing_month(months_before(date(2024, 1, 1), -count)) for count in range(48))
    total = sum(line.amount for span in months for line in fee_lines(rows, span, NAMES, 20))
    steps, daily, anchor = expanded(rows), Fraction(0), first
    before = None
    for day in (first + timedelta(days=count) for count in range((end - first).days)):
        now = on_day(steps, day)
        same = now and before and now.state == before.state and now.interval == before.interval
        anchor = anchor if same else day
        if now and now.fee:
            start, stop = interval_of(day, anchor, now.interval)
            off = Fraction(now.coupon_amount)
            daily += max(now.fee - off, Fraction(0)) / (stop - start).days
        before = now
    assert abs(Fraction(total) - daily) < Fraction(1, 10**15)


def test_the_fee_of_some_days_counts_each_in_its_interval():
    terms = row(date(2026, 1, 1), 31, coupon_percent=D(50))
    days = fee_of_days(terms, date(2026, 1, 22), date(2026, 2, 15), date(2026, 1, 1))
    assert days == Fraction(10 + 31 * 14 / Fraction(28)) / 2
