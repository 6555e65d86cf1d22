from datetime import timedelta

import pytest

from operations.health.history.period import InvalidPeriod, parse_period


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("24h", timedelta(hours=24)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("730d", timedelta(days=730)),
    ],
)
def test_hours_and_days_are_read(text, length):
    assert parse_period(text) == length


@pytest.mark.parametrize(
    "text", ["", "24", "h", "0h", "-1d", "1.5h", "24H", "7 d", "\u0661d", "1w"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(InvalidPeriod, match="24h, 7d or 90d"):
        parse_period(text)


@pytest.mark.parametrize("text", ["731d", "17521h", "99999d"])
def test_longer_than_history_is_refused(text):
    with pytest.raises(InvalidPeriod, match="730d"):
        parse_period(text)
