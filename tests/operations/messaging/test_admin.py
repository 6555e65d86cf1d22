"""Destinations and messages in the admin: secrets go in and never come out."""

import pytest
from django.urls import reverse
from django.utils import timezone

from aethercrown.crypto import sealing
from operations.messaging import services
from operations.messaging.message import OutgoingMessage
from operations.messaging.models import Destination, Message
from tests.operations.people import messages_of, staff

ACTS = ("view", "add", "change")
SECRET = "a-long-enough-secret"  # noqa: S105 - a test's
ADD = "admin:operations_destination_add"


@pytest.fixture
def person(client, db):
    return staff(client, *(f"operations.{act}_destination" for act in ACTS))


def given(**changed):
    return {
        "name": "Hook", "channel": "webhook", "address": "https://hooks.example.com/a",
        "least_severity": "high", "takes_alerts": "on", "is_enabled": "on", "secret": SECRET,
        **changed,
    }  # fmt: skip


def errors(reply):
    return [each for told in reply.context["adminform"].form.errors.values() for each in told]


def test_a_secret_is_stored_sealed_and_not_shown_again(person):
    person.post(reverse(ADD), given())
    hook = Destination.objects.get()
    assert SECRET not in hook.sealed_secret
    assert sealing.unseal(hook.sealed_secret, hook.secret_context) == SECRET

    change = reverse("admin:operations_destination_change", args=[hook.pk])
    text = person.get(change).content.decode()
    assert SECRET not in text
    assert hook.sealed_secret not in text
    person.post(change, given(secret="", name="Renamed"))
    again = Destination.objects.get()
    assert (again.name, again.sealed_secret) == ("Renamed", hook.sealed_secret)
    for box in ({"is_enabled": ""}, {}):
        assert again.switched_on_at is None
        person.post(change, given(secret="", **box))
        again = Destination.objects.get()
    assert (again.is_enabled, again.switched_on_at is None) == (True, False)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"secret": ""}, "A webhook needs a secret to be signed with."),
        ({"secret": "short"}, "Ensure this value has at least 16 characters (it has 5)."),
        ({"address": "http://hooks.example.com/"}, "scheme"),
        ({"address": "https://10.0.0.1/"}, "10.0.0.1 is not a public address."),
        ({"address": "https://[::1]/"}, "not a public address."),
        ({"address": "https://user:pw@example.com/"}, "URL"),
        ({"channel": "email", "address": "nobody"}, "Enter a valid email address."),
        ({"channel": "pigeon"}, "pigeon is not one of the available choices."),
    ],
)
def test_what_cannot_be_called_is_refused_with_its_reason(person, changed, told):
    reply = person.post(reverse(ADD), given(**changed))
    assert any(told.lower() in each.lower() for each in errors(reply)), errors(reply)
    assert not Destination.objects.exists()


INSIDE = {"address": "https://10.1.2.3:7443/hook", "networks": "10.1.0.0/16"}


def test_who_may_allow_networks_lets_a_webhook_reach_inside(client, db):
    rights = [f"operations.{act}_destination" for act in ACTS]
    officer = staff(client, *rights, "operations.allow_networks")
    reply = officer.post(reverse(ADD), given(**INSIDE))
    hook = Destination.objects.get()
    assert [str(each) for each in hook.allowed] == ["10.1.0.0/16"], reply
    change = reverse("admin:operations_destination_change", args=[hook.pk])
    reply = officer.post(change, given(**INSIDE | {"networks": "8.8.8.0/24"}))
    assert any("cannot be allowed" in each for each in errors(reply))
    reply = officer.post(change, given(**INSIDE | {"networks": "10.9.0.0/16"}))
    assert any("not a public address" in each for each in errors(reply))
    reply = officer.post(change, given(**INSIDE | {"networks": ""}))
    assert any("port is 7443" in each for each in errors(reply))


def test_nobody_else_does_nor_moves_one_that_is_inside(person, client):
    reply = person.post(reverse(ADD), given(**INSIDE))
    assert any("port is 7443" in each for each in errors(reply))
    hook = Destination.objects.create(name="In", channel="webhook", **INSIDE)
    services.set_secret(hook, SECRET)
    hook.save()
    change = reverse("admin:operations_destination_change", args=[hook.pk])
    person.post(change, given(name="Renamed", address="https://10.1.9.9/", networks=""))
    again = Destination.objects.get()
    assert (again.name, again.address, again.networks) == ("Renamed", *INSIDE.values())


