"""Asking for the messages to be sent may fail; what was written stays written."""

from operations.messaging import notify


def test_a_worker_is_notified(notifiers):
    calls = []
    notifiers.append(lambda: calls.append(1))
    notify.notify_worker()
    assert calls == [1]


def test_a_notification_that_fails_is_logged_and_does_no_harm(notifiers, caplog):
    notifiers.append(lambda: 1 / 0)
    notify.notify_worker()
    assert "No worker could be notified" in caplog.text


def test_without_tasks_nobody_is_notified(notifiers):
    notify.notify_worker()
