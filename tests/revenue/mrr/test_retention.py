"""Retention by each customer's two ends, by hand and against the definition."""

from datetime import date
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from revenue.customers.billing_interval import months_before
from revenue.mrr import retention
from revenue.mrr.bridge import Bridge
from revenue.mrr.retention import NO_CHANGE, SPANS, RetentionDelta, SpanRetention

JAN = date(2026, 1, 1)


def month(number):
    return months_before(JAN, -number)


def added(*customers):
    """The sums of all customers; each is what moved by month."""
    found: dict = {}
    for nets in customers:
        by_month = {month(at): Decimal(each) for at, each in nets.items()}
        for place, kept in retention.customer_deltas(by_month):
            found[place] = found.get(place, NO_CHANGE).plus(kept)
    return found


def test_the_worked_example_of_five_customers():
    """Opening 380: A 100 to 150, B 80 to 0, C new at 60, D 200 to 170, E back at 40."""
    found = added(
        {0: 100, 3: 50}, {0: 80, 3: -80}, {3: 60}, {0: 200, 3: -30}, {0: 40, 1: -40, 3: 40}
    )
    kept = found[1, month(3)]
    assert kept == RetentionDelta(Decimal(50), Decimal(110), 1)
    one = SpanRetention(Decimal(380), 3, kept)
    assert (one.net, one.gross, one.churn) == (84.2, 71.1, 33.3)


def test_who_left_and_came_back_within_a_span_has_not_left():
    found = added({0: 100, 4: -100, 5: 100})
    assert found[1, month(4)] == RetentionDelta(lost=Decimal(100), left=1)
    assert (3, month(6)) not in found
    assert (12, month(12)) not in found
    assert found[3, month(4)].left == 1


def test_who_came_back_for_less_counts_as_less():
    found = added({0: 100, 4: -100, 5: 70})
    assert found[12, month(12)] == RetentionDelta(lost=Decimal(30))


def test_who_began_within_the_span_counts_nothing():
    assert (3, month(2)) not in added({0: 100, 1: 50})
    assert added({0: 100, 1: 50})[1, month(1)] == RetentionDelta(gained=Decimal(50))


def test_nobody_is_nothing():
    assert added({}) == {}


def test_without_an_opening_there_is_no_rate():
    one = SpanRetention(Decimal(0), 0, NO_CHANGE)
    assert (one.net, one.gross, one.churn) == (None, None, None)


def test_where_nothing_moved_all_is_kept():
    one = SpanRetention(Decimal(10), 1, NO_CHANGE)
    assert (one.net, one.gross, one.churn) == (100, 100, 0)


def test_a_span_takes_the_opening_of_its_first_month():
    bridges = [Bridge(month(at), Decimal(100 + at), at) for at in range(3)]
    kept = {(3, month(2)): RetentionDelta(lost=Decimal(10))}
    found = retention.span_retention(bridges, kept)
    assert found[1, month(2)] == SpanRetention(Decimal(102), 2, NO_CHANGE)
    assert found[3, month(2)] == SpanRetention(Decimal(100), 0, kept[3, month(2)])
    assert (3, month(1)) not in found


histories = st.lists(
    st.dictionaries(st.integers(0, 20), st.integers(0, 5), max_size=6), min_size=1, max_size=5
)


@given(histories)
def test_the_sums_are_the_definitions(levels):
    """`levels` are what customers pay from a month on; retention is summed from their ends."""
    ends, nets = [], []
    for each in levels:
        running, mine = 0, []
        moved: dict = {}
        for at in range(40):
            new = each.get(at, running)
            moved |= {at: new - running} if new != running else {}
            running = new
            mine.append(running)
        ends.append(mine)
        nets.append(moved)
    found = added(*nets)
    for months in SPANS:
        for at in range(months, 32):
            pairs = [(mine[at - months], mine[at]) for mine in ends if mine[at - months] > 0]
            kept = found.get((months, month(at)), NO_CHANGE)
            opening = sum(before for before, _ in pairs)
            assert opening + kept.gained - kept.lost == sum(after for _, after in pairs)
            assert opening - kept.lost == sum(min(each) for each in pairs)
            assert kept.left == sum(after == 0 for _, after in pairs)


@given(histories)
def test_taking_away_what_was_added_leaves_nothing(levels):
    found = added(*levels)
    assert all(kept.minus(kept) == NO_CHANGE for kept in found.values())
