from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.metrics.period import Period
from aethercrown.metrics.reading import (
    Change,
    Good,
    MetricUnit,
    Reading,
    change,
    unknown,
    value_text,
)
from aethercrown.metrics.registry import Metric, MetricQuery, measure, metric_registry
from aethercrown.registry import UnknownName

UP, DOWN = Good.UP, Good.DOWN
NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
QUERY = MetricQuery(Period(date(2026, 3, 1), date(2026, 3, 20)), "USD", NOW)


@pytest.mark.parametrize(
    ("now", "earlier", "unit", "good", "wanted"),
    [
        (110, 100, MetricUnit.MONEY, UP, Change("+10.0%", "good")),
        (90, 100, MetricUnit.COUNT, UP, Change("\N{MINUS SIGN}10.0%", "bad")),
        (5.0, 4.0, MetricUnit.PERCENT, DOWN, Change("+1.0\N{NO-BREAK SPACE}points", "bad")),
        (3.0, 4.0, MetricUnit.PERCENT, DOWN, Change("\N{MINUS SIGN}1.0\xa0points", "good")),
        (4.0, 4.0, MetricUnit.PERCENT, DOWN, Change("unchanged")),
        (1_000_400, 1_000_000, MetricUnit.MONEY, UP, Change("up by less than 0.1%", "good")),
        (4.0, 4.01, MetricUnit.PERCENT, UP, Change("down by less than 0.1\xa0points", "bad")),
        (7, 0, MetricUnit.COUNT, UP, Change("up from 0", "good")),
        (7, 0, MetricUnit.COUNT, Good.NEITHER, Change("up from 0")),
        (-7, 0, MetricUnit.MONEY, UP, Change("down from 0", "bad")),
        (0.04, 0, MetricUnit.PERCENT, DOWN, Change("up by less than 0.1\xa0points", "bad")),
        (0, 0, MetricUnit.COUNT, UP, Change("unchanged")),
        (7, None, MetricUnit.COUNT, UP, Change("no earlier value")),
        (None, 7, MetricUnit.COUNT, UP, Change("")),
        (8, 4, MetricUnit.COUNT, Good.NEITHER, Change("+100.0%")),
        (5, -10, MetricUnit.MONEY, UP, Change("+150.0%", "good")),
    ],
)  # fmt: skip
def test_an_amount_changes_by_percent_and_a_percentage_by_points(now, earlier, unit, good, wanted):
    assert change(now, earlier, unit, good) == wanted


@given(st.none() | st.floats(), st.none() | st.floats(), st.sampled_from(MetricUnit))
def test_any_two_values_compare(now, earlier, unit):
    assert change(now, earlier, unit, UP).tone in {"", "good", "bad"}


def test_a_reading_without_a_value_has_a_reason():
    with pytest.raises(ValueError, match="reason"):
        Reading(None)
    assert unknown("No rows").reason == "No rows"


def test_values_are_written_in_their_unit():
    assert value_text(Decimal("1234.5"), MetricUnit.MONEY, "EUR") == "€1,234"
    assert value_text(90, MetricUnit.SECONDS, "EUR") == "1 min 30 s"
    assert value_text(None, MetricUnit.SECONDS, "EUR") == "\N{EN DASH}"
    assert value_text(1.234, MetricUnit.RATIO, "EUR") == "1.23"
    assert value_text(1234, MetricUnit.COUNT, "EUR") == "1,234"


def test_a_figure_without_history_is_not_read_for_a_period_that_is_over():
    asked: list[Period] = []

    def read(query: MetricQuery) -> dict[str, Reading]:
        asked.append(query.period)
        return {"test.state": Reading(3)}

    metric = Metric("test.state", "A", "A.", MetricUnit.COUNT, UP, "/", read, has_history=False)
    metric_registry._entries[metric.name] = metric
    try:
        over = Period(date(2026, 3, 1), date(2026, 3, 19))
        [found] = measure(["test.state"], QUERY, over)
    finally:
        del metric_registry._entries[metric.name]
    assert found.reading == Reading(3)
    assert found.earlier == unknown("No history is kept")
    assert asked == [QUERY.period]


def test_a_span_is_from_the_first_moment_to_the_first_after_the_period():
    assert QUERY.span == (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 3, 21, tzinfo=UTC))


def test_every_registered_metric_has_a_definition_and_a_page():
    listed = list(metric_registry)
    assert {each.name.split(".")[0] for each in listed} >= {"revenue", "tasks", "health", "keys"}
    assert {each.name.split(".")[0] for each in listed} >= {"decisions", "automations"}
    for each in listed:
        assert each.definition.endswith(".")
        assert each.source.startswith("/dashboards/")


def test_an_unknown_metric_is_named():
    with pytest.raises(UnknownName, match="no such"):
        measure(["no such"], QUERY)


def test_what_a_reader_does_not_give_is_not_calculated(db):
    metric = Metric("test.none", "None", "None.", MetricUnit.COUNT, UP, "/", lambda _query: {})
    metric_registry._entries[metric.name] = metric
    try:
        assert measure([metric.name], QUERY)[0].reading == unknown("Not calculated")
    finally:
        del metric_registry._entries[metric.name]
