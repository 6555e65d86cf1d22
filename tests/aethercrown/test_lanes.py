"""Lanes of work on a common clock."""

from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.charts.lanes import ChartLane, LaneSegment, lanes
from aethercrown.charts.svg import NARROW, WIDE, Caption
from aethercrown.formatting import Unit

NAMES = ("urgent", "usual")
CAPTION = Caption("plan", "Who does what when")
UNIT = Unit(suffix=" h", digits=1)


def drawn(rows, axis="", frame=WIDE):
    return ET.fromstring(  # noqa: S314 - our own markup
        lanes(rows, NAMES, CAPTION, UNIT, axis=axis, frame=frame)
    )


def bars(picture):
    return [
        each
        for each in picture.iter("{http://www.w3.org/2000/svg}rect")
        if each.get("height") == "16"
    ]


def test_bars_lie_by_their_time_and_lanes_below_each_other():
    rows = [
        ChartLane("w1", [LaneSegment("a", -1, 1, 0), LaneSegment("b", 1, 3, 1)]),
        ChartLane("w2 <&>", [LaneSegment("c", 0, 3, 0)]),
    ]
    first, second, third = bars(drawn(rows, axis="from now"))
    ends = float(first.get("x")) + float(first.get("width")) + 1
    assert ends == pytest.approx(float(second.get("x")), abs=0.2)
    assert float(third.get("y")) == float(first.get("y")) + 26
    assert "a, urgent: \N{MINUS SIGN}1.0 h to 1.0 h" in "".join(drawn(rows).itertext())


def test_work_that_takes_no_time_can_still_be_seen():
    (bar,) = bars(drawn([ChartLane("w", [LaneSegment("a", 2, 2, 1)])], frame=NARROW))
    assert float(bar.get("width")) == 1.5


def test_nothing_to_draw_says_so():
    assert "No data" in lanes([], NAMES, CAPTION, UNIT) or "no" in lanes([], NAMES, CAPTION, UNIT)


@given(
    st.lists(
        st.tuples(st.text(max_size=40), st.floats(-1e9, 1e9), st.floats(0, 1e9), st.integers(0, 1)),
        min_size=1,
        max_size=12,
    )
)
def test_any_work_stays_within_the_drawing(work):
    rows = [
        ChartLane(name, [LaneSegment(name, at, at + long, kind)]) for name, at, long, kind in work
    ]
    for bar in bars(drawn(rows, frame=NARROW)):
        assert -1 <= float(bar.get("x")) <= NARROW.width
        assert float(bar.get("x")) + float(bar.get("width")) <= NARROW.width
