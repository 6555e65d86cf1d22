"""Reading what is known of channels."""

from datetime import date
from decimal import Decimal

import pytest

from aethercrown.csv import export
from marketing.channels import reports
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue

pytestmark = pytest.mark.django_db
FIRST, LAST = date(2026, 1, 5), date(2026, 1, 12)


@pytest.fixture
def stored():
    tv = Channel.objects.create(name="tv", currency="USD")
    old = Channel.objects.create(name="old", currency="USD", is_active=False)
    for channel in (tv, old):
        for on in (FIRST, LAST):
            Performance.objects.create(channel=channel, date=on, spend=1, currency="USD")
    TotalRevenue.objects.create(date=FIRST, amount=9, currency="USD")
    CalendarFlag.objects.create(name="Easter", date=FIRST)
    return tv


def test_only_active_channels_of_the_currency_are_read(stored):
    assert [name for name, *_ in reports.spend_rows("USD", FIRST, LAST)] == ["tv", "tv"]
    assert list(reports.spend_rows("EUR", FIRST, LAST)) == []
    assert list(reports.active_channels("USD")) == [stored]


def test_nothing_after_the_given_day_is_known(stored):
    assert reports.last_spend_date("USD", LAST) == LAST
    assert reports.last_spend_date("USD", FIRST) == FIRST
    assert reports.last_spend_date("USD", date(2025, 1, 1)) is None


def test_totals_and_flags_come_by_date(stored):
    assert reports.total_revenue("USD", FIRST, LAST) == [(FIRST, Decimal(9))]
    assert reports.calendar_flags(FIRST, LAST) == {"Easter": {FIRST: 1.0}}
    assert reports.calendar_flags(LAST, LAST) == {}


def test_a_lift_test_counts_once_it_is_over_and_found_something(stored):
    for number, revenue in enumerate([5, 0]):
        LiftTest.objects.create(
            channel=stored,
            starts_on=date(2026, 1, 1 + number),
            ends_on=LAST,
            spend=1,
            revenue=revenue,
            standard_error=1,
        )
    assert [test.revenue for test in reports.finished_lift_tests("USD", LAST)] == [5]
    assert not reports.finished_lift_tests("USD", FIRST)


@pytest.mark.parametrize("kind", ["channels", "budget-performance", "budget-totals"])
def test_every_export_gives_rows_as_wide_as_its_header(stored, kind):
    exporter = export.named(kind)
    rows = list(exporter.rows())
    assert rows
    assert {len(row) for row in rows} == {len(exporter.header)}
