"""Asking for the messages to be sent may fail; what was written stays written."""

import pytest

from operations.messaging import dispatch


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(dispatch, "_ringer", dispatch._nobody)


def test_whoever_hangs_there_is_called():
    rung = []
    dispatch.notify_worker()
    dispatch.register_dispatcher(lambda: rung.append(1))
    dispatch.notify_worker()
    assert rung == [1]


def test_a_ringer_that_fails_is_noted_and_does_no_harm(caplog):
    dispatch.register_dispatcher(lambda: 1 / 0)
    dispatch.notify_worker()
    assert "Nobody could be asked" in caplog.text
