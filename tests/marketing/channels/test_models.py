"""What a table cannot hold, whoever writes it."""

from datetime import date

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue

pytestmark = pytest.mark.django_db
DAY = date(2026, 1, 5)


@pytest.fixture
def channel():
    return Channel.objects.create(name="Search", currency="USD")


def refused(row):
    with pytest.raises(IntegrityError), transaction.atomic():
        row.save()
    return True


def test_rows_read_as_what_they_are(channel):
    assert str(channel) == "Search"
    assert str(Performance(channel=channel, date=DAY)) == "Search, 5 Jan 2026"
    assert str(TotalRevenue(date=DAY, amount=3, currency="USD")) == "5 Jan 2026: $3.00"
    assert str(CalendarFlag(name="Easter", date=DAY)) == "Easter, 5 Jan 2026"
    assert str(LiftTest(channel=channel, starts_on=DAY)) == "Search, 5 Jan 2026"


@pytest.mark.parametrize(
    "limits",
    [
        {"floor": -1},
        {"ceiling": -1},
        {"floor": 2, "ceiling": 1},
        {"incrementality": -0.1},
        {"platform_roi": -1},
    ],
)
def test_limits_that_cannot_be_are_refused_by_form_and_table(limits):
    with pytest.raises(ValidationError):
        Channel(name="x", **limits).full_clean()
    assert refused(Channel(name="x", **limits))


def test_limits_that_fit_are_taken():
    Channel(name="x", floor=1, ceiling=1).full_clean()
    Channel(name="x", floor=1).full_clean()


def test_a_channel_has_one_row_a_date_and_no_negative_amount(channel):
    Performance.objects.create(channel=channel, date=DAY, spend=1)
    assert refused(Performance(channel=channel, date=DAY, spend=2))
    assert refused(Performance(channel=channel, date=date(2026, 1, 6), spend=-1))
    assert refused(Performance(channel=channel, date=date(2026, 1, 6), spend=1, revenue=-1))


def test_a_date_has_one_total_a_currency():
    TotalRevenue.objects.create(date=DAY, amount=1, currency="USD")
    TotalRevenue.objects.create(date=DAY, amount=1, currency="EUR")
    assert refused(TotalRevenue(date=DAY, amount=2, currency="USD"))
    assert refused(TotalRevenue(date=date(2026, 1, 6), amount=-2, currency="USD"))


@pytest.mark.parametrize(
    "wrong",
    [
        {"ends_on": date(2026, 1, 1)},
        {"spend": 0},
        {"revenue": -1},
        {"standard_error": 0},
    ],
)
def test_a_lift_test_that_cannot_be_is_refused_by_form_and_table(channel, wrong):
    good = {
        "channel": channel,
        "starts_on": DAY,
        "ends_on": date(2026, 2, 1),
        "spend": 10,
        "revenue": 20,
        "standard_error": 5,
    }
    LiftTest(**good).full_clean()
    with pytest.raises(ValidationError):
        LiftTest(**{**good, **wrong}).full_clean()
    assert refused(LiftTest(**{**good, **wrong}))


def test_a_lift_test_without_dates_is_told_so_by_its_fields(channel):
    with pytest.raises(ValidationError, match="starts_on"):
        LiftTest(channel=channel, spend=1, revenue=1, standard_error=1).full_clean()


def test_a_currency_has_three_letters():
    with pytest.raises(ValidationError, match="ISO 4217"):
        Channel(name="x", currency="usd").full_clean()
