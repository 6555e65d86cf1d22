"""What weeks share, against least squares with dummies and ridge."""

import numpy as np
import pytest

from marketing.budget.model import season


def panel(rng, channels=5, weeks=30, shared=0.3, missing=0.0):
    s = rng.normal(0, 0.3, (channels, weeks))
    g = shared * rng.normal(size=weeks)
    r = 0.5 * s + g + rng.normal(0, 0.1, s.shape) + rng.normal(size=(channels, 1))
    seen = (rng.random(s.shape) >= missing).astype(float)
    return s, r, seen, g


def with_dummies(s, r, seen):
    """The same ridge, written out: a column a channel, an elasticity each, a column a week."""
    channels, weeks = s.shape
    lines, right = [], []
    for c in range(channels):
        for t in range(weeks):
            if seen[c, t]:
                row = np.zeros(2 * channels + weeks)
                row[c], row[channels + c], row[2 * channels + t] = 1, s[c, t], 1
                lines.append(row / 0.2)
                right.append(r[c, t] / 0.2)
    for c in range(channels):
        row = np.zeros(2 * channels + weeks)
        row[channels + c] = 1 / 0.2
        lines.append(row)
        right.append(0.55 / 0.2)
    found = np.linalg.lstsq(np.array(lines), np.array(right), rcond=None)[0][2 * channels :]
    return found - found.mean()


@pytest.mark.parametrize("missing", [0.0, 0.2])
def test_the_week_effect_is_that_of_least_squares_with_dummies(missing):
    s, r, seen, _ = panel(np.random.default_rng(1), missing=missing)
    if missing == 0:
        r = r - r.mean(axis=1, keepdims=True)
    s = season.centred(s, seen)
    assert season.week_effect(r, s, seen) == pytest.approx(with_dummies(s, r, seen), abs=1e-5)


def test_weeks_that_share_nothing_have_no_effect():
    s, r, seen, _ = panel(np.random.default_rng(2), shared=0.0)
    assert not season.week_effect(r, s, seen).any()


def test_a_slow_and_weak_season_is_kept_smooth():
    rng = np.random.default_rng(3)
    s = rng.normal(0, 0.3, (6, 104))
    wave = 0.12 * np.sin(2 * np.pi * np.arange(104) / 52)
    r = 0.5 * s + wave + rng.normal(0, 0.2, s.shape)
    found = season.week_effect(r, s, np.ones_like(s))
    assert np.abs(found - (wave - wave.mean())).max() < 0.1
    assert np.abs(np.diff(found)).max() < 0.05


def test_two_channels_learn_the_year_from_the_calendar():
    rng = np.random.default_rng(4)
    s = rng.normal(0, 0.3, (1, 104))
    wave = 0.4 * np.sin(2 * np.pi * np.arange(104) / 52)
    r = 0.5 * s + wave + rng.normal(0, 0.1, s.shape)
    days = [7 * week for week in range(104)]
    found = season.calendar_effect(r, s, np.ones_like(s), days)
    assert np.corrcoef(found, wave)[0, 1] > 0.98


def test_a_short_history_has_neither_trend_nor_year():
    rng = np.random.default_rng(5)
    s = rng.normal(0, 0.3, (2, 6))
    found = season.calendar_effect(0.5 * s, s, np.ones_like(s), [7 * week for week in range(6)])
    assert not found.any()
    assert season.calendar_columns(np.arange(12.0), 12).shape == (12, 1)
