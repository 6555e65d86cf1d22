"""A proposal as pictures: the same figures in the drawing and in the table behind it."""

from datetime import date, timedelta
from decimal import Decimal
from xml.etree import ElementTree as ET

from dashboards.budget import charts
from marketing.budget.reports import DailyPerformance
from tests.dashboards.budget.samples import proposal

DASH = "\N{EN DASH}"


def days(*revenues: int | None) -> list[DailyPerformance]:
    return [
        DailyPerformance(
            date(2026, 1, 5) + timedelta(weeks=week),
            Decimal(100),
            None if each is None else Decimal(each),
        )
        for week, each in enumerate(revenues)
    ]


def read(drawing: str) -> ET.Element:
    return ET.fromstring(drawing)  # noqa: S314 - made by the code under test


def test_channels_stand_by_what_they_get():
    names = [each.channel for each in charts.ranked(proposal())]
    assert names == ["Search", "Video", "Social", "Affiliates & partners"]


def test_the_table_behind_the_allocation_adds_up_to_the_total():
    table = charts.allocation(proposal()).table
    assert sum(Decimal(str(row[2])) for row in table.rows) == Decimal(10_000)
    assert table.paths[3] == "/dashboards/budget/Affiliates%20%26%20partners"


def test_every_picture_comes_in_three_sizes_that_share_no_id():
    for picture in (
        charts.allocation(proposal()),
        charts.marginal(proposal()),
        charts.trend(days(1, 2), "USD"),
    ):
        keys = [each.get("id") for one in picture.drawings for each in read(one).iter()]
        kept = [each for each in keys if each]
        assert len(picture.drawings) == 3
        assert len(kept) == len(set(kept))


def test_each_channel_has_its_curve_with_both_marks():
    responses = charts.responses(proposal())
    assert len(responses) == 4
    assert "Now: $3,200 brings" in responses[0].drawing
    assert "Proposed: $4,200 brings" in responses[0].drawing


def test_a_plan_over_several_periods_is_marked_by_the_period():
    drawing = charts.responses(proposal(), periods=4)[0].drawing
    assert "Now: $800 brings" in drawing
    assert "Proposed: $1,050 brings" in drawing


def test_a_channel_without_a_curve_is_left_out_and_the_rest_stays():
    some = proposal(curves=proposal().curves[:1])
    assert [each.channel for each in charts.responses(some)] == ["Search"]


def test_the_points_of_all_curves_or_of_one_are_a_table():
    assert len(charts.curve_table(proposal()).rows) == 100
    assert {row[0] for row in charts.curve_table(proposal(), "Video").rows} == {"Video"}


def test_the_key_of_the_curves_fits_every_width():
    assert len({read(each).get("viewBox") for each in charts.curve_legend()}) == 3


def test_unknown_revenue_is_a_gap_and_a_dash_never_zero():
    picture = charts.trend(days(50, None, 60), "USD")
    assert [line[2].text for line in picture.table.lines()] == ["$50", DASH, "$60"]
    assert "Revenue: \N{EN DASH}" in picture.drawings[0]


def test_where_no_revenue_is_known_only_spend_is_drawn():
    assert "Revenue" not in charts.trend(days(None, None), "USD").drawings[0]


def test_no_days_are_said_to_be_no_data():
    assert "No data in this period" in charts.trend([], "USD").drawings[0]
