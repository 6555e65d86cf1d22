import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

pytestmark = pytest.mark.django_db
PHRASE = "a long enough phrase"


@pytest.fixture(autouse=True)
def plain_http(settings):
    settings.SECURE_SSL_REDIRECT = False


@pytest.fixture
def administrator(client, django_user_model):
    user = django_user_model.objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name="administrator"))
    client.force_login(user)
    return user


def change(user):
    return reverse("admin:security_user_change", args=[user.pk])


def posted(user, **fields):
    return {
        "username": user.username,
        "is_active": "on",
        "is_staff": "on",
        "date_joined_0": "2026-01-01",
        "date_joined_1": "00:00",
        **fields,
    }


def test_an_administrator_makes_a_person_and_gives_a_role(client, administrator, django_user_model):
    asked = {"username": "bob", "password1": PHRASE, "password2": PHRASE}
    reply = client.post(reverse("admin:security_user_add"), asked | {"usable_password": "true"})
    bob = django_user_model.objects.get(username="bob")
    assert reply.headers["Location"] == change(bob)
    viewer = Group.objects.get(name="viewer")
    client.post(change(bob), posted(bob, groups=[viewer.pk]))
    assert list(bob.groups.all()) == [viewer]


def test_an_administrator_cannot_make_himself_superuser(client, administrator):
    reply = client.post(change(administrator), posted(administrator, is_superuser="on"))
    assert reply.status_code == 302
    administrator.refresh_from_db()
    assert not administrator.is_superuser


@pytest.mark.parametrize("page", ["change", "delete"])
def test_an_administrator_cannot_touch_a_superuser(client, administrator, admin_user, page):
    address = reverse(f"admin:security_user_{page}", args=[admin_user.pk])
    assert client.post(address, posted(admin_user, post="yes")).status_code == 403
    assert client.post(f"/admin/security/user/{admin_user.pk}/password/").status_code == 403


def test_a_superuser_makes_a_superuser(admin_client, administrator, django_user_model):
    admin_client.post(change(administrator), posted(administrator, is_superuser="on"))
    administrator.refresh_from_db()
    assert administrator.is_superuser


def test_the_roles_themselves_are_not_edited_but_a_group_beside_them_is(admin_client):
    viewer = Group.objects.get(name="viewer")
    own = Group.objects.create(name="night shift")
    address = "admin:auth_group_change"
    assert admin_client.post(reverse(address, args=[viewer.pk]), {"name": "x"}).status_code == 403
    assert admin_client.post(reverse(address, args=[own.pk]), {"name": "day"}).status_code == 302
    gone = admin_client.post(reverse("admin:auth_group_delete", args=[viewer.pk]), {"post": "yes"})
    assert gone.status_code == 403


@pytest.mark.parametrize("name", ["user_changelist", "user_add"])
def test_the_pages_of_people_open(admin_client, name):
    assert admin_client.get(reverse(f"admin:security_{name}")).status_code == 200


def test_an_administrator_ends_the_sessions_of_others_but_not_a_superusers(
    client, administrator, admin_client, admin_user, django_user_model
):
    eve = django_user_model.objects.create_user("eve", is_staff=True)
    other = Client()
    other.force_login(eve)
    chosen = {"action": "end_sessions", "_selected_action": [eve.pk, admin_user.pk]}
    told = client.post("/admin/security/user/", chosen, follow=True)
    assert b"1 session ended." in told.content
    assert other.get("/account/2fa/").status_code == 302
    assert admin_client.get("/account/2fa/").status_code == 200
