"""The charts as XML: whole, escaped, finite, with gaps where there is no figure."""

from datetime import date, timedelta
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown import formatting
from aethercrown.charts import plane
from aethercrown.charts.bars import BarRow, bars
from aethercrown.charts.curves import CurveMarker, CurvePoint, curve, height, legend
from aethercrown.charts.lines import Series, line
from aethercrown.charts.svg import NARROW, WIDE, Caption, fitted, marker
from aethercrown.charts.ticks import Scale

USD = formatting.money("USD")
START = date(2025, 1, 6)
NAMED = Caption("trend", "Spend", "What was spent each week")

amounts = st.one_of(
    st.none(), st.floats(), st.integers(-(10**9), 10**9), st.decimals(allow_nan=True, places=2)
)
texts = st.text(max_size=40)
frames = st.sampled_from([WIDE, NARROW])


def weeks(count: int) -> list[date]:
    return [START + timedelta(weeks=each) for each in range(count)]


def read(drawing: str) -> ET.Element:
    """The drawing as XML (our own text), and no number in it that a browser refuses."""
    root = ET.fromstring(drawing)  # noqa: S314 - made by the code under test
    for element in root.iter():
        for name in ("x", "y", "x1", "x2", "y1", "y2", "cx", "cy", "width", "height", "d"):
            value = element.get(name, "")
            assert "nan" not in value
            assert "inf" not in value
        assert "style" not in element.attrib
    return root


def found(drawing: str, kind: str) -> list[ET.Element]:
    return [each for each in read(drawing).iter() if kind in (each.get("class") or "").split()]


def lettering(drawing: str) -> list[str]:
    return [each.text or "" for each in read(drawing).iter() if each.tag.endswith("text")]


@given(
    values=st.lists(st.tuples(amounts, amounts, amounts), max_size=12),
    name=texts,
    title=texts,
    frame=frames,
)
def test_any_line_is_whole_xml_without_a_number_that_is_none(values, name, title, frame):
    low, middle, high = zip(*values, strict=True) if values else ((), (), ())
    series = [Series(name, middle, low, high), Series(title, high)]
    read(line(weeks(len(values)), series, Caption(name, title, name), USD, axis=name, frame=frame))


@given(
    rows=st.lists(st.tuples(texts, amounts, amounts, amounts, amounts), max_size=8),
    axis=texts,
    frame=frames,
)
def test_any_bars_are_whole_xml(rows, axis, frame):
    drawn = [BarRow(name, (now, then), (None, (low, high))) for name, now, then, low, high in rows]
    read(bars(drawn, ["Now", axis], Caption(axis, axis), USD, axis=axis, frame=frame))


@given(
    steps=st.lists(st.tuples(st.floats(), st.floats(), amounts, amounts), max_size=8),
    marks=st.lists(st.tuples(texts, amounts), max_size=4),
    axis=texts,
)
def test_any_curve_is_whole_xml(steps, marks, axis):
    ordered = [
        CurvePoint(*each) for each in sorted(steps, key=lambda each: (each[0] != each[0], each[0]))
    ]
    drawn = [CurveMarker(*each) for each in marks]
    read(curve(ordered, drawn, Caption(axis, axis), (USD, USD), axes=(axis, axis)))


def test_a_chart_names_and_describes_itself_to_those_who_do_not_see_it():
    root = read(line(weeks(3), [Series("Search", [1, 2, 3])], NAMED, USD))
    assert root.get("role") == "img"
    named = {each.get("id"): each.text for each in root if each.get("id")}
    keys = (root.get("aria-labelledby") or "").split()
    assert [named[key] for key in keys] == ["Spend", "What was spent each week"]


def test_two_sizes_of_one_chart_share_no_id():
    def ids(frame):
        drawing = line(weeks(3), [Series("Search", [1, 2, 3])], NAMED, USD, frame=frame)
        return {each.get("id") for each in read(drawing).iter() if each.get("id")}

    assert not ids(WIDE) & ids(NARROW)


def test_markup_in_a_name_is_shown_and_not_obeyed():
    nasty = '<script>alert("x")</script>&'
    drawings = [
        line(weeks(2), [Series(nasty, [1, 2])], Caption("a", nasty, nasty), USD, axis=nasty),
        bars([BarRow(nasty, [1])], [nasty], Caption("a", nasty), USD),
        curve(
            [CurvePoint(0, 0), CurvePoint(1, 1)],
            [CurveMarker(nasty, 1)],
            Caption("a", nasty),
            (USD, USD),
        ),
    ]
    for drawing in drawings:
        assert "<script" not in drawing
        assert not [each for each in read(drawing).iter() if each.tag.endswith("script")]


def test_a_missing_value_breaks_the_line_and_is_not_drawn_at_zero():
    drawing = line(weeks(6), [Series("Search", [5, 5, None, 5, 5, None])], NAMED, USD)
    lines = [each for each in found(drawing, "chart-line") if "M2 " not in (each.get("d") or "")]
    assert len(lines) == 2
    assert len(found(drawing, "chart-dot")) == 4 + 1  # and the legend's


def test_a_missing_edge_breaks_the_band():
    low, high = [1, 1, None, 1, 1], [3, 3, 3, 3, 3]
    series = Series("Lift", [2] * 5, low, high)
    bands = [
        each for each in found(line(weeks(5), [series], NAMED, USD), "chart-band") if each.get("d")
    ]
    assert len(bands) == 2


def test_a_value_between_two_gaps_is_a_dot():
    many = [None, 4.0, *[None] * 18]
    drawing = line(weeks(20), [Series("Search", many)], NAMED, USD)
    assert len(found(drawing, "chart-dot")) == 2


