"""A role that nobody holds any more raises an alert until somebody holds it."""

import pytest
from django.contrib.auth.models import Group

from aethercrown.history.tracking import silent
from operations.alerts import reports as alerts
from operations.alerts.models import Alert
from security.access.models import User
from security.access.services.unheld_roles import SOURCE

pytestmark = pytest.mark.django_db


@pytest.fixture
def role():
    return Group.objects.get(name="approver")


def unheld():
    return [row.subject for row in alerts.unresolved() if row.source == SOURCE]


def test_it_is_told_when_the_last_holder_loses_it_and_over_when_another_has_it(role):
    ada, bob = (User.objects.create_user(name) for name in ("ada", "bob"))
    ada.groups.add(role)
    bob.groups.add(role)
    ada.groups.remove(role)
    assert unheld() == []
    bob.groups.clear()
    assert unheld() == ["approver"]
    assert "Nobody holds the role approver any more" in Alert.objects.get().message
    role.user_set.add(ada)
    assert unheld() == []
    role.user_set.clear()
    assert unheld() == ["approver"]


def test_rows_that_need_no_history_raise_no_alert(role):
    ada = User.objects.create_user("ada")
    ada.groups.add(role)
    with silent():
        ada.groups.remove(role)
    assert unheld() == []


def test_somebody_switched_off_or_deleted_holds_nothing(role):
    ada = User.objects.create_user("ada")
    ada.groups.add(role)
    ada.is_active = False
    ada.save()
    assert unheld() == ["approver"]
    ada.is_active = True
    ada.save()
    assert unheld() == []
    ada.delete()
    assert unheld() == ["approver"]


def test_the_alert_of_a_role_that_was_renamed_or_deleted_ends_too():
    ada, role = User.objects.create_user("ada"), Group.objects.create(name="buyer")
    ada.groups.add(role)
    ada.groups.remove(role)
    assert unheld() == ["buyer"]
    role.name = "purchaser"
    role.save()
    ada.groups.add(role)
    assert unheld() == []
    ada.groups.remove(role)
    assert unheld() == ["purchaser"]
    role.delete()
    assert unheld() == []
