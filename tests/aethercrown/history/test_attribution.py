"""Who did something is typed: person, API key, automation or command."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser

from aethercrown.history.attribution import AUTOMATIC, actor_of, shown_actor
from security.access.models import User


def asking(**more):
    return SimpleNamespace(**{"user": AnonymousUser(), "auth": None, **more})


def test_a_person_who_is_called_automatic_is_still_a_person():
    named = actor_of(asking(user=User(username="automatic")))
    assert named == "user:automatic" != AUTOMATIC
    assert shown_actor(named) == "the person automatic"
    assert shown_actor(AUTOMATIC) == "automatic"


def test_a_key_a_person_and_nobody():
    key = SimpleNamespace(id=12, name="crm")
    assert actor_of(asking(auth=key)) == "key:12 crm"
    assert actor_of(asking(auth=SimpleNamespace(id="metrics"))) == "key:metrics"
    assert actor_of(asking(user=User(username="ada"))) == "user:ada"
    assert actor_of(asking()) == ""
    assert actor_of(SimpleNamespace()) == ""


@pytest.mark.parametrize(
    ("actor", "shown"),
    [
        *(("user:ada", "ada"), ("key:12 crm", "API key crm"), ("key:12", "API key 12")),
        *(("automation:security.sweep", "automatic"), ("command:migrate", "the command migrate")),
        *(("ada", "ada"), ("API key crm", "API key crm"), ("worker:7", "worker:7"), ("", "")),
    ],
)
def test_how_pages_name_them(actor, shown):
    assert shown_actor(actor) == shown
