import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, Group, Permission
from django.core.management import call_command

from security.access import reports
from security.access.services import roles as roles_service
from security.startup import sync_role_permissions

pytestmark = pytest.mark.django_db


@pytest.fixture
def member(django_user_model):
    def made(*groups, **fields):
        user = django_user_model.objects.create_user("ada", **fields)
        user.groups.set(Group.objects.filter(name__in=groups))
        return user

    return made


def test_the_five_roles_stand_after_migrate_with_permissions_of_several_apps():
    assert Group.objects.count() == 5
    operator = Group.objects.get(name="operator")
    assert operator.permissions.filter(codename="operate").exists()
    assert operator.permissions.filter(codename="change_periodictask").exists()
    administrator = Group.objects.get(name="administrator")
    assert administrator.permissions.count() == Permission.objects.count()


def test_granting_again_changes_nothing():
    before = set(Group.objects.values_list("name", "permissions__codename"))
    for app in apps.get_app_configs():
        roles_service.sync_role_permissions(app.label)
    assert set(Group.objects.values_list("name", "permissions__codename")) == before


def test_a_role_that_was_changed_by_hand_is_mended_by_the_next_migrate():
    viewer = Group.objects.get(name="viewer")
    viewer.permissions.add(Permission.objects.get(codename="change_user"))
    call_command("migrate", verbosity=0)
    assert not viewer.permissions.filter(codename="change_user").exists()


def test_another_database_is_left_alone(django_assert_num_queries):
    with django_assert_num_queries(0):
        sync_role_permissions(apps.get_app_config("security"), using="replica")


@pytest.mark.parametrize(
    ("role", "may"),
    [
        ("viewer", (True, False, False)),
        ("operator", (True, True, False)),
        ("approver", (True, False, True)),
        ("security officer", (True, False, False)),
        ("administrator", (True, True, True)),
    ],
)
def test_a_role_opens_its_steps(member, role, may):
    user = member(role)
    assert (reports.may_view(user), reports.may_operate(user), reports.may_approve(user)) == may


def test_nobody_without_a_role_may_view(member):
    assert not reports.may_view(member(is_staff=True))
    assert not reports.may_view(AnonymousUser())
    assert not reports.may_view(None)


def test_somebody_switched_off_may_nothing_and_is_nobody(member):
    user = member("administrator", is_active=False)
    assert not reports.may_view(user)
    assert reports.person(user) is None


def test_a_person_is_whoever_is_signed_in(member):
    user = member()
    assert reports.person(user) == user
    assert reports.person(AnonymousUser()) is None
