"""Asking for the messages to be sent may fail; what was written stays written."""

import pytest

from operations.messaging import dispatch

pytestmark = pytest.mark.usefixtures("dispatcher")


def test_the_registered_dispatcher_is_called():
    calls = []
    dispatch.register_dispatcher(lambda: calls.append(1))
    dispatch.notify_worker()
    assert calls == [1]


def test_a_dispatcher_that_fails_is_logged_and_does_no_harm(caplog):
    dispatch.register_dispatcher(lambda: 1 / 0)
    dispatch.notify_worker()
    assert "No worker could be notified" in caplog.text
