"""When use crosses a threshold: exact percents, a limit of 0, and gauges that arm again."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from aethercrown.severity import CRITICAL, WARNING
from enterprise.usage.analysis import crossing
from enterprise.usage.analysis.crossing import (
    DEFAULT_THRESHOLDS,
    GaugeArming,
    Threshold,
    UsageLevel,
)

EIGHTY, NINETY_FIVE = DEFAULT_THRESHOLDS
NOW = datetime(2027, 3, 1, tzinfo=UTC)


def level(used, limit=1000):
    return UsageLevel(Decimal(str(used)), Decimal(limit))


def percents(previous, now):
    return [int(each.percent) for each in crossing.crossed(previous, now, DEFAULT_THRESHOLDS)]


def test_the_worked_crossings():
    assert percents(None, level("799.999")) == []
    assert percents(level("799.999"), level(800)) == [80]
    assert percents(level(800), level(780)) == []
    assert percents(level(805), level(990)) == [95]
    assert percents(level(990), level(990, 1250)) == []  # 79.2 %
    assert percents(level(990, 1250), level(1200, 1250)) == [80, 95]
    assert percents(None, level(1010, 1250)) == [80]  # a new period begins at 0
    assert percents(level(1010, 1250), level(1010)) == [95]


def test_any_use_of_a_limit_of_zero_is_above_every_threshold():
    assert percents(None, level(0, 0)) == []
    assert percents(level(0, 0), level("0.000001", 0)) == [80, 95]
    assert level(1, 0).percent is None
    assert level(1, 0).is_below(Decimal(75)) is False
    assert level(0, 0).is_below(Decimal(75)) is True


def test_the_worst_threshold_that_is_reached():
    assert crossing.reached(level(960), DEFAULT_THRESHOLDS) == NINETY_FIVE
    assert crossing.reached(level(800), DEFAULT_THRESHOLDS) == EIGHTY
    assert crossing.reached(level(799), DEFAULT_THRESHOLDS) is None
    odd = (Threshold(Decimal(50), CRITICAL), Threshold(Decimal(90), WARNING))
    assert crossing.reached(level(950), odd) == odd[0]
    assert level(250).percent == 25


def gauge(armings, used, at):
    return crossing.gauge_crossed(armings, level(used, 100), (EIGHTY,), at)


def test_a_gauge_alerts_again_once_it_was_five_points_below():
    first = gauge({}, 80, NOW)
    assert first.crossed == [(EIGHTY, 1)]
    day = timedelta(days=1)
    above = gauge(first.armings, 90, NOW + day)
    assert above.crossed == []
    close = gauge(above.armings, "75.01", NOW + day)
    assert gauge(close.armings, 80, NOW + 2 * day).crossed == []
    below = gauge(close.armings, 75, NOW + 2 * day)
    assert below.armings[Decimal(80)] == GaugeArming(is_armed=True, number=1, alerted_at=NOW)
    assert gauge(below.armings, 81, NOW + 3 * day).crossed == [(EIGHTY, 2)]


@pytest.mark.parametrize(("hours", "alerts"), [(23, 0), (24, 1)])
def test_a_gauge_alerts_once_in_24_hours(hours, alerts):
    first = gauge({}, 85, NOW)
    below = gauge(first.armings, 10, NOW + timedelta(hours=1))
    found = gauge(below.armings, 85, NOW + timedelta(hours=hours))
    assert len(found.crossed) == alerts
