"""Asking for the messages to be sent may fail; what was written stays written."""

import pytest

from operations.messaging import dispatch


@pytest.fixture(autouse=True)
def _as_before(monkeypatch):
    monkeypatch.setattr(dispatch, "_dispatcher", dispatch._do_nothing)


def test_the_registered_dispatcher_is_called():
    rung = []
    dispatch.notify_worker()
    dispatch.register_dispatcher(lambda: rung.append(1))
    dispatch.notify_worker()
    assert rung == [1]


def test_a_dispatcher_that_fails_is_logged_and_does_no_harm(caplog):
    dispatch.register_dispatcher(lambda: 1 / 0)
    dispatch.notify_worker()
    assert "No worker could be notified" in caplog.text
