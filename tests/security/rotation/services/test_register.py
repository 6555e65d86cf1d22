"""Registering managed keys."""

from datetime import timedelta
from typing import Any

import pytest

from security.apikeys import services as api_keys
from security.apikeys.scopes import REVEAL
from security.audit.models import Event
from security.rotation import models
from security.rotation import services as rotation
from security.rotation.models import OutsideTask
from security.rotation.reports.doctor import keys, shared_claims
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


def test_a_repeat_after_a_rotation_and_a_change_is_the_same_key():
    services.register("vendor", "api_key", value="given")
    services.rotate("vendor", value="new")
    services.change("vendor", level="low", owner="Billing")
    assert services.register("vendor", "api_key", value="given").is_new is False
    with pytest.raises(services.DuplicateKey):
        services.register("vendor", "api_key", value="new")


def test_a_key_of_an_earlier_version_is_compared_as_it_is_now():
    services.register("vendor", "api_key", value="given")
    ManagedSecret.objects.update(registered=None, sealed_first_digest="")
    assert services.register("vendor", "api_key", value="given").is_new is False
    with pytest.raises(services.DuplicateKey):
        services.register("vendor", "api_key", value="given", level="low")


def test_the_value_of_a_registered_key_is_not_guessed_by_registering_it_again():
    """The attack: another body is refused, and the same one is not."""
    services.register("vendor", "api_key", value="given")
    for _ in range(12):  # the right one costs no try
        assert services.register("vendor", "api_key", value="given").is_new is False
    for number in range(10):
        with pytest.raises(services.DuplicateKey, match="and is another"):
            services.register("vendor", "api_key", value=f"guess {number}")
    for value in ("given", "guess 10"):
        with pytest.raises(services.DuplicateKey, match="Too many other values"):
            services.register("vendor", "api_key", value=value)
    assert services.register("vendor", "api_key", rotator="manual").is_new is False
    services.register("other", "api_key", value="given")
    assert services.register("other", "api_key", value="given").is_new is False


class TestChanging:
    def test_level_owner_and_config_are_changed_with_history_and_event(self):
        key = services.register("mail", "api_key", level="low").key
        services.change("mail", level="critical", owner="Mail", actor="user:anna")
        changed = services.get("mail")
        assert (changed.level, changed.owner, changed.interval_days) == ("critical", "Mail", 30)
        assert changed.due_at == key.created_at + 30 * DAY
        assert [each.level for each in changed.history.all()] == ["critical", "low"]
        assert Event.objects.filter(event="key.changed", actor="user:anna").exists()
        services.change("mail", level="critical")  # nothing is another
        assert services.get("mail").lease_until is None

    @pytest.mark.parametrize(
        ("field", "given"),
        [("level", {"level": "top"}), ("owner", {"owner": "x" * 201}),
         ("config.colour", {"config": {"colour": "red"}})],
    )  # fmt: skip
    def test_what_is_wrong_is_named_and_changes_nothing(self, field, given):
        services.register("mail", "api_key")
        with pytest.raises(services.InvalidArgument) as refused:
            services.change("mail", **given)
        assert refused.value.field == field
        fresh = services.get("mail")
        assert (fresh.level, fresh.lease_until) == ("medium", None)

    def test_an_issued_credential_keeps_its_scopes(self):
        services.register(
            "ci", "x", rotator="platform_api_key", config={"scopes": ["revenue:read"]}
        )
        with pytest.raises(services.InvalidArgument, match="register another key"):
            services.change("ci", config={"scopes": ["all"]})

    def test_another_config_is_to_be_rehearsed_again(self):
        hook = {"rotator": "webhook", "config": {"url": "https://a.example.com/"}}
        key = services.register("hook", "x", **hook).key
        ManagedSecret.objects.update(delivery_tested_at=key.created_at)
        services.change("hook", config={"url": "https://b.example.com/"})
        assert services.get("hook").delivery_tested_at is None

    def test_a_key_that_ended_is_not_changed(self):
        services.register("mail", "api_key")
        services.revoke("mail")
        with pytest.raises(services.InvalidTransition, match="is revoked"):
            services.change("mail", owner="me")


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
        ("config.scopes", {"rotator": "platform_api_key", "config": {"scopes": [REVEAL]}}),
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


CONFIG = {"host": "db", "dbname": "shop", "roles": ["shop_a", "shop_b"]}


def registered(name, **config):
    given = {**CONFIG, **config}
    return services.register(name, "x", rotator="database_password", value="x", config=given)


class TestARoleOfADatabaseBelongsToOneKey:
    @pytest.mark.parametrize("config", [{}, {"dbname": "other"}, {"roles": ["shop_b", "x"]},
                                        {"port": 5432, "host": "DB"}])  # fmt: skip
    def test_another_key_that_names_it_is_refused(self, config):
        registered("first")
        with pytest.raises(services.InvalidArgument, match="which the key first changes") as why:
            registered("second", **config)
        assert why.value.field == "config"
        assert list(ManagedSecret.objects.values_list("key_id", flat=True)) == ["first"]
        assert registered("first").is_new is False

    def test_a_change_that_names_it_is_refused(self):
        registered("first")
        registered("second", roles=["a", "b"])
        with pytest.raises(services.InvalidArgument, match="the role shop_b at db:5432"):
            services.change("second", config={**CONFIG, "roles": ["a", "shop_b"]})
        services.change("first", config={**CONFIG, "roles": ["shop_a", "shop_c"]})
        services.change("second", config={**CONFIG, "roles": ["a", "shop_b"]})

    def test_another_server_and_another_port_are_others(self):
        registered("first")
        registered("second", host="db2")
        registered("third", port=5433)

    def test_a_key_that_ended_lets_go_once_nothing_of_it_is_left_outside(self):
        registered("first")
        services.revoke("first")
        task = OutsideTask.objects.get()
        with pytest.raises(services.InvalidArgument, match="still to be ended for the key first"):
            registered("second")
        OutsideTask.objects.filter(pk=task.pk).update(state="closed", ended_at=task.created_at)
        registered("second")

    def test_what_earlier_versions_shared_is_found_by_the_doctor(self):
        registered("first")
        registered("second", host="db2")
        assert shared_claims() == {}
        second = services.get("second")
        second.config = CONFIG
        second.save(update_fields=["config"])
        said = [each.message for each in keys()]
        assert "The role shop_a at db:5432 is changed by first and by second." in said

    @pytest.mark.django_db(transaction=True)
    def test_of_two_at_once_one_gets_it(self, at_once):
        names = iter(("first", "second"))
        results = at_once(lambda: registered(next(names)), 2)
        assert sorted(type(each).__name__ for each in results) == ["InvalidArgument", "Registered"]
