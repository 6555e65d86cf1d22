"""Waking a worker may fail; what was written stays written."""

from operations.messaging import wake_worker


def test_a_worker_is_woken(callbacks):
    calls = []
    callbacks.append(lambda: calls.append(1))
    wake_worker.wake_worker()
    assert calls == [1]


def test_waking_that_fails_is_logged_and_does_no_harm(callbacks, caplog):
    callbacks.append(lambda: 1 / 0)
    wake_worker.wake_worker()
    assert "No worker could be woken" in caplog.text


def test_without_tasks_nobody_is_woken(callbacks):
    wake_worker.wake_worker()
