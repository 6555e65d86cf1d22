"""Moments read the same everywhere, and no reader can take one for another."""

from datetime import UTC, date, datetime

from django.utils.formats import date_format


def test_a_day_names_its_month():
    assert date_format(date(2026, 3, 2)) == "2 Mar 2026"


def test_a_moment_has_24_hours_and_its_zone():
    told = date_format(datetime(2026, 3, 2, 15, 4, tzinfo=UTC), "DATETIME_FORMAT")
    assert told == "2 Mar 2026, 15:04 UTC"
