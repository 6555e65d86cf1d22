"""The tasks do what their services do."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from operations.messaging import services, tasks, wake_worker
from operations.messaging.message import OutgoingMessage
from operations.messaging.models import Message


def test_due_messages_are_sent_and_old_ones_deleted(listener, settings):
    settings.EMAIL_URL = "smtp://localhost"
    services.enqueue_alert(OutgoingMessage("event:1", "A", "B", {}), "high", timezone.now())
    tasks.send_messages()
    assert [mail_message.subject for mail_message in mail.outbox] == ["A"]
    Message.objects.update(ended_at=timezone.now() - timedelta(days=91))
    tasks.purge_messages()
    assert not Message.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_the_web_servers_thread_sends_what_is_stuck(listener, settings):
    settings.EMAIL_URL = "smtp://localhost"
    before = timezone.now() - timedelta(minutes=1)
    services.enqueue_alert(OutgoingMessage("event:1", "A", "B", {}), "high", before)
    tasks.watcher.function()
    assert Message.objects.get().state == "sent"


def test_waking_a_worker_sends_the_task_to_the_broker(callbacks):
    callbacks.append(tasks.send_soon)
    app = tasks.send_messages.app
    with app.connection_for_read() as connection:
        queue = connection.SimpleQueue(app.conf.task_default_queue)
        queue.clear()
        wake_worker.wake_worker()
        headers = queue.get(timeout=5).headers
    assert headers["task"] == "operations.send_messages"
    assert headers["expires"]
