"""Invitations and forgotten passwords: links that work once and are stored nowhere."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from allauth.socialaccount.models import SocialAccount
from django.contrib.auth.models import Group, Permission
from django.core import mail, signing
from django.db.models.signals import pre_save

from operations.messaging import services as messaging
from operations.messaging.models import Message
from security.access import services
from security.access.models import PasswordLink, User
from security.access.roles import ADMINISTRATOR, OFFICER, VIEWER
from security.access.services import password_link
from security.audit.models import Event
from tests.security.access import factors

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
PHRASE = "a-rather-long-password-1"
GIVEN = {"username": "vera", "email": "vera@firm.example", "role": VIEWER}


@pytest.fixture(autouse=True)
def _mail(settings):
    settings.SECURE_SSL_REDIRECT = False
    settings.EMAIL_URL, settings.PUBLIC_URL = "smtp://mail.example", "https://crown.example"
    settings.EMAIL_BACKEND = "django.core.mail.backends.locmem.EmailBackend"


@pytest.fixture
def root():
    return User.objects.create_superuser("root", password=PHRASE)


@pytest.fixture
def vera():
    return User.objects.create_user("vera", "vera@firm.example", PHRASE)


def sent(now=NOW):
    """The link of the one mail that goes out now."""
    mail.outbox.clear()
    messaging.deliver_due(clock=lambda: now)
    [found] = mail.outbox
    return re.findall(r"https://crown\.example(/login/password/\S+)", str(found.body))[0]


def test_somebody_invited_chooses_a_password_once_and_signs_in(client, root, time_machine):
    time_machine.move_to(NOW, tick=False)
    row = services.invite(GIVEN, root, NOW)
    person = User.objects.get(username="vera")
    assert (person.is_staff, person.has_usable_password()) == (False, False)
    assert [each.name for each in person.groups.all()] == [VIEWER]
    stored = f"{list(Message.objects.values())} {list(PasswordLink.objects.values())}"
    path = sent()
    assert path.rpartition("/")[2] not in stored
    assert "vera" in client.get(path).content.decode()
    weak = client.post(path, {"new_password1": "vera", "new_password2": "vera"})
    assert weak.status_code == 200
    done = client.post(path, {"new_password1": PHRASE, "new_password2": PHRASE}, follow=True)
    assert "The password is set" in done.content.decode()
    assert client.login(username="vera", password=PHRASE)
    for method in (client.get, client.post):
        assert method(path).status_code == 410
    assert PasswordLink.objects.get(pk=row.pk).used_at is not None
    assert Event.objects.filter(event="invitation link made").exists()


def test_a_link_ends_with_its_time_and_a_newer_one_ends_it(root):
    first = services.path_of_password_link(services.invite(GIVEN, root, NOW)).rpartition("/")[2]
    person = User.objects.get(username="vera")
    again = services.invite_again(person, root, NOW + timedelta(hours=1))
    second = services.path_of_password_link(again).rpartition("/")[2]
    assert services.password_link_of(first, NOW) is None
    assert services.password_link_of(second, NOW) == again
    assert services.password_link_of(second, NOW + timedelta(days=4)) is None
    assert services.password_link_of("forged", NOW) is None
    with pytest.raises(services.PasswordLinkInvalid):
        services.choose_password(first, PHRASE, NOW)
    services.choose_password(second, PHRASE, NOW + timedelta(hours=2))
    month_later = NOW + timedelta(days=34)
    assert services.request_reset("vera", month_later)
    assert list(PasswordLink.objects.values_list("created_at", flat=True)) == [month_later]
    with pytest.raises(LookupError, match="has a password already"):
        services.invite_again(User.objects.get(pk=person.pk), root, NOW)


def test_every_bad_field_of_an_invitation_is_named_and_nothing_is_stored(root, vera):
    with pytest.raises(services.InvalidInvitation) as found:
        services.invite({"username": "VERA", "email": "VERA@firm.example"}, root, NOW)
    assert set(found.value.problems) == {"username", "email", "role"}
    with pytest.raises(services.InvalidInvitation) as found:
        services.invite({"username": "a b", "email": "x", "role": "king"}, root, NOW)
    assert set(found.value.problems) == {"username", "email", "role"}
    assert User.objects.count() == 2
    assert not PasswordLink.objects.exists()


def test_a_name_that_another_invitation_takes_meanwhile_is_refused(root):
    def take(instance, **_):
        User.objects.bulk_create([User(username=instance.username)])  # sends no signal

    pre_save.connect(take, sender=User)
    try:
        with pytest.raises(services.InvalidInvitation) as found:
            services.invite(GIVEN, root, NOW)
    finally:
        pre_save.disconnect(take, sender=User)
    assert found.value.problems == {"username": password_link.TAKEN}
    assert not PasswordLink.objects.exists()
    assert not Message.objects.exists()


def test_nobody_gives_a_role_that_holds_more_than_they_do():
    olga = User.objects.create_user("olga")
    olga.groups.add(Group.objects.get(name=OFFICER))
    olga = User.objects.get(pk=olga.pk)
    assert ADMINISTRATOR not in services.roles_for(olga)
    with pytest.raises(services.InvalidInvitation, match="no more than you do"):
        services.invite({**GIVEN, "role": ADMINISTRATOR}, olga, NOW)


def test_a_forgotten_password_is_chosen_anew_and_other_sessions_end(client, vera, time_machine):
    time_machine.move_to(NOW, tick=False)
    client.force_login(vera)
    asked = client.post("/login/forgotten", {"name": "vera@FIRM.example"}).content.decode()
    assert "If there is an account" in asked
    unknown = client.post("/login/forgotten", {"name": "nobody"}).content.decode()
    assert "If there is an account" in unknown
    assert Message.objects.count() == 1
    path = sent()
    assert not services.request_reset("vera", NOW + timedelta(minutes=1))  # one in five minutes
    new = "another-long-password-2"
    client.post(path, {"new_password1": new, "new_password2": new})
    assert client.get("/dashboards/budget").status_code == 302
    assert User.objects.get(pk=vera.pk).check_password(new)


def test_a_chosen_password_still_waits_for_the_second_factor(client, root, time_machine):
    time_machine.move_to(NOW, tick=False)
    factors.with_app(root)
    User.objects.filter(pk=root.pk).update(email="root@firm.example")
    services.request_reset("root", NOW)
    new = "another-long-password-2"
    path = services.path_of_password_link(PasswordLink.objects.get())
    client.post(path, {"new_password1": new, "new_password2": new})
    asked = client.post("/login", {"username": "root", "password": new})
    assert asked.headers["Location"].startswith("/account/2fa/authenticate")
    assert client.get("/dashboards/budget").headers["Location"].startswith("/login")


@pytest.mark.parametrize("change", [{"is_active": False}, {"email": ""}, {"password": "!"}])
def test_no_link_goes_to_who_could_not_use_it(vera, change):
    User.objects.filter(pk=vera.pk).update(**change)
    assert not services.request_reset("vera", NOW)
    assert not Message.objects.exists()


def test_a_mail_of_a_link_that_was_used_meanwhile_does_not_go_out(root):
    row = services.invite(GIVEN, root, NOW)
    PasswordLink.objects.filter(pk=row.pk).update(used_at=NOW)
    mail.outbox.clear()
    messaging.deliver_due(clock=lambda: NOW)
    assert mail.outbox == []
    kind = password_link.MAIL_KINDS[0]
    assert kind.unwanted("password link:none")
    assert kind.closing("password link:0") == ""


def test_where_no_mail_is_sent_the_page_says_whom_to_ask(client, vera, settings):
    settings.EMAIL_URL = ""
    text = client.get("/login/forgotten").content.decode()
    assert "Ask an administrator" in text
    client.post("/login/forgotten", {"name": "vera"})
    assert not PasswordLink.objects.exists()


def test_who_asks_again_and_again_is_slowed_down(client, vera):
    answers = {client.post("/login/forgotten", {"name": "vera"}).status_code for _ in range(7)}
    assert answers == {200, 429}
    assert PasswordLink.objects.count() == 1


# --- A link opens no more than it did when it was made -------------------------------------------
def token_of(row):
    return services.path_of_password_link(row).rpartition("/")[2]


def test_nobody_gets_a_link_to_an_account_that_holds_more(root):
    olga = User.objects.create_user("olga")
    olga.groups.add(Group.objects.get(name=OFFICER))
    services.invite({**GIVEN, "role": ADMINISTRATOR}, root, NOW)
    person = User.objects.get(username="vera")
    with pytest.raises(LookupError, match="holds more than you do"):
        services.invite_again(person, User.objects.get(pk=olga.pk), NOW)
    assert PasswordLink.objects.count() == 1


def test_nobody_gets_a_link_to_an_account_that_signs_in_at_the_provider(root, settings):
    settings.OIDC_PROVIDER = object()
    services.invite(GIVEN, root, NOW)
    person = User.objects.get(username="vera")
    SocialAccount.objects.create(user=person, provider="oidc-1", uid="1")
    with pytest.raises(LookupError, match="signs in at the identity provider"):
        services.invite_again(person, root, NOW)


@pytest.mark.parametrize(
    "change",
    [
        lambda person: person.groups.add(Group.objects.get(name=ADMINISTRATOR)),
        lambda person: person.user_permissions.add(Permission.objects.order_by("pk")[0]),
        lambda person: User.objects.filter(pk=person.pk).update(is_superuser=True),
        lambda person: User.objects.filter(pk=person.pk).update(email="eve@firm.example"),
        lambda person: User.objects.filter(pk=person.pk).update(password="!x"),  # noqa: S106 - none
    ],
    ids=["role", "permission", "superuser", "address", "password"],
)
def test_a_link_ends_when_its_account_becomes_another(root, change):
    """Whoever invited may have been shown the link, and would have what was granted since."""
    row = services.invite(GIVEN, root, NOW)
    shown = token_of(row)
    change(User.objects.get(username="vera"))
    with pytest.raises(services.PasswordLinkInvalid):
        services.choose_password(shown, PHRASE, NOW)
    mail.outbox.clear()
    messaging.deliver_due(clock=lambda: NOW)
    assert mail.outbox == []  # what waits for its turn would have the new rights in it
    assert services.password_link_of(signing.dumps(row.pk, salt=password_link.SALT), NOW) is None


@pytest.mark.django_db(transaction=True)
def test_two_who_forget_a_password_at_once_get_one_link(vera, at_once):
    found = at_once(lambda: services.request_reset("vera", NOW), 2)
    assert sorted(found) == [False, True]
    assert PasswordLink.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_once_one_wins(root, at_once):
    row = services.invite(GIVEN, root, NOW)
    token = services.path_of_password_link(row).rpartition("/")[2]
    found = at_once(lambda: services.choose_password(token, PHRASE, NOW), 2)
    assert sum(isinstance(each, services.PasswordLinkInvalid) for each in found) == 1
