"""The calls of managed keys, as their callers see them."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.test import Client
from django.utils import timezone

from aethercrown.api import idempotency, throttling
from aethercrown.models import IdempotencyRecord
from security.apikeys import services as apikeys
from security.rotation import services, tasks
from security.rotation.models import ManagedSecret, SecretBinding, SecretVersion
from security.rotation.services import orders, steps
from tests.callers import Caller
from tests.security.rotation import world as worlds
from tests.security.rotation.stored import current_value, deliver, puller

pytestmark = pytest.mark.django_db
KEYS = "/api/v1/operational/security/keys"
SIGNING = {"key_id": "billing-secret", "key_type": "signing_secret", "security_level": "high"}


@pytest.fixture(autouse=True)
def _full_buckets():
    yield
    throttling.buckets.__init__()  # type: ignore[misc]  # the one object that the views share


@pytest.fixture
def caller():
    return Caller(apikeys.create("a client", ["operational:read", "operational:write"]).plaintext)


def registered(caller, **more):
    return caller.send(f"{KEYS}/register", SIGNING | more)


def rotated(caller, key_id="billing-secret", **body):
    return caller.send(f"{KEYS}/{key_id}/rotate", body)


def problems(answer):
    return {(each["field"], each["code"]) for each in answer.json()["errors"]}


def age(key_id="billing-secret", days=100):
    """As if the key had been rotated that long ago."""
    due = timezone.now() - timedelta(days=days)
    ManagedSecret.objects.filter(key_id=key_id).update(due_at=due, eligible_at=due)
    deliver(*ManagedSecret.objects.filter(key_id=key_id))


class TestRegistering:
    def test_a_secret_is_made_and_shown_only_here(self, caller):
        answer = registered(caller)
        made = answer.json()["data"]
        assert answer.status_code == 201
        assert made["key_info"]["version"] == 1
        assert made["key_info"]["rotation_interval_days"] == 60
        assert current_value("billing-secret") == made["secret"]
        assert made["secret"] not in str([vars(each) for each in SecretVersion.objects.all()])

    def test_the_same_again_is_no_mistake_and_shows_no_secret(self, caller):
        registered(caller)
        again = registered(caller)
        assert again.status_code == 200
        assert "secret" not in again.json()["data"]
        assert ManagedSecret.objects.count() == 1

    def test_the_name_with_another_body_is_a_conflict(self, caller):
        registered(caller)
        answer = registered(caller, security_level="low")
        assert answer.status_code == 409

    def test_a_value_that_was_given_is_not_repeated(self, caller):
        answer = registered(caller, value="hunter2-hunter2")
        assert answer.status_code == 201
        assert "hunter2" not in answer.content.decode()
        assert answer.json()["data"]["key_info"]["rotator"] == "manual"

    def test_every_bad_field_is_told_at_once(self, caller):
        body = {"key_id": "a/b", "key_type": 5, "security_level": "top", "rotator": "magic"}
        answer = caller.send(f"{KEYS}/register", body | {"owner": 1, "config": {"a": {}}})
        assert answer.status_code == 400
        fields = {field for field, _ in problems(answer)}
        assert fields == {
            *("key_id", "key_type", "security_level", "rotator", "owner", "config.a"),
        }
        assert not ManagedSecret.objects.exists()

    def test_unknown_names_are_refused_beside_the_other_mistakes(self, caller):
        answer = registered(caller, key_typ="x", zeal=1, security_level="top")
        assert answer.status_code == 400
        messages = {each["field"]: each["message"] for each in answer.json()["errors"]}
        assert set(messages) == {"key_typ", "zeal", "security_level"}
        assert messages["key_typ"] == "is not known here; the nearest is key_type"
        assert problems(registered(caller, colour="red")) == {("colour", "unknown")}
        assert not ManagedSecret.objects.exists()

    @pytest.mark.parametrize("path", ["due-rotation", "report"])
    def test_an_unknown_name_in_the_query_is_refused(self, caller, path):
        answer = caller.get(f"{KEYS}/{path}?level=high")
        assert answer.status_code == 400
        assert answer.json()["errors"] == [
            {"field": "level", "code": "unknown", "message": "is not known here"}
        ]

    def test_a_body_that_is_no_object_is_one_mistake(self, caller):
        assert caller.send(f"{KEYS}/register", "[1]").status_code == 400

    @pytest.mark.parametrize("name", ["", " ", "a b", "../x", "é", "x" * 101, "a\n"])
    def test_a_name_that_fits_no_address_is_refused(self, caller, name):
        assert problems(registered(caller, key_id=name)) & {
            ("key_id", "invalid"),
            ("key_id", "blank"),
        }

    def test_a_name_is_a_text(self, caller):
        assert problems(registered(caller, key_id=5)) == {("key_id", "not_a_text")}

    def test_what_only_the_service_knows_to_be_wrong_stands_at_its_field(self, caller):
        answer = registered(caller, key_type="user_password")
        assert problems(answer) == {("key_type", "invalid")}
        answer = registered(caller, rotator="webhook", config={"url": "ftp://x"})
        assert problems(answer) == {("config.url", "invalid")}

    def test_lists_and_whole_numbers_reach_the_rotator(self, caller):
        config = {"host": "db", "port": 5432, "dbname": "shop", "roles": ["shop_a", "shop_b"]}
        answer = registered(caller, rotator="database_password", value="x", config=config)
        assert answer.status_code == 201
        assert ManagedSecret.objects.get().config == config


class TestRotating:
    def test_a_new_value_is_current_and_the_old_one_has_its_grace(self, caller):
        old = registered(caller).json()["data"]["secret"]
        answer = rotated(caller, grace_minutes=90)
        rotation = answer.json()["data"]["rotation"]
        assert answer.status_code == 200
        assert rotation["version"] == 2
        assert current_value("billing-secret") == rotation["new_key"] != old
        old_row = SecretVersion.objects.get(number=1)
        assert old_row.state == "retiring"
        rotated_at = old_row.key.last_rotated_at
        assert rotated_at is not None
        assert old_row.retire_at == rotated_at + timedelta(minutes=90)

    def test_an_unknown_key_is_missing(self, caller):
        answer = rotated(caller, "nobody")
        assert answer.status_code == 404
        assert "nobody" in answer.json()["message"]

    def test_a_rotation_under_way_is_a_conflict_that_says_when_to_come_back(self, caller):
        registered(caller)
        steps.acquire(ManagedSecret.objects.get().pk, "rotate")
        answer = rotated(caller)
        assert (answer.status_code, answer["Retry-After"]) == (409, "5")
        assert problems(answer) == {("", "rotation_in_flight")}

    def test_a_paused_key_is_a_conflict(self, caller):
        registered(caller)
        services.pause("billing-secret")
        answer = rotated(caller)
        assert answer.status_code == 409
        assert "paused" in answer.json()["message"]

    def test_another_version_than_expected_is_a_conflict(self, caller):
        registered(caller)
        assert rotated(caller, expected_version=7).status_code == 409
        assert rotated(caller, expected_version=1).status_code == 200

    def test_every_bad_field_is_told_at_once(self, caller):
        registered(caller)
        answer = rotated(caller, reason="why not", grace_minutes=-1, force="yes", value=3)
        fields = {field for field, _ in problems(answer)}
        assert fields == {"reason", "grace_minutes", "force", "value"}

    def test_a_value_for_a_key_that_makes_its_own_is_refused(self, caller):
        registered(caller)
        assert problems(rotated(caller, value="mine")) == {("value", "invalid")}

    def test_a_compromised_value_has_no_grace(self, caller):
        registered(caller)
        rotation = rotated(caller, reason="compromised").json()["data"]["rotation"]
        assert rotation["version"] == 2
        assert SecretVersion.objects.get(number=1).state == "compromised"

    def test_a_manual_key_asks_a_person_for_its_value_and_takes_it(self, caller):
        registered(caller, value="old-value")
        answer = rotated(caller)
        asked = answer.json()
        assert (answer.status_code, asked["message"]) == (202, "Waiting for the new value")
        assert asked["data"]["rotation"]["action_required"]
        assert rotated(caller, value="new-value").status_code == 200
        assert current_value("billing-secret") == "new-value"


class TestAskedAgain:
    """A broken connection does not lose the only sight of a secret."""

    def again(self, caller, call, **body):
        headers = {idempotency.HEADER: "once"}
        return caller.send(f"{KEYS}/{call}", body, headers=headers)

    def test_the_new_key_is_given_again_for_a_while_and_kept_encrypted_only(self, caller):
        registered(caller)
        first = self.again(caller, "billing-secret/rotate").json()["data"]["rotation"]
        second = self.again(caller, "billing-secret/rotate").json()["data"]["rotation"]
        assert first == second
        assert first["new_key"]
        assert first["new_key"] not in str(IdempotencyRecord.objects.values_list().get())
        IdempotencyRecord.objects.update(created_at=timezone.now() - idempotency.SECRET_RETENTION)
        third = self.again(caller, "billing-secret/rotate").json()["data"]["rotation"]
        assert third["new_key"] is None
        assert third["action_required"].endswith(idempotency.GONE_MESSAGE)
        assert SecretVersion.objects.count() == 2

    def test_so_is_the_first_one(self, caller):
        first = self.again(caller, "register", **SIGNING).json()["data"]
        assert self.again(caller, "register", **SIGNING).json()["data"] == first
        assert first["secret"]


class TestChanging:
    def changed(self, caller, **body):
        return caller.patch(f"{KEYS}/billing-secret", body, "application/json")

    def test_level_and_owner_are_changed(self, caller):
        registered(caller)
        answer = self.changed(caller, security_level="critical", owner="Billing")
        info = answer.json()["data"]["key_info"]
        assert (answer.status_code, info["security_level"], info["owner"]) == (
            200, "critical", "Billing",
        )  # fmt: skip
        assert info["rotation_interval_days"] == 30

    def test_every_bad_field_is_told_at_once(self, caller):
        registered(caller)
        answer = self.changed(caller, security_level="top", owner=7, key_id="x")
        assert {field for field, _ in problems(answer)} == {"security_level", "owner", "key_id"}

    def test_where_a_key_is_used_is_not_changed_by_a_caller(self, caller):
        """The attack: a bound key is pointed at other roles, or at another receiver."""
        config = {"host": "db", "dbname": "shop", "roles": ["shop_a", "shop_b"]}
        registered(caller, rotator="database_password", value="x", config=config)
        other = config | {"roles": ["shop_a", "chief"]}
        assert self.changed(caller, config=other).status_code == 200
        key = ManagedSecret.objects.get()
        SecretBinding.objects.create(key=key, purpose="database", host="db")
        assert self.changed(caller, config=config).status_code == 409
        key.refresh_from_db()
        assert key.config == other

    def test_a_registered_key_is_still_the_same_after_a_rotation(self, caller):
        registered(caller)
        rotated(caller)
        assert registered(caller).status_code == 200

    def test_the_same_value_again_is_refused(self, caller):
        registered(caller, value=" s3cret ")
        assert current_value("billing-secret") == " s3cret "
        assert problems(rotated(caller, value=" s3cret ")) == {("value", "invalid")}

    def test_a_key_without_a_working_value_is_failing_and_not_healthy(self, caller):
        registered(caller, value="1111")
        body = {"reason": "compromised", "force": True}
        assert rotated(caller, **body).json()["data"]["rotation"]["new_key"] is None
        report = caller.get(f"{KEYS}/report").json()["data"]["report"]
        assert (report["total_keys"], report["healthy"], report["failing"]) == (1, 0, 1)
        assert report["failing_keys"] == ["billing-secret"]


class TestByAWorker:
    @pytest.fixture
    def key(self, key, monkeypatch):
        monkeypatch.setattr(orders, "WAIT_SECONDS", 0)
        return key

    def test_what_calls_outside_is_answered_202_and_then_with_the_result(self, caller, key, world):
        answer = rotated(caller, "db")
        rotation = answer.json()["data"]["rotation"]
        assert (answer.status_code, rotation["rotated_at"], rotation["version"]) == (202, None, 1)
        assert "same request again" in rotation["action_required"]
        assert world.journal == []
        tasks.rotate_ordered()
        again = rotated(caller, "db")
        rotation = again.json()["data"]["rotation"]
        assert (again.status_code, rotation["version"]) == (200, 2)
        assert rotation["new_key"] == current_value("db")
        assert rotated(caller, "db").status_code == 202
        tasks.rotate_ordered()
        assert rotated(caller, "db").status_code == 409  # the grace of version 1

    def test_a_failure_says_no_more_than_the_target_did(self, caller, key, world):
        world.refuses.add("set")
        rotated(caller, "db")
        tasks.rotate_ordered()
        answer = rotated(caller, "db")
        assert answer.status_code == 409
        assert "It could not be set" in answer.json()["message"]


class TestValues:
    @pytest.fixture
    def channel(self):
        return puller(services.register("billing-secret", "x").key)

    def value(self, who, key_id="billing-secret"):
        return who.get(f"{KEYS}/{key_id}/value")

    def test_a_bound_api_key_gets_the_value_and_nobody_stores_it(self, channel):
        answer = self.value(Caller(channel.plaintext))
        assert answer.status_code == 200
        assert answer.json()["data"] == {
            "key_id": "billing-secret", "version": 1, "value": current_value("billing-secret"),
            "detail": {}, "previous_valid_until": None,
        }  # fmt: skip
        assert answer["Cache-Control"] == "no-store"

    def test_every_other_key_is_refused(self, channel, caller):
        assert self.value(caller).status_code == 403  # no scope
        everything = Caller(apikeys.create("all", ["all"]).plaintext)
        assert self.value(everything).status_code == 403  # never in `all`
        unbound = Caller(apikeys.create("unbound", ["security:reveal"]).plaintext)
        assert self.value(unbound).status_code == 403
        assert self.value(Caller(channel.plaintext), "nobody").status_code == 404

    def test_no_person_gets_a_value(self, channel, admin_client):
        assert admin_client.get(f"{KEYS}/billing-secret/value").status_code == 403

    def test_reads_have_a_limit_of_their_own(self, channel):
        reader = Caller(channel.plaintext)
        statuses = {self.value(reader).status_code for _ in range(60)}
        assert statuses == {200, 429}

    def test_a_revoked_key_has_none(self, channel):
        services.revoke("billing-secret")
        assert self.value(Caller(channel.plaintext)).status_code == 409


class TestDue:
    def test_keys_whose_time_has_come_are_listed_longest_first(self, caller):
        for number, days in enumerate([3, 9]):
            registered(caller, key_id=f"key-{number}")
            age(f"key-{number}", days)
        registered(caller, key_id="young")
        due = caller.get(f"{KEYS}/due-rotation").json()["data"]
        assert [each["key_id"] for each in due["due_keys"]] == ["key-1", "key-0"]
        assert due["count"] == 2

    def test_all_that_is_due_is_rotated_without_showing_values(self, caller):
        registered(caller)
        age(days=1)
        done = caller.send(f"{KEYS}/auto-rotate").json()["data"]
        assert (done["count"], done["failures"]) == (1, [])
        assert done["rotations"][0]["new_key"] is None
        assert caller.send(f"{KEYS}/auto-rotate").json()["data"]["count"] == 0

    def test_force_is_for_staff(self, caller, admin_client):
        answer = caller.send(f"{KEYS}/auto-rotate", {"force": True})
        assert answer.status_code == 403
        body = {"force": True}
        assert admin_client.post(f"{KEYS}/auto-rotate", body, "application/json").status_code == 200

    def test_the_report_counts_what_is_overdue_due_soon_and_healthy(self, caller):
        for number, days in enumerate([1, -3, -30]):
            registered(caller, key_id=f"key-{number}")
            age(f"key-{number}", days)
        report = caller.get(f"{KEYS}/report").json()["data"]["report"]
        figures = [report[name] for name in ("total_keys", "overdue", "due_soon", "healthy")]
        assert figures == [3, 1, 1, 1]
        assert report["overdue_keys"][0]["key_id"] == "key-0"


class TestNoKeyGrantsWhatItLacks:
    WIDE = {
        "key_id": "wide",
        "key_type": "api_key",
        "rotator": "platform_api_key",
        "config": {"scopes": ["all"]},
    }

    def test_it_registers_no_key_that_opens_more(self, caller):
        answer = caller.send(f"{KEYS}/register", self.WIDE)
        assert answer.status_code == 403
        assert "revenue:write" in answer.json()["message"]
        assert not ManagedSecret.objects.exists()

    def test_it_rotates_no_key_that_opens_more(self, caller):
        services.register("wide", "api_key", rotator="platform_api_key", config={"scopes": ["all"]})
        answer = rotated(caller, "wide")
        assert answer.status_code == 403
        assert SecretVersion.objects.count() == 1

    def test_it_hands_out_what_it_has(self, caller):
        own = self.WIDE | {"config": {"scopes": ["operational:read"]}}
        made = caller.send(f"{KEYS}/register", own).json()["data"]["secret"]
        new = rotated(caller, "wide").json()["data"]["rotation"]["new_key"]
        for key in (made, new):
            assert Caller(key).get(f"{KEYS}/report").status_code == 200

    def test_an_unknown_scope_is_named(self, caller):
        wrong = self.WIDE | {"config": {"scopes": ["root"]}}
        assert problems(caller.send(f"{KEYS}/register", wrong)) == {("config.scopes", "invalid")}


@pytest.mark.parametrize(("role", "status"), [("operator", 403), ("security officer", 201)])
def test_of_staff_only_those_who_may_change_keys_register_one(django_user_model, role, status):
    user = django_user_model.objects.create_user("ada", is_staff=True)
    user.groups.set(Group.objects.filter(name=role))
    client = Client()
    client.force_login(user)
    answer = client.post(f"{KEYS}/register", SIGNING, "application/json")
    assert answer.status_code == status


@pytest.mark.django_db(transaction=True)
class TestAnswersThatWereLost:
    """The rotation is committed, but its answer could not be stored: a repeat rotates nothing."""

    def lost(self, caller, monkeypatch, key_id):
        def full(*_arguments):
            raise DatabaseError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "store_response", full)
            first = caller.send(f"{KEYS}/{key_id}/rotate", {}, headers={"Idempotency-Key": "r"})
        assert first.status_code == 500
        return caller.send(f"{KEYS}/{key_id}/rotate", {}, headers={"Idempotency-Key": "r"})

    def test_the_repeat_has_the_rotation_that_was_done(self, caller, monkeypatch):
        registered(caller)
        again = self.lost(caller, monkeypatch, "billing-secret")
        rotation = again.json()["data"]["rotation"]
        assert (again.status_code, again["Idempotent-Replayed"]) == (200, "true")
        assert rotation["version"] == 2
        assert rotation["new_key"] == current_value("billing-secret")
        assert rotation["previous_valid_until"] is not None
        assert SecretVersion.objects.count() == 2

    def test_a_credential_that_is_shown_once_is_null_and_says_what_to_do(self, caller, monkeypatch):
        scopes = {"scopes": ["operational:read"]}
        named = {"key_id": "crm", "key_type": "api_key"}
        body = {**named, "rotator": "platform_api_key", "config": scopes}
        assert caller.send(f"{KEYS}/register", body).status_code == 201
        rotation = self.lost(caller, monkeypatch, "crm").json()["data"]["rotation"]
        assert (rotation["version"], rotation["new_key"]) == (2, None)
        assert rotation["action_required"] == idempotency.GONE_MESSAGE
        assert SecretVersion.objects.count() == 2

    def test_a_repeated_pass_over_the_due_keys_rotates_each_once(self, caller, monkeypatch):
        registered(caller)
        age(days=1)

        def full(*_arguments):
            raise DatabaseError("database or disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(idempotency, "store_response", full)
            headers = {"Idempotency-Key": "due"}
            assert caller.send(f"{KEYS}/auto-rotate", {}, headers=headers).status_code == 500
        again = caller.send(f"{KEYS}/auto-rotate", {}, headers=headers)
        assert (again.status_code, again.json()["data"]["failures"]) == (200, [])
        assert SecretVersion.objects.count() == 2

    def test_one_key_asks_again_for_a_rotation_that_a_worker_does(self, caller, monkeypatch):
        """A 202 is not the answer for a day: the result is handed out once it is there."""
        monkeypatch.setattr(orders, "WAIT_SECONDS", 0.0)
        registered(caller, rotator="test_target", value="first")
        headers = {"Idempotency-Key": "slow"}
        path = f"{KEYS}/billing-secret/rotate"
        assert caller.send(path, {}, headers=headers).status_code == 202
        world = worlds.fresh_world()
        world.works["billing-secret"].add("first")
        services.run_ordered()
        done, replayed = (caller.send(path, {}, headers=headers) for _ in range(2))
        assert (done.status_code, done.json()["data"]["rotation"]["version"]) == (200, 2)
        assert replayed.json() == done.json()
        assert SecretVersion.objects.count() == 2