@pytest.mark.parametrize("channel", ["slack", "teams", "mattermost"])
def test_a_chat_needs_its_address_and_no_secret(person, channel):
    chat = {"channel": channel, "address": "https://chat.example.com/hooks/token", "secret": ""}
    reply = person.post(reverse(ADD), given(**chat | {"address": "https://10.0.0.1/"}))
    assert any("not a public address" in each for each in errors(reply))
    person.post(reverse(ADD), given(**chat))
    assert Destination.objects.get().channel == channel


def test_an_operator_sends_a_test_message_and_sees_how_it_goes(client, listener):
    staff(client, "operations.view_destination", "operations.view_message", "security.operate")
    page = reverse("admin:operations_destination_change", args=[listener.pk])
    assert "Send a test message" in client.get(page).content.decode()
    address = reverse("admin:operations_destination_send_test", args=[listener.pk])
    assert "Send a test message to" in client.get(address).content.decode()
    assert not Message.objects.exists()
    reply = client.post(address, follow=True)
    message = Message.objects.get()
    assert (message.to, reply.headers["Refresh"]) == ("Ada", "3")
    assert client.get(reverse("admin:operations_message_change", args=["X"])).status_code == 302
    Message.objects.update(state="sent")
    assert "Refresh" not in client.get(reply.request["PATH_INFO"]).headers


def test_nobody_else_sends_a_test_message(client, listener):
    address = reverse("admin:operations_destination_send_test", args=[listener.pk])
    staff(client, "operations.view_destination")
    assert client.post(address).status_code == 403
    assert not Message.objects.exists()


def test_an_address_of_mail_is_taken_with_a_warning_while_no_mail_goes_out(person, settings):
    reply = person.post(
        reverse(ADD), given(channel="email", address="a@example.com", secret=""), follow=True
    )
    assert any("EMAIL_URL is not set" in each for each in messages_of(reply))
    Destination.objects.all().delete()
    settings.EMAIL_URL = "smtp://localhost"
    reply = person.post(
        reverse(ADD), given(channel="email", address="a@example.com", secret=""), follow=True
    )
    assert not any("EMAIL_URL" in each for each in messages_of(reply))


def test_a_viewer_sees_no_field_for_a_secret(client, hook):
    staff(client, "operations.view_destination")
    reply = client.get(reverse("admin:operations_destination_change", args=[hook.pk]))
    text = reply.content.decode()
    assert "secret" not in text.lower()
    assert "https://hooks.example.com" in text
    assert "hooks.example.com/alerts" not in text


def test_a_viewer_sees_an_e_mail_address(client, listener):
    staff(client, "operations.view_destination")
    reply = client.get(reverse("admin:operations_destination_change", args=[listener.pk]))
    assert "ada@example.com" in reply.content.decode()


@pytest.fixture
def dead(listener):
    services.enqueue_alert(
        OutgoingMessage("event:1", "A title", "A text", {"a": 1}), "high", timezone.now()
    )
    Message.objects.update(state="dead", ended_at=timezone.now(), error="No answer.")
    return Message.objects.get()


def send_again(client, message):
    listed = reverse("admin:operations_message_changelist")
    chosen = {"action": "send_again", "_selected_action": [message.pk]}
    return client.post(listed, chosen, follow=True)


def test_what_is_dead_is_sent_again_once(client, dead, settings):
    staff(client, "operations.view_message", "security.operate")
    assert "Queued again: 1." in messages_of(send_again(client, dead))
    dead.refresh_from_db()
    assert dead.state == "queued"
    settings.EMAIL_URL = "smtp://localhost"
    assert messages_of(send_again(client, dead)) == [
        f"{dead} is queued; only a dead message is sent again."
    ]


def test_a_viewer_cannot_send(client, dead):
    staff(client, "operations.view_message")
    send_again(client, dead)
    dead.refresh_from_db()
    assert dead.state == "dead"


def test_a_message_is_read_and_never_changed(client, dead):
    staff(client, *(f"operations.{act}_message" for act in (*ACTS, "delete")))
    change = reverse("admin:operations_message_change", args=[dead.pk])
    assert "No answer." in client.get(change).content.decode()
    assert client.get(reverse("admin:operations_message_delete", args=[dead.pk])).status_code == 403
    assert client.post(change, {"title": "x"}).status_code == 403
