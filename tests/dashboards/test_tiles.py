from datetime import UTC, date, datetime

from aethercrown.metrics.period import Period
from aethercrown.metrics.reading import Good, MetricUnit, Reading, unknown
from aethercrown.metrics.registry import Measured, Metric, MetricQuery
from aethercrown.page_parts import JobProgress
from dashboards.tiles import tiles

NOW = datetime(2026, 3, 20, 9, tzinfo=UTC)
QUERY = MetricQuery(Period(date(2026, 3, 1), date(2026, 3, 20)), "USD", NOW)
CHURN = Metric(
    "x.churn", "Churn", "Who left.", MetricUnit.PERCENT, Good.DOWN, "/x", lambda _query: {}
)


def test_a_falling_churn_is_good_and_its_course_is_drawn():
    series = [(date(2026, month, 1), value) for month, value in ((1, 5.0), (2, None), (3, 4.0))]
    reading = Reading(4.0, note="in March", series=series)
    [shown] = tiles([Measured(CHURN, reading, Reading(5.0), QUERY)], "February")
    assert (shown.value, shown.note, shown.missing) == ("4.0%", "in March", False)
    assert shown.change is not None
    assert shown.change.tone == "good"
    assert shown.change.text.startswith("\N{MINUS SIGN}1.0")
    assert shown.compared == "February"
    assert shown.sparkline.startswith("<svg")
    assert shown.as_of == NOW


def test_an_unknown_value_is_a_dash_with_its_reason_and_no_change():
    [shown] = tiles([Measured(CHURN, unknown("No customers"), Reading(5.0), QUERY)])
    assert (shown.missing, shown.note, shown.change) == (True, "No customers", None)
    assert shown.sparkline == ""


def test_without_a_comparison_there_is_no_change():
    [shown] = tiles([Measured(CHURN, Reading(4.0), None, QUERY)])
    assert shown.change is None


def test_the_share_of_a_job_is_known_with_its_total():
    assert JobProgress("j", "Import", "running", 5, 20, "/j").percent == 25
    assert JobProgress("j", "Import", "running", 25, 20, "/j").percent == 100
    assert JobProgress("j", "Import", "running", 5, None, "/j").percent is None
