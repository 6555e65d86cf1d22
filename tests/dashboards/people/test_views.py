"""The page of people: who can sign in, and inviting somebody."""

import csv
import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from security.access.models import User
from security.access.roles import ADMINISTRATOR, OFFICER, VIEWER
from tests.operations.people import messages_of

PAGE = "/dashboards/people"
GIVEN = {"username": "walt", "email": "walt@firm.example", "role": VIEWER}


@pytest.fixture
def boss(db) -> Client:
    """A browser in which an administrator has just signed in."""
    person = User.objects.create_user("ada", password="a-long-password-1")  # noqa: S106 - made up
    person.groups.add(Group.objects.get(name=ADMINISTRATOR))
    client = Client()
    client.force_login(person)
    return client


def test_somebody_is_invited_by_one_form(boss, settings):
    settings.EMAIL_URL, settings.PUBLIC_URL = "smtp://mail.example", "https://crown.example"
    shown = boss.get(PAGE).content.decode()
    assert f'value="{VIEWER}" selected' in shown
    done = boss.post(PAGE, GIVEN, follow=True)
    assert messages_of(done) == ["Invited walt: the link is on its way by mail."]
    text = done.content.decode()
    assert "Invited, without a password yet" in text
    again = boss.post(f"{PAGE}/{User.objects.get(username='walt').pk}/invite", follow=True)
    assert "on its way by mail" in messages_of(again)[0]
    [first, *_] = csv.reader(
        boss.get(f"{PAGE}?format=csv&table=people").getvalue().decode().split()
    )
    assert first[0].strip("\ufeff") == "Person"


def test_without_mail_the_link_is_shown_once_to_hand_on(boss, client, settings):
    settings.EMAIL_URL = ""
    shown = boss.post(PAGE, GIVEN).content.decode()
    [path] = re.findall(r"http://testserver(/login/password/[^<]+)", shown)
    assert client.get(path).status_code == 200
    assert path not in boss.get(PAGE).content.decode()


def test_after_its_link_has_ended_somebody_is_invited_again(boss, client, settings, time_machine):
    """As in distr 1250, supabase/auth 134 and decidim 2616: nobody was locked out for good."""
    settings.EMAIL_URL = ""
    [first] = re.findall(r"/login/password/[^<]+", boss.post(PAGE, GIVEN).content.decode())
    time_machine.move_to(timezone.now() + timedelta(days=4), tick=False)
    assert "no longer works" in client.get(first).content.decode()
    boss.force_login(User.objects.get(username="ada"))
    assert "Invited, without a password yet" in boss.get(PAGE).content.decode()
    walt = User.objects.get(username="walt")
    again = boss.post(f"{PAGE}/{walt.pk}/invite").content.decode()
    [second] = re.findall(r"/login/password/[^<]+", again)
    assert client.get(second).status_code == 200
    walt.delete()
    [third] = re.findall(r"/login/password/[^<]+", boss.post(PAGE, GIVEN).content.decode())
    assert client.get(third).status_code == 200
    assert client.get(second).status_code != 200


def test_every_bad_field_is_said_and_what_was_entered_stays(boss):
    wrong = boss.post(PAGE, {"username": "a b", "email": "no", "role": ""})
    assert wrong.status_code == 400
    text = wrong.content.decode()
    for words in ("1 to 150 letters", "Give an e-mail address", "Choose a role", 'value="a b"'):
        assert words in text
    assert not User.objects.filter(username="a b").exists()


def test_who_has_a_password_is_not_invited_again(boss):
    walt = User.objects.create_user("walt", password="a-long-password-1")  # noqa: S106 - made up
    said = boss.post(f"{PAGE}/{walt.pk}/invite", follow=True)
    assert "has a password already" in messages_of(said)[0]
    assert boss.post(f"{PAGE}/0/invite").status_code == 404
    assert boss.get(f"{PAGE}/{walt.pk}/invite").headers["Location"] == PAGE


def test_an_officer_sees_people_and_a_viewer_does_not(page, viewer):
    User.objects.create_user("gone", is_active=False)
    User.objects.create_superuser("root")
    assert page.get(PAGE).status_code == 403
    viewer.groups.add(Group.objects.get(name=OFFICER))
    text = page.get(PAGE).content.decode()
    for words in ("everything", ">Off<", "security officer, viewer"):
        assert words in text
    assert "Invite somebody" not in text
    assert page.post(PAGE, GIVEN).status_code == 403
