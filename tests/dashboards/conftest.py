"""People who look at pages."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from security.access.models import User
from security.access.roles import VIEWER


@pytest.fixture
def viewer(db) -> User:
    person = User.objects.create_user("vera", password="a-long-password-1")  # noqa: S106 - made up
    person.groups.add(Group.objects.get(name=VIEWER))
    return person


@pytest.fixture
def page(viewer: User) -> Client:
    """A browser in which a viewer is signed in."""
    client = Client()
    client.force_login(viewer)
    return client


@pytest.fixture(autouse=True)
def _plain_http(settings) -> None:
    """The test client speaks plain HTTP."""
    settings.SECURE_SSL_REDIRECT = False
