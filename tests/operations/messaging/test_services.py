"""Messages are written once, sent once, tried again, given up, and never lost."""

import json
import smtplib
from datetime import timedelta
from email.utils import parseaddr

import pytest
from django.core import mail
from django.utils import timezone

from aethercrown.crypto import keyring
from aethercrown.http.addresses import parse_networks
from aethercrown.http.outbound import (
    AddressRefused,
    OutboundResponse,
    ResponseTooLarge,
    Unreachable,
)
from aethercrown.transitions import InvalidTransition
from operations.messaging import retry, services
from operations.messaging.message import OutgoingMessage
from operations.messaging.models import Destination, Message
from operations.messaging.registry import (
    SentListener,
    StateTopic,
    sent_listeners,
    state_topics,
)
from operations.messaging.services import DeliveryFailed
from tests.aethercrown.registries import isolated
from tests.operations.conftest import NOON
from tests.operations.messaging.receiver import is_valid

MINUTE = timedelta(minutes=1)
EVENT_MESSAGE = OutgoingMessage("event:1", "A title", "A text", {"event": "opened"})


@pytest.fixture(autouse=True)
def _mail_goes_out(settings):
    settings.EMAIL_URL = "smtp://localhost"
    settings.ALERT_EMAIL_FROM = "Crown <crown@example.org>"