def test_a_long_line_marks_its_end_only():
    drawing = line(weeks(40), [Series("Search", range(40))], NAMED, USD)
    assert len(found(drawing, "chart-dot")) == 2


def test_one_day_alone_is_drawn():
    drawing = line(weeks(1), [Series("Search", [7])], NAMED, USD)
    assert len(found(drawing, "chart-dot")) == 2
    assert "6 Jan 2025" in lettering(drawing)


@pytest.mark.parametrize(
    "drawing",
    [
        line([], [], NAMED, USD),
        line(weeks(3), [Series("Search", [None, None, float("nan")])], NAMED, USD),
        bars([BarRow("Search", [None])], ["Now"], NAMED, USD),
        curve([CurvePoint(0, 0)], [], NAMED, (USD, USD)),
    ],
)
def test_nothing_to_draw_is_said(drawing):
    assert lettering(drawing) == ["No data in this period"]


def test_all_zero_is_a_line_on_a_real_axis():
    assert {"$0", "$1"} <= set(lettering(line(weeks(3), [Series("a", [0, 0, 0])], NAMED, USD)))


def test_lines_differ_without_colour():
    drawing = line(weeks(3), [Series(str(each), [each] * 3) for each in range(4)], NAMED, USD)
    dashes = {each.get("stroke-dasharray") for each in found(drawing, "chart-line")}
    assert len(dashes) == 4
    assert (
        len({marker(each, 0, 0, "")[:12] + marker(each, 0, 0, "")[-60:] for each in range(4)}) == 4
    )


def test_a_point_tells_its_day_and_figures_under_the_pointer():
    series = [Series("Search", [1200.5, None]), Series("Video", [3])]
    notes = [
        next(iter(each)).text for each in found(line(weeks(2), series, NAMED, USD), "chart-hit")
    ]
    assert notes == [
        "6 Jan 2025\nSearch: $1,200.50\nVideo: $3.00",
        "13 Jan 2025\nSearch: \N{EN DASH}",
    ]


def test_a_shorter_series_ends_where_it_ends():
    drawing = line(
        weeks(5), [Series("a", [1, 2], [0, 1], [2, 3]), Series("b", [1] * 5)], NAMED, USD
    )
    read(drawing)


def test_a_bar_without_a_value_says_so_and_has_no_length():
    drawing = bars([BarRow("Search", [10, None])], ["Now", "Proposed"], NAMED, USD)
    assert "no data" in lettering(drawing)
    assert len(found(drawing, "chart-bar-2")) == 1  # the legend's only


def test_a_negative_bar_ends_at_zero():
    drawing = bars([BarRow("a", [-10]), BarRow("b", [10])], ["Now"], NAMED, USD, axis="USD")
    boxes = found(drawing, "chart-bar")[1:]
    right = [float(each.get("x", 0)) + float(each.get("width", 0)) for each in boxes]
    assert right[0] == pytest.approx(float(boxes[1].get("x", 0)), abs=0.11)
    assert "\N{MINUS SIGN}$10" in lettering(drawing)


def test_an_interval_is_drawn_over_its_bar_where_both_ends_are_known():
    rows = [BarRow("a", [5], [(3, 8)]), BarRow("b", [5], [(3, None)])]
    assert len(found(bars(rows, ["Now"], NAMED, USD), "chart-whisker")) == 1


def test_a_long_name_is_cut_in_the_gutter_and_whole_under_the_pointer():
    long = "Video advertising in the northern region"
    drawing = bars([BarRow(long, [1])], ["Now"], NAMED, USD, frame=NARROW)
    assert long not in lettering(drawing)
    assert long in drawing


def test_marks_stand_on_the_curve_and_drop_to_the_axis():
    steps = [CurvePoint(0, 0, 0, 0), CurvePoint(10, 100, 80, 120), CurvePoint(20, 150, 100, 190)]
    drawing = curve(steps, [CurveMarker("Now", 5), CurveMarker("Plan", None)], NAMED, (USD, USD))
    drop = found(drawing, "chart-drop")
    assert len(drop) == 1
    assert drop[0].get("x1") == drop[0].get("x2")
    assert "Now: $5.00 brings $50.00" in drawing
    assert len(found(drawing, "chart-band")) == 1


def test_the_key_of_curves_names_line_band_and_every_mark():
    assert lettering(legend(["Now", "Plan"], NAMED)) == ["Expected", "90% interval", "Now", "Plan"]


def test_a_curve_without_bounds_has_no_band():
    assert not found(
        curve([CurvePoint(0, 0), CurvePoint(1, 1, 0)], [], NAMED, (USD, USD)), "chart-band"
    )


@pytest.mark.parametrize(("x", "y"), [(-1, 10), (0, 10), (5, 15), (10, 20), (15, 20), (99, 20)])
def test_a_curve_is_straight_between_its_points_and_flat_outside(x, y):
    assert height([CurvePoint(0, 10), CurvePoint(10, 20), CurvePoint(15, 20)], x) == y


def test_the_legend_goes_on_below_where_the_width_ends():
    names = [f"Channel number {each}" for each in range(6)]
    rows = {row for _, row in plane.flow(names, NARROW)}
    assert rows == {0, 1, 2}
    assert len({row for _, row in plane.flow(names, WIDE)}) == 1


def test_labels_on_an_axis_never_overlap():
    days = [(float(each), f"{each} January") for each in range(40)]
    field = plane.Plane(Scale(0, 40, 0, 400), Scale(0, 1, 100, 0))
    assert len(plane.x_labels(field, days)) < 2 * 40


@given(st.text(max_size=60), st.floats(0, 400))
def test_fitted_text_is_never_wider(text, width):
    assert len(fitted(text, width)) <= max(1, int(width / 6.7))
