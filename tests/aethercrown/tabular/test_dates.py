"""Dates: the order is decided over the whole column, and said, or asked."""

from datetime import date

import pytest

from aethercrown.tabular.dates import OrderEvidence, dates_within, readings

DAY = date(2026, 10, 5)


@pytest.mark.parametrize(
    "cell",
    [
        *("2026-10-05", "2026/10/5", "20261005", "2026100508", "2026-10-05T10:12:00Z"),
        *("2026-10-05 10:12", "05.10.2026", "5.10.26", "5 Oct 2026", "October 5, 2026"),
        *("5. Oktober 2026", "5-Oct-2026", "Oct 5, 2026, 12:00 AM"),
    ],
)
def test_dates_with_one_reading(cell):
    assert readings(cell) == {"": DAY}


def test_dates_with_two_readings_and_none():
    assert readings("10/5/2026") == {"mdy": DAY, "dmy": date(2026, 5, 10)}
    assert readings("25-10-2026") == {"dmy": date(2026, 10, 25)}
    for cell in ("", "x", "2026-13-05", "5 Foo 2026", "46300", "2026-10-05x", "1/2", "1-2/2026"):
        assert readings(cell) == {}


def decide(*cells, hint="", period=None):
    evidence = OrderEvidence()
    for cell in cells:
        evidence.add(cell)
    return evidence.decide(hint, period)


def test_one_date_decides_the_column():
    assert decide("10/5/2026", "10/25/2026") == (
        "mdy",
        "Dates are month first: 10/25/2026 fits only that.",
    )
    assert decide("25/10/2026", "10/5/2026", "x", "10/25/2026")[0] == "dmy"
    assert decide("2026-10-05") == ("", "")


def test_the_report_period_decides_else_the_program_else_it_is_asked():
    october = (date(2026, 10, 1), date(2026, 10, 31))
    order, why = decide("10/5/2026", "10/6/2026", period=october)
    assert (order, "within the report's period" in why) == ("mdy", True)
    assert decide("10/5/2026", hint="mdy")[0] == "mdy"
    year = (date(2026, 1, 1), date(2026, 12, 31))
    order, question = decide("10/5/2026", period=year)
    assert order is None
    assert question == (
        "The dates fit two orders: day first (2026-05-10 to 2026-05-10) or "
        "month first (2026-10-05 to 2026-10-05). Which is it?"
    )


def test_dates_of_title_lines():
    assert dates_within("October 1, 2026 - October 31, 2026") == [
        date(2026, 10, 1),
        date(2026, 10, 31),
    ]
    assert dates_within("Start date: 20261001") == [date(2026, 10, 1)]
    assert dates_within("1 Oct 2026, 2026-10-02, May 99, 2026") == [
        date(2026, 10, 1),
        date(2026, 10, 2),
    ]
