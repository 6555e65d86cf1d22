"""The bridge adds up: for each month, for any span, and for parts that make a whole."""

from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.mrr import bridge as metrics
from revenue.mrr.bridge import Bridge, combine, monthly_bridges
from revenue.mrr.movements import MovementKind, MovementSums

FIRST, LAST = date(2025, 11, 15), date(2026, 2, 3)
ZERO = Decimal(0)

rows = st.lists(
    st.tuples(
        st.dates(date(2025, 8, 1), date(2026, 4, 30)),
        st.sampled_from([each.value for each in MovementKind]),
        st.integers(-(10**12), 10**12).map(lambda each: Decimal(each).scaleb(-6)),
        st.integers(-1, 1),
    ),
    max_size=40,
)
EXAMPLE = [
    (date(2025, 10, 9), "new", Decimal(100), 1),
    (date(2025, 11, 2), "new", Decimal(50), 1),
    (date(2025, 11, 3), "expansion", Decimal(20), 0),
    (date(2025, 12, 31), "contraction", Decimal(5), 0),
    (date(2026, 1, 1), "churn", Decimal(50), -1),
    (date(2026, 2, 28), "reactivation", Decimal(40), 1),
    (date(2026, 3, 1), "new", Decimal(999), 1),
]


def test_a_bridge_by_hand():
    found = monthly_bridges(EXAMPLE, FIRST, LAST)
    assert [(each.starts_on.month, int(each.opening), int(each.closing)) for each in found] == [
        (11, 100, 170),
        (12, 170, 165),
        (1, 165, 115),
        (2, 115, 155),
    ]
    assert [(each.payers, each.payers_closing) for each in found] == [
        (1, 2),
        (2, 2),
        (2, 1),
        (1, 2),
    ]
    assert found[2].signed(MovementKind.CHURN) == -50


def test_months_without_rows_are_level():
    assert [each.closing for each in monthly_bridges([], FIRST, LAST)] == [ZERO] * 4
    assert monthly_bridges([], LAST, FIRST) == []


def test_a_whole_needs_a_part():
    with pytest.raises(ValueError, match="at least one month"):
        combine([])


@given(rows)
def test_the_bridge_is_exact_in_every_span(ledger):
    found = monthly_bridges(ledger, FIRST, LAST)
    for one in found:
        signed = [
            MovementKind(kind).sign * amount
            for day, kind, amount, _ in ledger
            if (day.year, day.month) <= (one.starts_on.year, one.starts_on.month)
        ]
        assert one.closing == sum(signed, ZERO)
    for before, after in pairwise(found):
        assert (before.closing, before.payers_closing) == (after.opening, after.payers)
    span = combine(found)
    assert (span.opening, span.closing) == (found[0].opening, found[-1].closing)
    assert span.payers_closing == found[-1].payers_closing


@given(rows, st.integers(0, 40))
def test_parts_of_the_ledger_add_up_to_the_whole(ledger, cut):
    parts = [monthly_bridges(part, FIRST, LAST) for part in (ledger[:cut], ledger[cut:])]
    for one, left, right in zip(monthly_bridges(ledger, FIRST, LAST), *parts, strict=True):
        assert one.closing == left.closing + right.closing
        for kind in MovementKind:
            assert one.amount(kind) == left.amount(kind) + right.amount(kind)


def test_ratios_by_hand():
    moved = {
        MovementKind.NEW: MovementSums(Decimal(30), 2),
        MovementKind.REACTIVATION: MovementSums(Decimal(10), 1),
        MovementKind.EXPANSION: MovementSums(Decimal(20), 0),
        MovementKind.CONTRACTION: MovementSums(Decimal(5), 0),
        MovementKind.CHURN: MovementSums(Decimal(15), -1),
    }
    one = Bridge(date(2026, 1, 1), Decimal(200), 8, moved)
    assert one.closing == 240
    assert metrics.arr(one.closing) == 2880
    assert metrics.gross_churn(one) == 10.0
    assert metrics.net_churn(one) == -5.0
    assert metrics.growth(one) == 20.0
    assert metrics.quick_ratio(one) == 3.0
    assert metrics.arpa(one) == 24


def test_ratios_of_nothing_are_not_known():
    empty = Bridge(date(2026, 1, 1), ZERO, 0)
    asked = (metrics.gross_churn, metrics.net_churn, metrics.growth)
    assert [each(empty) for each in asked] == [None] * 3
    assert metrics.quick_ratio(empty) is None
    assert metrics.arpa(empty) is None
