"""What is on its way, what was given up, and what people are told of it."""

from datetime import timedelta

from operations.messaging import reports, services
from operations.messaging.message import OutgoingMessage
from operations.messaging.models import Message
from tests.operations.conftest import NOON


def posted(count):
    for number in range(count):
        services.enqueue_alert(OutgoingMessage(f"event:{number}", "A", "B", {}), "high", NOON)
    return list(Message.objects.order_by("pk"))


def ended(message, state, days):
    Message.objects.filter(pk=message.pk).update(state=state, ended_at=NOON - timedelta(days=days))


def test_messages_are_counted_by_where_they_stand(listener):
    sent, old, dead, _waiting = posted(4)
    ended(sent, "sent", 0)
    ended(old, "sent", 2)
    ended(dead, "dead", 2)
    assert reports.message_counts(NOON) == reports.MessageCounts(
        waiting=1, sent=1, dead=1, destinations=1
    )


def test_attention_is_drawn_to_what_was_given_up_this_week(listener, settings):
    settings.EMAIL_URL = "smtp://localhost"
    assert reports.attention_items(NOON) == []
    first, second, old = posted(3)
    ended(old, "dead", 8)
    ended(first, "dead", 1)
    [told] = reports.attention_items(NOON)
    assert told.sentence == "1 message given up, not delivered."
    assert told.link == "/admin/operations/message/?state__exact=dead"
    ended(second, "dead", 1)
    assert reports.attention_items(NOON)[0].sentence.startswith("2 messages given up")


def test_attention_is_drawn_to_mail_that_cannot_go_out(listener):
    assert [each.sentence for each in reports.attention_items(NOON)] == [
        "No mail goes out: EMAIL_URL is not set."
    ]
    listener.delete()
    assert reports.attention_items(NOON) == []


def test_links_are_bare_where_somebody_hears_and_our_own_host_is_not_known(settings):
    told = reports.MessageCounts(waiting=0, sent=0, dead=0, destinations=1)
    nobody = reports.MessageCounts(waiting=0, sent=0, dead=0, destinations=0)
    settings.PUBLIC_URL = ""
    assert (told.links_lack_host, nobody.links_lack_host) == (True, False)
    settings.PUBLIC_URL = "https://crown.example.org"
    assert not told.links_lack_host