class FakeSender:
    """Takes messages, or refuses them as the test says."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.seen = []

    def __call__(self, message, now):
        self.seen.append((message.event_key, now))
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error


def enqueued(key="event:1", severity="high"):
    services.enqueue_alert(
        OutgoingMessage(key, "A title", "A text", {"event": "opened"}), severity, NOON
    )
    return Message.objects.filter(event_key__startswith=f"{key}:").order_by("-pk").first()


def deliver_all(sender, after=timedelta(0), **options):
    return services.deliver_due(
        clock=lambda: NOON + after, send=sender, random=lambda: 0.5, **options
    )


def test_one_event_makes_one_row_for_each_destination(listener, hook):
    assert services.enqueue_alert(EVENT_MESSAGE, "info", NOON) == 0
    for _again in range(2):
        assert services.enqueue_alert(EVENT_MESSAGE, "warning", NOON) == 2
    keys = set(Message.objects.values_list("event_key", flat=True))
    assert keys == {f"event:1:email:{listener.pk}", f"event:1:webhook:{hook.pk}"}


def test_what_arrived_is_not_sent_again(listener):
    message = enqueued()
    sender = FakeSender()
    assert deliver_all(sender, MINUTE) == 1
    assert deliver_all(sender, MINUTE) == 0
    message.refresh_from_db()
    assert (message.state, message.ended_at, message.lease_until, message.error) == (
        "sent", NOON + MINUTE, None, "",
    )  # fmt: skip
    assert sender.seen == [(message.event_key, NOON + MINUTE)]


def test_what_fails_is_tried_after_each_wait_and_then_dead(listener):
    message = enqueued()
    sender = FakeSender(*[DeliveryFailed("password=hunter22 was refused") for _try in range(9)])
    moment = timedelta(0)
    for wait in retry.DELAYS:
        deliver_all(sender, moment)
        message.refresh_from_db()
        assert (message.state, message.next_at) == ("queued", NOON + moment + wait)
        assert "hunter22" not in message.error
        assert deliver_all(sender, moment + wait - timedelta(seconds=1)) == 0
        moment += wait
    deliver_all(sender, moment)
    message.refresh_from_db()
    assert (message.state, message.tries, message.ended_at) == ("dead", 6, NOON + moment)
    assert deliver_all(sender, moment + timedelta(days=9)) == 0
    assert len(sender.seen) == 6


def test_a_retry_that_a_clock_ahead_put_off_is_due_once_it_is_set_back(listener):
    enqueued()
    days = timedelta(days=30)
    assert deliver_all(FakeSender(DeliveryFailed("busy")), days) == 0
    assert deliver_all(FakeSender(), MINUTE) == 1


def test_a_final_failure_is_not_tried_again_until_a_person_says_so(listener):
    message = enqueued()
    deliver_all(FakeSender(DeliveryFailed("404", final=True)))
    message.refresh_from_db()
    assert (message.state, message.error, message.tries) == ("dead", "404", 1)

    services.send_again(message.pk, NOON + MINUTE)
    with pytest.raises(InvalidTransition, match="is queued; only a dead message"):
        services.send_again(message.pk, NOON)
    assert deliver_all(FakeSender(), MINUTE) == 1
    message.refresh_from_db()
    assert (message.state, message.tries) == ("sent", 1)


def test_an_error_nobody_thought_of_is_tried_again(listener, caplog):
    message = enqueued()
    deliver_all(FakeSender(ZeroDivisionError("odd")))
    message.refresh_from_db()
    assert (message.state, message.error) == ("queued", "ZeroDivisionError: odd")
    assert "could not be sent" in caplog.text


def test_other_messages_to_an_unreachable_destination_wait_as_well(listener, hook):
    enqueued("event:1")
    enqueued("event:2")
    sender = FakeSender(DeliveryFailed("gone", is_away=True), DeliveryFailed("gone", is_away=True))
    assert deliver_all(sender) == 0
    assert len(sender.seen) == 2
    assert deliver_all(sender, MINUTE) == 4


def test_of_two_workers_one_has_the_message(listener):
    message = enqueued()
    first = services.claim(message.pk, NOON)
    assert first is not None
    assert first.tries == 1
    assert services.claim(message.pk, NOON) is None
    assert deliver_all(FakeSender()) == 0


def test_to_one_destination_messages_go_one_at_a_time(listener, hook):
    enqueued("event:1")
    enqueued("event:2")
    busy = Message.objects.filter(destination=hook)[0]
    services.claim(busy.pk, NOON)
    sender = FakeSender()
    assert deliver_all(sender) == 2
    assert all(":email:" in key for key, _now in sender.seen)


def test_the_message_of_a_killed_worker_is_sent_after_its_lease(listener):
    message = enqueued()
    services.claim(message.pk, NOON)
    assert deliver_all(FakeSender(), services.LEASE_LENGTH) == 0
    assert deliver_all(FakeSender(), services.LEASE_LENGTH + MINUTE) == 1


def test_what_kills_its_worker_each_time_is_given_up(listener):
    message = enqueued()
    Message.objects.update(tries=retry.MAX_TRIES)
    sender = FakeSender()
    deliver_all(sender)
    message.refresh_from_db()
    assert (message.state, message.error, sender.seen) == ("dead", services.WORKER_LOST, [])


def test_a_worker_that_woke_past_its_lease_notes_nothing(listener):
    message = enqueued()

    def slow(_message, _now):
        late = NOON + services.LEASE_LENGTH + MINUTE
        assert services.claim(message.pk, late) is not None

    deliver_all(slow)
    message.refresh_from_db()
    assert (message.state, message.claims) == ("sending", 2)


def test_a_message_is_sent_whatever_its_sender_makes_of_it(listener, caplog):
    heard = []

    def broken(key):
        heard.append(key)
        raise ZeroDivisionError

    message = enqueued()
    others = SentListener("plan:", heard.append)
    with isolated(sent_listeners, [others, SentListener("event:", broken)]):
        assert deliver_all(FakeSender()) == 1
    message.refresh_from_db()
    assert (message.state, heard) == ("sent", [message.event_key])
    assert f"{message.event_key} was sent, and its sender could not record it" in caplog.text


def test_what_a_newer_message_about_the_same_overtook_is_not_sent_any_more(listener, hook):
    """A receiver that fails once must not hear last that a resolved alert is open."""
    with isolated(state_topics, [StateTopic("alert:")]):
        first, _ = enqueued("alert:7:1:opened"), enqueued("alert:8:1:opened")
        sender = FakeSender(*[DeliveryFailed("busy")] * 4)
        assert deliver_all(sender) == 0
        enqueued("alert:7:2:resolved")
        assert deliver_all(sender, MINUTE / 2) == 2
        assert deliver_all(sender, 2 * MINUTE) == 2
    assert {key[:9] for key, _now in sender.seen[-2:]} == {"alert:8:1"}
    first.refresh_from_db()
    assert (first.state, first.error) == ("skipped", services.OVERTAKEN)


def test_a_drain_begins_nothing_after_its_time(listener):
    enqueued()
    assert deliver_all(FakeSender(), seconds=0) == 0


def test_what_no_worker_takes_is_sent_by_others_after_a_while(listener):
    now = timezone.now()
    services.enqueue_alert(EVENT_MESSAGE, "high", now)
    assert services.deliver_stuck(now + timedelta(seconds=19)) == 0
    assert services.deliver_stuck(now + timedelta(seconds=20)) == 1
    assert [email.subject for email in mail.outbox] == ["A title"]
    assert services.deliver_stuck(now + timedelta(hours=1)) == 0


def test_messages_that_are_due_no_more_when_they_are_claimed_are_passed_over(listener):
    enqueued()
    times = iter([NOON, NOON - MINUTE])  # the clock is set back after the due ones were listed
    assert services.deliver_due(clock=lambda: next(times), send=FakeSender()) == 0


def test_a_worker_is_notified_when_the_event_is_committed(
    listener, callbacks, django_capture_on_commit_callbacks
):
    calls = []
    callbacks.append(lambda: calls.append(1))
    with django_capture_on_commit_callbacks(execute=True):
        enqueued()
        assert calls == []
    assert calls == [1]


@pytest.mark.django_db(transaction=True)
def test_many_workers_send_each_message_once(at_once, listener, hook, settings):
    for number in range(20):
        enqueued(f"event:{number}")
    sender = FakeSender()
    at_once(lambda: [deliver_all(sender) for _again in range(3)], 4)
    while deliver_all(sender):
        pass
    keys = [key for key, _now in sender.seen]
    assert len(keys) == len(set(keys)) == 40


# --- Channels ---------------------------------------------------------------------------------
def test_a_line_break_in_a_title_begins_no_header_and_stops_no_mail(listener):
    message = enqueued()
    Message.objects.filter(pk=message.pk).update(title="A\r\nBcc: eve@example.org\ntitle")
    assert services.deliver_due(clock=lambda: NOON + MINUTE) == 1
    [email] = mail.outbox
    assert (email.subject, email.recipients()) == ("A Bcc: eve@example.org title", email.to)


def test_a_mail_names_its_event_in_its_id(listener):
    services.deliver(enqueued(), NOON)
    [email] = mail.outbox
    assert (email.subject, email.body, email.to) == ("A title", "A text", ["ada@example.com"])
    assert parseaddr(email.from_email)[1] == "crown@example.org"
    assert email.extra_headers["Message-ID"] == f"<event.1.email.{listener.pk}@example.org>"


def test_without_a_mail_server_the_message_says_so(listener, settings):
    settings.EMAIL_URL = ""
    with pytest.raises(DeliveryFailed, match="EMAIL_URL is not set") as caught:
        services.deliver(enqueued(), NOON)
    assert caught.value.final


@pytest.mark.parametrize("error", [ConnectionRefusedError(), smtplib.SMTPServerDisconnected("x")])
def test_a_mail_server_that_fails_is_tried_again(listener, settings, error):
    settings.EMAIL_BACKEND = "tests.operations.messaging.test_services.Failing"
    Failing.error = error
    with pytest.raises(DeliveryFailed, match="mail server") as caught:
        services.deliver(enqueued(), NOON)
    assert caught.value.is_away
    assert not caught.value.final


class Failing:
    """A mail backend that cannot be reached."""

    error: Exception

    def __init__(self, **_options):
        pass

    def send_messages(self, _letters):
        raise self.error


def test_a_message_whose_destination_is_gone_is_dead(listener):
    message = enqueued()
    listener.delete()
    message.refresh_from_db()
    assert message.to == "Ada"
    with pytest.raises(DeliveryFailed, match="was deleted"):
        services.deliver(message, NOON)


class Receiver:
    """Stands where the client for webhooks does, one step before the network."""

    def __init__(self, answer, body=b""):
        self.answer, self.body = answer, body
        self.calls = []

    def fetch(self, url, **options):
        self.calls.append((url, options))
        if isinstance(self.answer, Exception):
            raise self.answer
        return OutboundResponse(self.answer, {}, self.body, 0.1)


def test_a_webhook_carries_the_event_signed(hook):
    receiver = Receiver(204)
    message = enqueued()
    services.deliver(message, NOON, receiver.fetch)
    [(url, options)] = receiver.calls
    sent = options["headers"]
    assert url == "https://hooks.example.com/alerts"
    assert (options["method"], options["seconds"]) == ("POST", 10.0)
    assert options["allowed"] == ()
    assert sent["X-Event-Id"] == message.event_key
    assert json.loads(options["body"]) == {"event": "opened", "id": message.event_key}
    assert is_valid(
        "s3cret-of-the-hook", sent["X-Timestamp"], options["body"], sent["X-Signature"], NOON
    )


@pytest.mark.parametrize(
    ("reply", "final", "words"),
    [
        (302, True, "answered 302"),
        (410, True, "answered 410"),
        (429, False, "answered 429"),
        (503, False, "answered 503"),
        (AddressRefused("10.0.0.1 is not public."), True, "not public"),
        (Unreachable("timeout", "It did not answer in time."), False, "in time. .timeout."),
        (ResponseTooLarge("Too much.", 500), False, "answered 500"),
    ],
)
def test_what_a_receiver_does_not_take_is_judged_by_its_answer(hook, reply, final, words):
    with pytest.raises(DeliveryFailed, match=words) as caught:
        services.deliver(enqueued(), NOON, Receiver(reply).fetch)
    assert caught.value.final == final


def chat_destination(channel):
    return Destination.objects.create(
        name="Chat", channel=channel, address="https://chat.example.com/hooks/token"
    )


@pytest.mark.parametrize("channel", ["slack", "teams", "mattermost"])
def test_a_chat_is_sent_its_own_format_without_a_signature(channel, db):
    chat_destination(channel)
    receiver = Receiver(200, b"ok")
    services.deliver(enqueued(), NOON, receiver.fetch)
    [(url, options)] = receiver.calls
    assert url == "https://chat.example.com/hooks/token"
    assert options["headers"] == {"Content-Type": "application/json"}
    assert "A title" in options["body"].decode()


@pytest.mark.parametrize(
    ("channel", "receiver", "final", "words"),
    [
        ("slack", Receiver(404, b"no_service"), True, "answered 404: no_service."),
        ("teams", Receiver(200, b"... HTTP error 429 ..."), False, "answered 429."),
    ],
)
@pytest.mark.django_db
def test_what_a_chat_refuses_is_said(channel, receiver, final, words):
    chat_destination(channel)
    with pytest.raises(DeliveryFailed, match=words) as caught:
        services.deliver(enqueued(), NOON, receiver.fetch)
    assert caught.value.final == final


def test_a_test_message_goes_to_one_destination_even_switched_off(listener, hook):
    Destination.objects.update(is_enabled=False)
    message = services.enqueue_test(hook.pk, NOON)
    assert (message.to, Message.objects.count()) == ("Hook", 1)
    receiver = Receiver(204)
    services.deliver(message, NOON, receiver.fetch)
    assert json.loads(receiver.calls[0][1]["body"])["event"] == "test"


def test_a_webhook_inside_is_called_in_the_networks_of_its_destination(hook):
    hook.networks = "10.1.0.0/16"
    hook.save()
    receiver = Receiver(204)
    services.deliver(enqueued(), NOON, receiver.fetch)
    assert receiver.calls[0][1]["allowed"] == parse_networks("10.1.0.0/16")


def test_a_receiver_that_talks_too_much_has_it_nevertheless(hook):
    services.deliver(enqueued(), NOON, Receiver(ResponseTooLarge("Too much.", 200)).fetch)


def test_a_secret_sealed_under_another_key_is_said_to_be_so(hook, settings):
    message = enqueued()
    settings.ENCRYPTION_KEYS = keyring.new_entry().replace("k1:", "another:")
    with pytest.raises(DeliveryFailed, match="names only another") as caught:
        services.deliver(message, NOON, Receiver(200).fetch)
    assert caught.value.final


def test_a_webhook_into_the_own_network_is_refused(hook):
    Destination.objects.filter(pk=hook.pk).update(address="https://127.0.0.1:8000/")
    with pytest.raises(DeliveryFailed, match=r"127\.0\.0\.1") as caught:
        services.deliver(enqueued(), NOON)
    assert caught.value.final


def test_old_messages_are_deleted_and_unsent_ones_are_not(listener):
    for number in range(4):
        enqueued(f"event:{number}")
    ended = [("sent", 90), ("sent", 91), ("dead", 366), ("queued", 0)]
    for message, (state, days) in zip(Message.objects.order_by("pk"), ended, strict=True):
        ended_at = NOON - timedelta(days=days) if days else None
        Message.objects.filter(pk=message.pk).update(state=state, ended_at=ended_at)
    assert services.delete_old_messages(NOON) == 2
    assert sorted(Message.objects.values_list("state", flat=True)) == ["queued", "sent"]
