from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from aethercrown.csv.reader import CSVRow, InvalidCSV, RowError
from revenue.customers import imports

TODAY = date(2026, 3, 20)


@pytest.mark.parametrize(
    ("read", "cell", "value"),
    [
        (imports.zone, "Europe/Berlin", "Europe/Berlin"),
        (imports.amount, "10.5", Decimal("10.5")),
        (imports.interval, "Year", "year"),
        (imports.months, "12", 12),
        (imports.months, "0", 0),
        (imports.quantity, "3", 3),
        (imports.basis, "List", "list"),
        (imports.direction, "Refund", "refund"),
    ],
)
def test_cells_are_read(read, cell, value):
    assert read(cell) == value


@pytest.mark.parametrize(
    ("read", "cell", "reason"),
    [
        (imports.zone, "Mars/Base", "is not a time zone"),
        (imports.amount, "-1", "must be 0 to 1000000000, not -1"),
        (imports.amount, "1e12", "must be 0 to"),
        (imports.interval, "daily", "is not one of week, month, quarter, half_year, year"),
        (imports.months, "1.5", "must be a whole number from 0 to 1200"),
        (imports.months, "-1", "must be a whole number"),
        (imports.months, "1201", "must be a whole number"),
        (imports.quantity, "1.5", "must be a whole number from 1 to 1000000, not 1.5"),
        (imports.quantity, "0", "must be a whole number from 1"),
        (imports.quantity, "1000001", "must be a whole number from 1"),
        (imports.basis, "override", "'override' is neither list nor negotiated"),
        (imports.direction, "gift", "is neither payment nor refund"),
    ],
)
def test_other_cells_say_why_not(read, cell, reason):
    with pytest.raises(InvalidCSV, match=reason):
        read(cell)


def wide(months, *, churned):
    values = {
        "external_id": "a",
        "plan": None,
        "monthly": Decimal(7),
        "currency": "USD",
        "tenure_months": months,
        "churned": churned,
    }
    return imports.from_wide_record(CSVRow(2, values), TODAY)


def test_tenure_is_reckoned_from_today():
    assert wide(14, churned=False).started_on == date(2025, 1, 20)
    assert wide(0, churned=False).started_on == TODAY
    assert wide(1, churned=False).ended_on is None
    assert wide(1, churned=True).ended_on == TODAY


def test_the_price_of_an_interval_is_kept_and_its_mrr_is_monthly():
    values = {
        "subscription": "s",
        "customer": "a",
        "plan": "pro",
        "amount": Decimal(120),
        "every": "year",
        "currency": "USD",
        "started_on": TODAY,
        "ended_on": None,
    }
    found: Any = imports.from_subscription_record(CSVRow(2, values))
    assert (found.amount, found.every, found.terms.mrr) == (120, "year", 10)


def test_days_that_cannot_be_are_named():
    good = wide(3, churned=True)
    assert imports.row_faults(good, TODAY) == []
    late = good._replace(started_on=date(2029, 4, 1), ended_on=date(2026, 3, 31))
    assert [(each.column, each.reason) for each in imports.row_faults(late, TODAY)] == [
        ("started_on", "2029-04-01 is more than three years ahead"),
        ("ended_on", "2026-03-31 is after today, 2026-03-20"),
        ("ended_on", "2026-03-31 is before the start, 2029-04-01"),
    ]


def test_a_fee_of_all_units_that_fits_no_column_is_named():
    most = wide(3, churned=False)._replace(amount=Decimal(10) ** 9, quantity=1000)
    assert imports.row_faults(most, TODAY) == []
    assert imports.row_faults(most._replace(quantity=1001), TODAY) == [
        RowError(2, "amount", "the fee of all units must be at most 1,000,000,000,000")
    ]
