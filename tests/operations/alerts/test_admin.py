"""Alerts in the admin: taken on, ended and silenced by people, in their name."""

from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.urls import reverse
from django.utils import timezone

from operations.alerts import services
from operations.alerts.models import Alert, Silence
from tests.operations.people import messages_of, staff

PERSON = ("operations.view_alert", "security.operate")


@pytest.fixture
def alert(listener):
    return services.raise_alert(
        "health", "down", "<b>db</b>", "critical", "No answer.", link="/admin/", now=timezone.now()
    )


def page(name, alert):
    return reverse(f"admin:operations_alert_{name}", args=[alert.pk])


def stepped(client, alert, name, **given):
    return client.post(page(name, alert), given, follow=True)


def test_a_page_tells_what_is_wrong_and_offers_what_can_be_done(client, alert):
    text = staff(client, *PERSON).get(page("change", alert)).content.decode()
    assert "No answer." in text
    assert '<a href="/admin/">' in text
    assert "<b>db</b>" not in text
    assert all(page(name, alert) in text for name in ("acknowledge", "resolve", "silence"))


def test_a_link_that_leads_elsewhere_is_not_a_link(client, alert):
    Alert.objects.update(link="//evil.example.com")
    text = staff(client, *PERSON).get(page("change", alert)).content.decode()
    assert 'href="//evil' not in text
    Alert.objects.update(link="")
    assert "no page" in staff_page(client, alert)


def staff_page(client, alert):
    return client.get(page("change", alert)).content.decode()


def test_the_confirmation_page_changes_nothing_and_confirming_acknowledges(client, alert):
    staff(client, *PERSON)
    assert client.get(page("acknowledge", alert)).status_code == 200
    alert.refresh_from_db()
    assert alert.state == "open"

    reply = stepped(client, alert, "acknowledge", note="On it.")
    alert.refresh_from_db()
    assert (alert.state, alert.acknowledged_by, alert.note) == (
        "acknowledged",
        "user:eve",
        "On it.",
    )
    assert messages_of(reply) == [f"Acknowledged: {alert}."]
    assert LogEntry.objects.get().change_message == "Acknowledged. On it."
    assert page("acknowledge", alert) not in staff_page(client, alert)


def test_what_is_over_offers_nothing_more(client, alert):
    staff(client, *PERSON)
    stepped(client, alert, "resolve", note="Restarted.")
    alert.refresh_from_db()
    assert (alert.state, alert.resolved_by) == ("resolved", "user:eve")
    assert page("resolve", alert) not in staff_page(client, alert)
    reply = stepped(client, alert, "acknowledge")
    assert messages_of(reply) == [f"{alert} was resolved by eve already."]


def test_a_silence_says_for_how_long(client, alert):
    staff(client, *PERSON)
    assert stepped(client, alert, "silence", hours="0").status_code == 200
    assert not Silence.objects.exists()
    stepped(client, alert, "silence", hours="3", note="Known.")
    silence = Silence.objects.get()
    assert silence.matches(alert)
    assert 10_790 < (silence.until - timezone.now()).total_seconds() <= 10_800


def test_several_are_acknowledged_or_resolved_from_the_list(client, alert):
    staff(client, *PERSON)
    listed = reverse("admin:operations_alert_changelist")
    for name, state in (("acknowledge", "acknowledged"), ("resolve", "resolved")):
        client.post(listed, {"action": f"{name}_selected", "_selected_action": [alert.pk]})
        alert.refresh_from_db()
        assert alert.state == state
    assert str(alert) in client.get(listed).content.decode().replace("&lt;", "<").replace(
        "&gt;", ">"
    )


def test_a_viewer_gets_no_buttons_and_is_refused(client, alert):
    staff(client, "operations.view_alert")
    assert page("acknowledge", alert) not in staff_page(client, alert)
    assert stepped(client, alert, "acknowledge").status_code == 403
    alert.refresh_from_db()
    assert alert.state == "open"


def test_a_user_without_view_permission_is_refused(client, alert):
    staff(client, "security.operate")
    assert client.get(page("acknowledge", alert)).status_code == 403


