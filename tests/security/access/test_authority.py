"""Nobody grants, resets or mints more than they hold, on any way in."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Group, Permission
from django.test import Client
from django.urls import reverse

from security.access import reports, services
from security.apikeys import scopes
from security.apikeys import services as keys
from security.apikeys.models import ApiKey
from security.rotation import services as managed
from security.rotation.models import ManagedSecret, SecretVersion

pytestmark = pytest.mark.django_db
PHRASE = "a long enough phrase"
KEYS = "/api/v1/operational/security/keys"


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def clerk(client, django_user_model):
    """May change people, and holds nothing else."""
    user = django_user_model.objects.create_user("clerk", is_staff=True)
    named = ["add_user", "change_user", "delete_user", "view_user", "change_group", "view_group"]
    named += ["add_group", "delete_authenticator", "view_authenticator"]
    group = Group.objects.create(name="front desk")
    group.permissions.set(Permission.objects.filter(codename__in=named))
    user.groups.add(group)
    client.force_login(user)
    return user


def signed_in(user) -> Client:
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def member(users, name, *roles, **fields):
    user = users.create_user(name, password=PHRASE, is_staff=True, **fields)
    user.groups.set(Group.objects.filter(name__in=roles))
    return user


def posted(user, **fields):
    joined = {"date_joined_0": "2026-01-01", "date_joined_1": "00:00"}
    flags = {"is_active": "on", "is_staff": "on"}
    return {"username": user.username, **joined, **flags, **fields}


def page(name, pk):
    return reverse(f"admin:{name}", args=[pk])


def grow_stale(client):
    session = client.session
    session["proved"] -= 301
    session.save()


def test_nobody_makes_himself_administrator(client, clerk):
    boss = Group.objects.get(name="administrator")
    own = Group.objects.get(name="front desk")
    answer = client.post(
        page("security_user_change", clerk.pk), posted(clerk, groups=[own.pk, boss.pk])
    )
    assert b"is not one of the available choices" in answer.content
    assert list(clerk.groups.all()) == [own]


def test_nobody_gives_another_what_he_does_not_hold(client, clerk, django_user_model):
    eve = member(django_user_model.objects, "eve")
    viewer = Group.objects.get(name="viewer")
    client.post(page("security_user_change", eve.pk), posted(eve, groups=[viewer.pk]))
    assert not eve.groups.exists()
    own = Group.objects.get(name="front desk")
    client.post(page("security_user_change", eve.pk), posted(eve, groups=[own.pk]))
    assert list(eve.groups.all()) == [own]


@pytest.mark.parametrize("active", [True, False])
@pytest.mark.parametrize("role", ["viewer", "security officer", "administrator"])
def test_nobody_resets_the_password_of_somebody_who_holds_more(
    client, clerk, django_user_model, role, active
):
    other = member(django_user_model.objects, "olga", role, is_active=active)
    asked = {"password1": "another long phrase", "password2": "another long phrase"}
    answer = client.post(page("auth_user_password_change", other.pk), asked)
    assert answer.status_code == 403
    assert client.post(page("security_user_change", other.pk), posted(other)).status_code == 403
    gone = client.post(page("security_user_delete", other.pk), {"post": "yes"})
    assert gone.status_code == 403
    other.refresh_from_db()
    assert other.check_password(PHRASE)


def test_nobody_puts_into_a_group_what_he_does_not_hold(client, clerk):
    own = Group.objects.get(name="front desk")
    more = Permission.objects.get(codename="approve_decisions")
    answer = client.post(
        page("auth_group_change", own.pk), {"name": "front desk", "permissions": [more.pk]}
    )
    assert b"is not one of the available choices" in answer.content
    assert not own.permissions.filter(pk=more.pk).exists()
    new = client.post(reverse("admin:auth_group_add"), {"name": "x", "permissions": [more.pk]})
    assert b"is not one of the available choices" in new.content


def test_nobody_changes_a_group_that_holds_more(client, clerk):
    other = Group.objects.create(name="deciders")
    other.permissions.add(Permission.objects.get(codename="approve_decisions"))
    answer = client.post(page("auth_group_change", other.pk), {"name": "x", "permissions": []})
    assert answer.status_code == 403


def test_an_equal_may_be_changed_and_an_inactive_one_counts_with_all_it_would_hold(
    django_user_model,
):
    users = django_user_model.objects
    ada, bob = member(users, "ada", "administrator"), member(users, "bob", "administrator")
    off = member(users, "off", "administrator", is_active=False)
    eve = member(users, "eve", "viewer")
    assert not reports.exceeds(bob, ada)
    assert reports.exceeds(off, eve)
    assert not reports.exceeds(eve, ada)
    assert reports.exceeds(users.create_superuser("root"), ada)


@pytest.mark.parametrize(
    "path",
    [
        *("/admin/security/user/add/", "/admin/security/user/{}/change/"),
        *("/admin/security/user/{}/delete/", "/admin/security/user/{}/password/"),
        *("/admin/auth/group/add/", "/admin/security/managedsecret/rotate-due/"),
        "/admin/security/managedsecret/add/",
    ],
)
def test_takeovers_and_new_secrets_ask_for_a_fresh_sign_in(django_user_model, path):
    client = signed_in(member(django_user_model.objects, "ada", "administrator"))
    other = member(django_user_model.objects, "eve", "viewer")
    grow_stale(client)
    for ask in (client.get, client.post):
        answer = ask(path.format(other.pk))
        assert answer.headers["Location"].startswith("/account/reauthenticate?next=")


def test_an_action_on_people_asks_too_and_looking_does_not(django_user_model):
    client = signed_in(member(django_user_model.objects, "ada", "administrator"))
    grow_stale(client)
    assert client.get("/admin/security/user/").status_code == 200
    chosen = {"action": "end_sessions", "_selected_action": [1]}
    answer = client.post("/admin/security/user/", chosen)
    assert answer.headers["Location"].startswith("/account/reauthenticate?next=")


# --- Keys -----------------------------------------------------------------------------------------
def test_an_officer_mints_no_key_that_approves(django_user_model):
    client = signed_in(member(django_user_model.objects, "olga", "security officer"))
    asked = {"name": "a shop", "scopes": list(scopes.ALL)}
    answer = client.post("/admin/security/apikey/add/", asked)
    assert b"is not one of the available choices" in answer.content
    assert not ApiKey.objects.exists()
    made = client.post("/admin/security/apikey/add/", asked | {"scopes": ["revenue:read"]})
    assert made.status_code == 200
    assert ApiKey.objects.get().scopes == ["revenue:read"]


@pytest.mark.parametrize("act", ["rotate", "replace"])
def test_an_officer_gets_no_successor_of_a_key_that_opens_more(django_user_model, act):
    row = keys.create("a shop", ["all"]).key
    client = signed_in(member(django_user_model.objects, "olga", "security officer"))
    told = client.post(
        "/admin/security/apikey/", {"action": act, "_selected_action": [row.pk]}, follow=True
    )
    assert b"lacks optimization:write" in told.content
    assert ApiKey.objects.count() == 1
    revoke = {"action": "revoke", "_selected_action": [row.pk], "confirmed": "yes"}
    client.post("/admin/security/apikey/", revoke)
    row.refresh_from_db()
    assert row.revoked_at is not None


CONFIG = {"scopes": ["optimization:write"]}
API_KEY: dict[str, Any] = {"key_id": "a-shop", "key_type": "api_key", "rotator": "platform_api_key"}


def test_nor_by_registering_a_managed_key_in_the_admin(django_user_model):
    client = signed_in(member(django_user_model.objects, "olga", "security officer"))
    asked = {**API_KEY, "level": "medium", "config": json.dumps(CONFIG)}
    assert client.post("/admin/security/managedsecret/add/", asked).status_code == 403
    assert not ManagedSecret.objects.exists()


def test_nor_by_registering_or_rotating_one_over_the_api_with_a_session(django_user_model):
    client = signed_in(member(django_user_model.objects, "olga", "security officer"))
    body = {**API_KEY, "config": CONFIG}
    refused = client.post(f"{KEYS}/register", body, content_type="application/json")
    assert refused.status_code == 403
    assert "olga lacks optimization:write" in refused.json()["message"]
    managed.register(**body)
    assert client.post(f"{KEYS}/a-shop/rotate", content_type="application/json").status_code == 403
    assert ApiKey.objects.count() == 1


@pytest.mark.parametrize("button", ["rotate_now", "mark_compromised"])
def test_nor_by_the_buttons_of_a_managed_key(django_user_model, button):
    key = managed.register(**API_KEY, config=CONFIG).key
    client = signed_in(member(django_user_model.objects, "olga", "security officer"))
    answer = client.post(page(f"security_managedsecret_{button}", key.pk))
    assert answer.status_code == 403
    assert ApiKey.objects.count() == 1


def test_an_old_session_gets_no_new_secret_over_the_api(django_user_model):
    client = signed_in(member(django_user_model.objects, "olga", "security officer"))
    grow_stale(client)
    managed.register("a-key", "secret")
    body = {"key_id": "another", "key_type": "secret"}
    for path, given in ((f"{KEYS}/register", body), (f"{KEYS}/a-key/rotate", {})):
        refused = client.post(path, given, content_type="application/json")
        assert refused.json()["errors"][0]["code"] == "fresh_sign_in_required"
    due = client.post(f"{KEYS}/auto-rotate", {}, content_type="application/json")
    assert due.status_code == 403
    assert SecretVersion.objects.count() == 1
    assert client.get(f"{KEYS}/report").status_code == 200


# --- Somebody always administers ------------------------------------------------------------------
def test_the_last_administrator_is_neither_demoted_nor_deleted(django_user_model):
    root = django_user_model.objects.create_superuser("root", password=PHRASE)
    client = signed_in(root)
    demoted = client.post(page("security_user_change", root.pk), posted(root))
    assert services.LAST_ADMINISTRATOR.encode() in demoted.content
    off = {**posted(root, is_superuser="on"), "is_active": ""}
    told = client.post(page("security_user_change", root.pk), off)
    assert services.LAST_ADMINISTRATOR.encode() in told.content
    assert client.post(page("security_user_delete", root.pk), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [root.pk], "post": "yes"}
    client.post("/admin/security/user/", chosen)
    root.refresh_from_db()
    assert root.is_superuser
    assert root.is_active


def test_of_two_one_may_go(django_user_model):
    root = django_user_model.objects.create_superuser("root", password=PHRASE)
    other = django_user_model.objects.create_superuser("other", password=PHRASE)
    client = signed_in(root)
    assert client.post(page("security_user_delete", other.pk), {"post": "yes"}).status_code == 302
    assert list(django_user_model.objects.all()) == [root]


def test_both_marked_for_deletion_leave_one(django_user_model):
    users = django_user_model.objects
    root, other = users.create_superuser("root"), users.create_superuser("other")
    chosen = {
        "action": "delete_selected",
        "_selected_action": [root.pk, other.pk],
        "post": "yes",
    }
    signed_in(other).post("/admin/security/user/", chosen)
    assert users.filter(is_superuser=True).count() == 1


def test_the_last_administrator_keeps_a_password(django_user_model):
    """Else nobody could sign in: another way in, such as single sign-on, may be down."""
    users = django_user_model.objects
    boss = users.create_superuser("boss", password=PHRASE)
    other = users.create_superuser("other")  # without a password: no way in of its own
    client = signed_in(boss)
    there = page("auth_user_password_change", boss.pk)
    answer = client.post(there, {"usable_password": "false", "unset-password": "1"})
    assert b"last administrator" in answer.content
    client.post(page("security_user_delete", boss.pk), {"post": "yes"})
    refused = signed_in(other).post(page("security_user_change", boss.pk), posted(boss))
    assert b"last administrator" in refused.content
    boss.refresh_from_db()
    assert (boss.check_password(PHRASE), boss.is_superuser) == (True, True)
    assert services.is_last_administrator(boss)
    assert not services.is_last_administrator(other)
    users.create_superuser("third", password=PHRASE)
    assert (
        client.post(there, {"usable_password": "false", "unset-password": "1"}).status_code == 302
    )


@pytest.mark.django_db(transaction=True)
def test_a_password_is_taken_away_by_the_form(django_user_model):
    """Outside the test's own transaction, as in service: PostgreSQL locks only inside one."""
    users = django_user_model.objects
    boss = users.create_superuser("boss", password=PHRASE)
    other = users.create_superuser("other", password=PHRASE)
    there = page("auth_user_password_change", other.pk)
    answer = signed_in(boss).post(there, {"usable_password": "false", "unset-password": "1"})
    assert answer.status_code == 302
    assert not users.get(pk=other.pk).has_usable_password()


def test_a_mapping_to_a_role_that_is_no_group_is_told(settings, django_user_model):
    django_user_model.objects.create_superuser("boss", password=PHRASE)
    settings.OIDC_ROLES = {"ops": ("operator", "gone")}
    found = [each.message for each in reports.people()]
    assert found[0] == "OIDC_ROLES names roles that are no groups here: gone."


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_demote_each_other_at_once_one_stays(django_user_model, at_once):
    people = [
        django_user_model.objects.create_superuser(name, password=PHRASE) for name in ("ada", "bob")
    ]
    pairs = [(signed_in(people[at]), people[1 - at]) for at in (0, 1)]
    waiting = iter(pairs)

    def demote():
        client, other = next(waiting)
        return client.post(page("security_user_change", other.pk), posted(other)).status_code

    outcomes = at_once(demote, 2)
    left = django_user_model.objects.filter(is_superuser=True, is_active=True)
    assert left.count() == 1, outcomes
    assert left.get().check_password(PHRASE)
