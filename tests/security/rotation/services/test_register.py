"""Registering managed keys."""

from datetime import timedelta
from typing import Any

import pytest

from security.apikeys import services as api_keys
from security.rotation import models
from security.rotation import services as rotation
from tests.security.rotation.stored import current_value

pytestmark = pytest.mark.django_db
# Any: values that may be None elsewhere exist in these tests.
services: Any = rotation
apikeys: Any = api_keys
ManagedSecret: Any = models.ManagedSecret
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def test_a_generated_secret_is_shown_once_and_stored_encrypted():
    made = services.register("mail", "api_key")
    assert len(made.secret) == 43
    assert current_value("mail") == made.secret
    assert made.secret.encode() not in bytes(made.version.sealed)
    assert services.register("mail", "api_key").secret is None


def test_a_given_value_makes_a_manual_key_and_is_not_returned():
    made = services.register("vendor", "api_key", value="given")
    assert (made.key.rotator, made.secret) == ("manual", None)


def test_a_manual_key_may_have_no_value():
    services.register("door", "pin", rotator="manual")
    assert current_value("door") == ""


@pytest.mark.parametrize(
    "more", [{"level": "high"}, {"value": "other"}, {"rotator": "manual"}, {"owner": "me"}]
)
def test_the_same_name_with_another_body_is_a_duplicate(more):
    services.register("mail", "api_key")
    with pytest.raises(services.DuplicateKey, match="mail is managed already"):
        services.register("mail", "api_key", **more)


def test_a_repeat_after_a_rotation_is_a_duplicate():
    services.register("vendor", "api_key", value="given")
    services.rotate("vendor", value="new")
    with pytest.raises(services.DuplicateKey):
        services.register("vendor", "api_key", value="given")


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("key_id", {"key_id": "a b"}),
        ("key_id", {"key_id": "x" * 101}),
        ("key_type", {"key_type": ""}),
        ("key_type", {"key_type": "user_password"}),
        ("level", {"level": "extreme"}),
        ("rotator", {"rotator": "nobody"}),
        ("value", {"value": ""}),
        ("value", {"value": "x" * 10_001}),
        ("value", {"value": "\ud800"}),
        ("value", {"rotator": "database_password", "config": {
            "host": "h", "dbname": "d", "roles": ["a", "b"]}}),
        ("value", {"rotator": "platform_api_key", "config": {"scopes": ["all"]}, "value": "x"}),
        ("config.scopes", {"rotator": "platform_api_key", "config": {"scopes": ["flying"]}}),
        ("config.scopes", {"rotator": "platform_api_key"}),
        ("config.colour", {"config": {"colour": "red"}}),
    ],
)  # fmt: skip
def test_an_invalid_argument_names_its_field(field, given):
    with pytest.raises(services.InvalidArgument) as refused:
        services.register(**{"key_id": "mail", "key_type": "api_key", **given})
    assert refused.value.field == field
    assert not ManagedSecret.objects.exists()


def test_a_key_is_due_after_one_interval_and_eligible_a_little_earlier():
    made = services.register("mail", "api_key", level="critical").key
    assert made.due_at == made.created_at + 30 * DAY
    assert made.due_at - 3 * DAY <= made.eligible_at <= made.due_at
