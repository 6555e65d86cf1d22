import os

import pytest

from aethercrown.http import hsts


def test_without_https_nothing_is_promised_and_nothing_noted(tmp_path):
    assert hsts.seconds(tmp_path, https=False) == 0
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("days", "promised"), [(0, 3600), (6.9, 3600), (7.1, 31_536_000), (400, 31_536_000)]
)
def test_an_hour_in_the_first_week_and_then_a_year(tmp_path, days, promised):
    assert hsts.seconds(tmp_path, https=True) == 3600
    note = tmp_path / hsts.NOTE
    os.utime(note, (1e9, 1e9))
    assert hsts.seconds(tmp_path, https=True, now=1e9 + days * 86_400) == promised
    assert note.stat().st_mode & 0o077 == 0