def test_an_alert_that_is_not_there_is_not_found(client, alert):
    staff(client, *PERSON)
    gone = reverse("admin:operations_alert_acknowledge", args=[0])
    assert client.get(gone).status_code == 404
    change = reverse("admin:operations_alert_change", args=[0])
    assert client.get(change).status_code == 302


@pytest.mark.parametrize(
    ("given", "field", "words"),
    [
        ({"until_0": "2020-01-01"}, "until", "end before it begins"),
        ({"until_0": "9999-01-01"}, "until", "366 days at most"),
        ({"until_0": ""}, "until", "required"),
        ({"scope": ""}, "scope", "required"),
        ({"scope": "subject", "subject": "**"}, "subject", "choose a wider scope"),
        ({"scope": "source", "source": ""}, "source", "choose a wider scope"),
        ({"scope": "subject", "subject": "?*"}, "subject", "choose a wider scope"),
        ({"scope": "everything"}, "is_everything", "Tick it, or choose a narrower scope"),
    ],
)
def test_a_silence_that_is_over_endless_or_without_a_scope_is_refused(
    client, db, given, field, words
):
    staff(client, *(f"operations.{act}_silence" for act in ("view", "add", "change")))
    add = reverse("admin:operations_silence_add")
    soon = (timezone.now() + timedelta(days=2)).date().isoformat()
    sent = {"scope": "subject", "source": "health", "kind": "down", "subject": "db"}
    sent |= {"until_0": soon, "until_1": "10:00"}
    refused = client.post(add, sent | given)
    assert words in str(refused.context["adminform"].form.errors[field])
    assert not Silence.objects.exists()


def test_a_silence_of_a_scope_needs_only_its_patterns_and_is_shown_as_chosen(client, db):
    staff(client, *(f"operations.{act}_silence" for act in ("view", "add", "change")))
    soon = (timezone.now() + timedelta(days=2)).date().isoformat()
    sent = {"source": "health", "kind": "down", "subject": "db", "until_0": soon}
    for scope, stored in (
        ("everything", "* / * / *"),
        ("source", "health / * / *"),
        ("kind", "health / down / *"),
        ("subject", "health / down / db"),
    ):
        Silence.objects.all().delete()
        add = reverse("admin:operations_silence_add")
        client.post(add, sent | {"until_1": "10:00", "scope": scope, "is_everything": "on"})
        silence = Silence.objects.get()
        assert str(silence) == stored
        change = reverse("admin:operations_silence_change", args=[silence.pk])
        assert client.get(change).context["adminform"].form.initial["scope"] == scope


def test_a_silence_of_one_alert_holds_when_its_subject_is_renamed(client, alert):
    silence = services.silence(alert.pk, actor="user:eve", until=timezone.now() + timedelta(1))
    Alert.objects.update(subject="database")
    assert silence.matches(Alert.objects.get())
    assert not silence.matches(Alert(source="health", kind="down", subject="<b>db</b>", key="2"))
    staff(client, *(f"operations.{act}_silence" for act in ("view", "change")))
    change = reverse("admin:operations_silence_change", args=[silence.pk])
    soon = (timezone.now() + timedelta(days=2)).date().isoformat()
    sent = {"source": "health", "kind": "down", "subject": "mail*", "scope": "subject"}
    client.post(change, sent | {"until_0": soon, "until_1": "10:00"})
    silence.refresh_from_db()
    assert (silence.key, silence.matches(Alert.objects.get())) == ("", False)


def test_a_silence_is_entered_with_the_persons_name(client, db):
    staff(client, *(f"operations.{act}_silence" for act in ("view", "add", "change")))
    given = {
        "source": "health", "kind": "do*", "subject": "db*", "note": "Upgrade.",
        "scope": "subject",
        "until_0": (timezone.now() + timedelta(days=60)).date().isoformat(), "until_1": "00:00",
    }  # fmt: skip
    client.post(reverse("admin:operations_silence_add"), given)
    silence = Silence.objects.get()
    assert (silence.created_by, str(silence)) == ("user:eve", "health / do* / db*")
    change = reverse("admin:operations_silence_change", args=[silence.pk])
    client.post(change, {**given, "note": "Longer."})
    silence.refresh_from_db()
    assert silence.note == "Longer."
