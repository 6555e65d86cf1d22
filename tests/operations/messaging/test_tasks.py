"""The tasks do what their services do."""

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from operations.messaging import dispatch, services, tasks
from operations.messaging.message import OutgoingMessage
from operations.messaging.models import Message


def test_what_waits_is_sent_and_what_is_old_is_forgotten(listener, settings):
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
    tasks.deliver_stuck()
    assert Message.objects.get().state == "sent"


@pytest.mark.django_db
def test_the_dispatcher_asks_a_worker(monkeypatch):
    asked = []
    monkeypatch.setattr(tasks.send_messages, "apply_async", lambda **how: asked.append(how))
    monkeypatch.setattr(dispatch, "_dispatcher", tasks.send_soon)
    dispatch.notify_worker()
    assert asked == [{"expires": 60, "retry": False}]
