"""Asking for the messages to be sent may fail; what was written stays written."""

import pytest

from operations.outbox import bell


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(bell, "_ringer", bell._nobody)


def test_whoever_hangs_there_is_called():
    rung = []
    bell.ring()
    bell.hang(lambda: rung.append(1))
    bell.ring()
    assert rung == [1]


def test_a_ringer_that_fails_is_noted_and_does_no_harm(caplog):
    bell.hang(lambda: 1 / 0)
    bell.ring()
    assert "Nobody could be asked" in caplog.text
