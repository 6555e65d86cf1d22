"""Stacked bars, waterfalls, intervals, heat strips and sparklines: whole, escaped, to the point."""

from datetime import date
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.charts.heat import HeatRow, heat, level
from aethercrown.charts.intervals import IntervalRow, intervals
from aethercrown.charts.lines import Series
from aethercrown.charts.sparkline import sparkline
from aethercrown.charts.stacked import stacked
from aethercrown.charts.svg import NARROW, WIDE, Caption
from aethercrown.charts.waterfall import WaterfallStep, waterfall
from aethercrown.formatting import PERCENT, money

USD = money("USD", 0)
MONTHS = [date(2025, 11, 1), date(2025, 12, 1), date(2026, 1, 1)]
NAMED = Caption("c", "Chart", "What it says")
BOUNDS = (95.0, 99.0, 99.9, 100.0)
amounts = st.one_of(st.none(), st.floats(), st.integers(-(10**9), 10**9), st.decimals())
texts = st.text(max_size=40)
frames = st.sampled_from([WIDE, NARROW])


def read(drawing):
    root = ET.fromstring(drawing)  # noqa: S314 - made by the code under test
    for element in root.iter():
        for name in ("x", "y", "width", "height", "d"):
            assert not {"nan", "inf"} & set(element.get(name, "").lower().split())
        assert float(element.get("height", "0") or 0) >= 0
        assert float(element.get("width", "0") or 0) >= 0
    return root


def found(drawing, kind):
    return [each for each in read(drawing).iter() if kind in (each.get("class") or "").split()]


def lettering(drawing):
    return [each.text or "" for each in read(drawing).iter() if each.tag.endswith("text")]


def notes(drawing):
    titles = [each.text or "" for each in read(drawing).iter() if each.tag.endswith("title")]
    return titles[1:]


@given(st.lists(st.tuples(amounts, amounts), min_size=1, max_size=12), texts, frames)
def test_any_stack_is_whole(values, name, frame):
    days = [date(2020 + at // 12, at % 12 + 1, 1) for at in range(len(values))]
    one, two = zip(*values, strict=True)
    read(stacked(days, [Series(name, one), Series("b", two)], NAMED, USD, axis=name, frame=frame))


@given(amounts, st.lists(st.tuples(texts, amounts), max_size=8), frames)
def test_any_waterfall_is_whole(opening, steps, frame):
    made = [WaterfallStep(name, change) for name, change in steps]
    read(waterfall(("Opening", opening), made, "Closing", NAMED, USD, frame=frame))


@given(st.lists(st.tuples(texts, amounts, amounts, amounts), max_size=8), frames)
def test_any_intervals_are_whole(rows, frame):
    read(intervals([IntervalRow(*each) for each in rows], NAMED, USD, axis="a", frame=frame))


@given(st.lists(st.tuples(texts, st.lists(amounts, max_size=9)), max_size=6), frames, st.booleans())
def test_any_heat_strip_is_whole(rows, frame, shown):
    made = [HeatRow(*each) for each in rows]
    read(heat(made, list("abcdefghi"), BOUNDS, NAMED, PERCENT, frame=frame, texts=shown))


@given(st.lists(amounts, max_size=12))
def test_any_sparkline_is_whole(values):
    drawing = sparkline(values)
    assert drawing == "" or read(drawing).get("aria-hidden") == "true"


def test_gains_stand_above_zero_and_losses_below():
    series = [Series("New", [10, None, 5]), Series("Grown", [5, 5, 0]), Series("Churn", [-4, -2])]
    drawing = stacked(MONTHS, series, NAMED, USD)
    assert len(found(drawing, "chart-part")) == 6 + 3  # and the legend's
    assert notes(drawing)[0] == "November 2025\nNew: $10\nGrown: $5\nChurn: \N{MINUS SIGN}$4"
    assert "Churn: \N{EN DASH}" in notes(drawing)[2]
    assert {"Nov 2025", "Dec", "Jan 2026"} <= set(lettering(drawing))


def test_days_are_named_as_days():
    days = [date(2026, 1, 31), date(2026, 2, 1)]
    drawing = stacked(days, [Series("Runs", [1, 2])], NAMED, USD)
    assert notes(drawing)[1].startswith("1 Feb 2026")
    assert "31 Jan 2026" in lettering(drawing)


def test_a_waterfall_ends_where_its_steps_lead_and_tells_good_apart_from_up():
    steps = [WaterfallStep("New", 20, good=True), WaterfallStep("Churn", -50, good=False)]
    drawing = waterfall(("Opening", 100), steps, "Closing", NAMED, USD)
    assert notes(drawing) == [
        "Opening: $100",
        "Closing: $70",
        "New: +$20",
        "Churn: \N{MINUS SIGN}$50",
    ]
    assert len(found(drawing, "part-good")) == len(found(drawing, "part-bad")) == 1
    assert {"+$20", "\N{MINUS SIGN}$50", "$70"} <= set(lettering(drawing))


def test_an_estimate_stands_on_its_interval_and_an_unknown_one_is_said():
    rows = [IntervalRow("a", 5, 1, 9), IntervalRow("b", 5, 1), IntervalRow("c", None)]
    drawing = intervals(rows, NAMED, PERCENT)
    assert len(found(drawing, "chart-band")) == 1 + 1  # and the legend's
    assert "no data" in lettering(drawing)
    assert "a: 5.0% (1.0% to 9.0%)" in notes(drawing)
    assert "b: 5.0%" in notes(drawing)


def test_a_cell_without_a_value_is_empty_and_others_have_five_levels():
    known = [94.0, 95.0, 99.0, 99.95, 100.0]
    assert [level(each, BOUNDS) for each in known] == [1, 2, 3, 4, 5]
    drawing = heat([HeatRow("shop", [*known, None])], list("abcdef"), BOUNDS, NAMED, PERCENT)
    assert len(found(drawing, "heat-none")) == 1
    assert len(found(drawing, "heat-5")) == 1 + 1  # and the legend's
    assert "94.0%" in lettering(drawing)
    assert "shop, f: \N{EN DASH}" in notes(drawing)


@pytest.mark.parametrize(
    "drawing",
    [
        stacked(MONTHS, [Series("a", [None, 0, None])], NAMED, USD),
        waterfall(("Opening", 0), [], "Closing", NAMED, USD),
        intervals([IntervalRow("a", None)], NAMED, USD),
        heat([HeatRow("a", [None])], ["x"], BOUNDS, NAMED, PERCENT),
    ],
)
def test_nothing_to_draw_is_said(drawing):
    assert lettering(drawing) == ["No data in this period"]


def test_a_sparkline_needs_two_values_and_breaks_at_a_gap():
    assert sparkline([1, None]) == ""
    assert len(found(sparkline([1, 2, None, 3, 4]), "chart-line")) == 2
    assert len(found(sparkline([3, 3]), "chart-line")) == 1
