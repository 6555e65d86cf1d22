"""Managed keys in the admin, as an officer uses it."""

import html
import io
import re
import zipfile
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone

from aethercrown.crypto import sealing
from security.rotation import services, tasks
from security.rotation.models import (
    KeyChannel,
    ManagedSecret,
    OutsideTask,
    RotationPolicy,
    RotationRun,
    SecretBinding,
    SecretVersion,
)
from tests.security.rotation.stored import current_value, deliver, puller

pytestmark = pytest.mark.django_db
LIST = "/admin/security/managedsecret/"
ADD = f"{LIST}add/"
ASKED = {
    "key_id": "billing-secret",
    "key_type": "signing_secret",
    "level": "high",
    "rotator": "generated",
    "value": "",
    "config": "{}",
    "owner": "Billing",
}


@pytest.fixture
def officer(client, django_user_model):
    user = django_user_model.objects.create_user("olga", is_staff=True)
    user.groups.set([Group.objects.get(name="security officer")])
    client.force_login(user)
    return client


@pytest.fixture
def key():
    return services.register("billing-secret", "signing_secret", level="high").key


def page(key, step=""):
    return f"{LIST}{key.pk}/{step}/" if step else f"{LIST}{key.pk}/change/"


def shown(answer):
    return re.findall(r"<code[^>]*>([^<]+)</code>", answer.content.decode())


def said(client, path=LIST):
    return client.get(path).content.decode()


class TestRegistering:
    def test_a_secret_that_was_made_is_shown_once(self, officer, caplog):
        answer = officer.post(ADD, ASKED)
        (secret,) = shown(answer)
        assert current_value("billing-secret") == secret
        assert "no-store" in answer["Cache-Control"]
        kept = [each.get_decoded() for each in Session.objects.all()]
        assert secret not in f"{kept} {caplog.text} {said(officer)}"
        assert secret not in said(officer, page(ManagedSecret.objects.get()))

    def test_a_value_that_was_typed_is_not_shown_and_kept_as_it_is(self, officer):
        answer = officer.post(ADD, ASKED | {"rotator": "manual", "value": " s3cret with space "})
        assert answer.headers["Location"] == page(ManagedSecret.objects.get())
        assert current_value("billing-secret") == " s3cret with space "

    def test_what_is_wrong_stands_at_its_field_and_the_value_is_not_sent_back(self, officer):
        wrong = {"key_type": "user_password", "rotator": "manual", "value": "hunter2-hunter2"}
        answer = officer.post(ADD, ASKED | wrong)
        content = answer.content.decode()
        assert "rotated: it makes them weaker" in content
        assert "hunter2" not in content
        assert not ManagedSecret.objects.exists()

    @pytest.mark.parametrize(
        "wrong", [{"key_id": "a b"}, {"config": "{"}, {"level": "top"}, {"rotator": "magic"}]
    )
    def test_a_wrong_field_registers_nothing(self, officer, wrong):
        assert officer.post(ADD, ASKED | wrong).status_code == 200
        assert not ManagedSecret.objects.exists()

    def test_a_name_that_stands_for_another_key_is_refused(self, officer, key):
        answer = officer.post(ADD, ASKED | {"level": "low"})
        assert "billing-secret" in answer.content.decode()
        assert ManagedSecret.objects.count() == 1

    def test_the_same_again_leads_to_the_key(self, officer):
        officer.post(ADD, ASKED)
        again = officer.post(ADD, ASKED)
        assert again.headers["Location"] == page(ManagedSecret.objects.get())

    def test_a_wrong_part_of_the_config_is_told(self, officer):
        answer = officer.post(ADD, ASKED | {"rotator": "webhook", "config": '{"url": "ftp://x"}'})
        assert "scheme" in answer.content.decode()


class TestSteps:
    def test_a_get_asks_and_changes_nothing(self, officer, key):
        for step in ("rotate-now", "mark-compromised", "rehearse", "pause", "revoke"):
            assert "Back without changes" in said(officer, page(key, step))
        assert SecretVersion.objects.count() == 1

    def test_the_new_value_is_shown_once_and_until_when_the_old_one_works(self, officer, key):
        answer = officer.post(page(key, "rotate-now"), {"grace_minutes": "60"})
        (value,) = shown(answer)
        assert current_value("billing-secret") == value
        assert "The old value works until" in answer.content.decode()
        assert SecretVersion.objects.get(number=2).actor == "user:olga"

    def test_a_compromised_key_has_no_grace(self, officer, key):
        officer.post(page(key, "mark-compromised"), {})
        assert SecretVersion.objects.get(number=1).state == "compromised"

    def test_a_paused_key_is_not_rotated_until_it_is_resumed(self, officer, key):
        officer.post(page(key, "pause"), {})
        officer.post(page(key, "rotate-now"), {})
        assert "is paused" in said(officer)
        officer.post(page(key, "resume"), {})
        assert shown(officer.post(page(key, "rotate-now"), {}))

    def test_level_owner_and_config_are_changed_on_its_page(self, officer, key):
        form = said(officer, page(key, "edit"))
        assert "Its value stays" in form
        asked = {"level": "low", "owner": "Ops", "config": ""}
        officer.post(page(key, "edit"), asked)
        changed = services.get("billing-secret")
        assert (changed.level, changed.owner, changed.interval_days) == ("low", "Ops", 180)

    def test_a_rehearsal_changes_nothing(self, officer, key):
        before = current_value("billing-secret")
        officer.post(page(key, "rehearse"), {})
        assert current_value("billing-secret") == before

    def test_a_revoked_key_is_gone_for_good(self, officer, key):
        officer.post(page(key, "revoke"), {})
        assert ManagedSecret.objects.get().state == "revoked"
        assert "rotate-now" not in said(officer, page(key))
        assert "healthy" not in said(officer, page(key))
        assert ">billing-secret<" not in said(officer, f"{LIST}?due_status=healthy")

    def test_a_manual_key_takes_the_value_that_a_person_enters(self, officer):
        key = services.register("gate-code", "code", value="1111").key
        assert "enter-value" in said(officer, page(key))
        answer = officer.post(page(key, "enter-value"), {"value": ""})
        assert "Enter new value" in answer.content.decode()
        officer.post(page(key, "enter-value"), {"value": "2222"})
        assert current_value("gate-code") == "2222"

    def test_only_what_fits_the_state_is_offered(self, officer, key):
        content = said(officer, page(key))
        assert "rotate-now" in content
        assert "/resume" not in content
        assert "/enter-value" not in content

    def test_a_key_that_is_not_there_has_no_steps(self, officer):
        assert officer.get(f"{LIST}999/rotate-now/").status_code == 404
        assert officer.get(f"{LIST}999/change/").status_code == 302


class TestMany:
    def test_several_are_rotated_and_all_values_shown(self, officer, key):
        other = services.register("mail-secret", "signing_secret").key
        manual = services.register("gate-code", "code", value="1111").key
        paused = services.register("old-secret", "signing_secret").key
        services.pause("old-secret")
        chosen = [each.pk for each in (key, other, manual, paused)]
        asked = {"action": "rotate_selected", "_selected_action": chosen}
        assert len(shown(officer.post(LIST, asked))) == 2

    def test_all_that_is_due_is_rotated_within_the_limit(self, officer, key):
        deliver(key)
        at = timezone.now() - timedelta(minutes=1)  # the database's clock may be a little behind
        ManagedSecret.objects.update(due_at=at, eligible_at=at)
        assert "within the hour" in said(officer, f"{LIST}rotate-due/")
        officer.post(f"{LIST}rotate-due/", {})
        assert SecretVersion.objects.filter(state="current", number=2).exists()
        assert "1 rotated" in said(officer)

    def test_what_has_no_channel_is_named_and_left_to_a_person(self, officer, key):
        at = timezone.now() - timedelta(minutes=1)
        ManagedSecret.objects.update(due_at=at, eligible_at=at)
        officer.post(f"{LIST}rotate-due/", {})
        assert "rotate them by hand: billing-secret" in said(officer)
        assert SecretVersion.objects.count() == 1

    def test_a_failure_and_a_pause_are_shown(self, officer):
        url = {"url": "https://127.0.0.1:8443/key"}  # no public address: refused before it is sent
        hook = services.register("hook", "signing_secret", rotator="webhook", config=url).key
        SecretBinding.objects.create(key=hook, purpose="webhook", host="127.0.0.1", port=8443)
        deliver(hook)
        at = timezone.now() - timedelta(minutes=1)  # the database's clock may be a little behind
        ManagedSecret.objects.update(due_at=at, eligible_at=at)
        officer.post(f"{LIST}rotate-due/", {})
        assert "1 begun by a worker" in said(officer)
        tasks.rotate_ordered()
        assert "The target refused." in said(officer, page(hook))
        RotationRun.objects.create(begun_at=at, paused_because="A clock jumped.")
        officer.post(f"{LIST}rotate-due/", {})
        assert "has not been resumed" in said(officer)

    def test_force_resumes_paused_runs(self, officer, key):
        officer.post(f"{LIST}rotate-due/", {"force": "on"})
        assert "0 rotated" in said(officer)

    def test_the_evidence_pack_is_a_download(self, officer, key):
        answer = officer.get(f"{LIST}evidence-pack/")
        assert answer["Content-Type"] == "application/zip"
        names = zipfile.ZipFile(io.BytesIO(answer.content)).namelist()
        assert "inventory.csv" in names


class TestLooking:
    def test_the_list_shows_the_status_of_each_key(self, officer, key):
        assert "healthy" in said(officer)

    @pytest.mark.parametrize(
        ("status", "rows"), [("overdue", 0), ("due_soon", 0), ("healthy", 1), ("failing", 0)]
    )
    def test_the_list_is_filtered_by_status(self, officer, key, status, rows):
        content = said(officer, f"{LIST}?due_status={status}")
        assert content.count(">billing-secret<") == rows

    @pytest.mark.parametrize(("status", "rows"), [("due_soon", 1), ("healthy", 0)])
    def test_a_key_is_due_soon_by_its_own_interval(self, officer, key, status, rows):
        soon = timezone.now() + timedelta(hours=5)
        ManagedSecret.objects.update(interval_days=1, eligible_at=soon, due_at=soon)
        content = said(officer, f"{LIST}?due_status={status}")
        assert content.count(">billing-secret<") == rows
        ManagedSecret.objects.update(due_at=soon + timedelta(hours=3))
        content = said(officer, f"{LIST}?due_status={status}")
        assert content.count(">billing-secret<") == 1 - rows

    @pytest.mark.parametrize(("status", "rows"), [("healthy", 0), ("failing", 1)])
    def test_a_key_without_a_working_value_is_failing_and_not_healthy(
        self, officer, key, status, rows
    ):
        ManagedSecret.objects.update(state="failed")
        assert "failing" in said(officer, page(key))
        content = said(officer, f"{LIST}?due_status={status}")
        assert content.count(">billing-secret<") == rows

    def test_a_key_shows_its_versions_and_no_secret(self, officer, key):
        first = current_value("billing-secret")
        services.rotate("billing-secret")
        content = said(officer, page(key))
        assert "Retiring" in content
        assert first not in content
        assert current_value("billing-secret") not in content
        assert 'name="_save"' not in content

    def test_nothing_is_deleted(self, officer, key):
        assert officer.post(f"{LIST}{key.pk}/delete/", {"post": "yes"}).status_code == 403

    def test_an_operator_sees_none_of_it(self, client, django_user_model, key):
        user = django_user_model.objects.create_user("otto", is_staff=True)
        user.groups.set([Group.objects.get(name="operator")])
        client.force_login(user)
        for path in (LIST, ADD, page(key), page(key, "rotate-now"), f"{LIST}evidence-pack/"):
            assert client.get(path).status_code == 403
        assert client.post(page(key, "rotate-now"), {}).status_code == 403
        assert SecretVersion.objects.count() == 1


class TestBindings:
    PATH = "/admin/security/secretbinding/"
    ASKED = {"purpose": "database", "host": "DB1.example.com", "port": "5432",
             "tls": "verify-full", "ca_certificate": "", "networks": "10.1.0.0/16"}  # fmt: skip

    @pytest.fixture
    def app(self, db):
        """A key whose configuration, and that of the administrator it names, is used at db1."""
        config = {
            "host": "db1.example.com", "dbname": "shop", "roles": ["a", "b"],
            "admin_role": "chief", "admin_key": "billing-secret",
        }  # fmt: skip
        return services.register(
            "app", "x", rotator="database_password", config=config, value="x"
        ).key

    def test_an_officer_binds_a_secret_to_a_server_and_unbinds_it(self, officer, key, app):
        for each in (app, key):  # the second as the administrator of the first
            officer.post(f"{self.PATH}add/", self.ASKED | {"key": each.pk})
        assert {str(each) for each in SecretBinding.objects.all()} == {
            "app at db1.example.com:5432", "billing-secret at db1.example.com:5432",
        }  # fmt: skip
        SecretBinding.objects.filter(key=app).delete()
        bound = SecretBinding.objects.get()
        assert bound.terms.tls == "verify-full"
        assert "db1.example.com" in said(officer, self.PATH)
        officer.post(f"{self.PATH}{bound.pk}/delete/", {"post": "yes"})
        assert not SecretBinding.objects.exists()

    @pytest.mark.parametrize(
        "wrong",
        [{"host": "a,b"}, {"host": "10.2.0.1"}, {"host": "::1"}, {"networks": "8.8.8.0/24"},
         {"port": "0"}, {"purpose": "webhook", "tls": "disable"}, {"ca_certificate": "my CA"},
         {"ca_certificate": "\u0663"},
         {"ca_certificate": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"}],
    )  # fmt: skip
    def test_what_could_never_be_used_is_refused(self, officer, app, wrong):
        answer = officer.post(f"{self.PATH}add/", self.ASKED | {"key": app.pk} | wrong)
        assert answer.status_code == 200
        if "port" not in wrong:  # which a field refuses, before the target is known
            assert "would never be used" not in answer.content.decode()
        assert not SecretBinding.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [({"host": "db2.example.com"}, "it is used at db1.example.com:5432 (database)."),
         ({"port": "5433"}, "it is used at db1.example.com:5432 (database)."),
         ({"purpose": "webhook"}, "it is used at db1.example.com:5432 (database)."),
         ({"key": "free"}, "none uses it anywhere."),
         ({"key": "gone"}, "This key is revoked.")],
    )  # fmt: skip
    def test_a_target_that_no_configuration_names_is_refused_with_those_that_are(
        self, officer, key, app, wrong, words
    ):
        for name in ("free", "gone"):
            services.register(name, "x")
        services.revoke("gone")
        services.register("hook", "x", rotator="webhook", config={"url": "https://a.example.com/"})
        ManagedSecret.objects.filter(key_id="hook").update(config={})  # it cannot be decrypted
        asked = self.ASKED | {"key": app.pk} | wrong
        if "key" in wrong:
            asked["key"] = services.get(wrong["key"]).pk
        answer = officer.post(f"{self.PATH}add/", asked)
        assert words in html.unescape(answer.content.decode())
        assert not SecretBinding.objects.exists()

    def test_it_asks_for_a_fresh_sign_in(self, officer, key):
        session = officer.session
        session["proved"] = 0
        session.save()
        answer = officer.post(f"{self.PATH}add/", self.ASKED | {"key": key.pk})
        assert answer.headers["Location"].startswith("/account/reauthenticate")
        assert not SecretBinding.objects.exists()

    def test_an_operator_binds_nothing(self, client, django_user_model, key):
        user = django_user_model.objects.create_user("otto", is_staff=True)
        user.groups.set([Group.objects.get(name="operator")])
        client.force_login(user)
        answer = client.post(f"{self.PATH}add/", self.ASKED | {"key": key.pk})
        assert answer.status_code == 403


class TestTasksOutside:
    PATH = "/admin/security/outsidetask/"

    def test_what_was_left_outside_is_seen_and_closed(self, officer, world):
        made = services.register("db", "x", rotator="test_target", value="first").key
        world.works["db"].add("first")
        officer.post(page(made, "revoke"), {})
        task = OutsideTask.objects.get()
        assert "version 1 at its target" in said(officer, self.PATH)
        for words in ("Closed: db", "is closed already"):
            officer.post(self.PATH, {"action": "close", "_selected_action": [task.pk]})
            assert words in said(officer, self.PATH)
        task.refresh_from_db()
        assert (task.state, task.ended_by) == ("closed", "user:olga")


class TestChannels:
    PATH = "/admin/security/keychannel/"

    @pytest.fixture
    def folder(self, settings, tmp_path):
        settings.KEY_FILES_DIR = tmp_path
        return tmp_path

    def added(self, officer, key, **asked):
        given = {"key": key.pk, "name": "web", "kind": "file", "config": '{"path": "shop/key"}',
                 "networks": "", "api_key": ""}  # fmt: skip
        return officer.post(f"{self.PATH}add/", given | asked)

    def test_a_file_channel_is_added_tested_and_untested_by_a_change(self, officer, key, folder):
        self.added(officer, key)
        channel: Any = KeyChannel.objects.get()
        officer.post(self.PATH, {"action": "test", "_selected_action": [channel.pk]})
        assert "A worker tests" in said(officer, self.PATH)
        tasks.rotate_ordered()
        assert (folder / "shop" / "key").read_text("utf-8") == current_value("billing-secret")
        channel.refresh_from_db()
        assert channel.tested_at
        config = {"key": key.pk, "name": "web", "kind": "file", "config": '{"path": "shop/other"}'}
        officer.post(f"{self.PATH}{channel.pk}/change/", config)
        channel.refresh_from_db()
        assert (channel.config, channel.tested_at) == ({"path": "shop/other"}, None)
        assert "The file shop/key keeps its value" in said(officer, self.PATH)
        officer.post(f"{self.PATH}{channel.pk}/delete/", {"post": "yes"})
        assert "The file shop/other keeps its value" in said(officer, self.PATH)
        assert not KeyChannel.objects.exists()

    def test_a_channel_whose_configuration_cannot_be_decrypted_gets_another(
        self, officer, key, folder
    ):
        self.added(officer, key)
        with connection.cursor() as cursor:
            moved = sealing.seal('{"path": "shop/key"}', "another column")
            cursor.execute("UPDATE security_keychannel SET config = %s", [moved])
        refused = self.added(officer, key, name="no path", config="{}").content.decode()
        assert "config.path" in refused
        assert "writes this file" not in refused
        channel: Any = KeyChannel.objects.get()
        config = {"key": key.pk, "name": "web", "kind": "file", "config": '{"path": "shop/other"}'}
        assert officer.post(f"{self.PATH}{channel.pk}/change/", config).status_code == 302
        channel.refresh_from_db()
        assert channel.config == {"path": "shop/other"}

    def test_one_with_a_task_outside_is_not_deleted(self, officer, key, folder):
        self.added(officer, key)
        channel = KeyChannel.objects.get()
        now = timezone.now()
        task = OutsideTask.objects.create(
            key=key, version=key.versions.get(), channel=channel, place="the file shop/key",
            created_at=now, next_attempt_at=now,
        )  # fmt: skip
        path = f"{self.PATH}{channel.pk}/delete/"
        assert officer.post(path, {"post": "yes"}).status_code == 302
        assert "close the task outside first (the file shop/key)" in said(officer, self.PATH)
        services.close_outside(task.pk, "user:olga", now)
        officer.post(path, {"post": "yes"})
        assert not KeyChannel.objects.exists()
        assert OutsideTask.objects.get().state == "closed"  # it says what was done
        assert officer.post(path).status_code == 302

    def test_a_pull_is_tested_by_its_user_only(self, officer, key):
        channel = puller(key)
        officer.post(self.PATH, {"action": "test", "_selected_action": [channel.pk]})
        assert "tested by the first read" in said(officer, self.PATH)

    @pytest.mark.parametrize(
        "wrong",
        [{"config": '{"path": "../x"}'}, {"config": "{}"}, {"kind": "pull", "config": "{}"},
         {"kind": "smoke"}, {"networks": "8.8.8.8/32"}, {"name": ""}],
    )  # fmt: skip
    def test_what_cannot_deliver_is_refused(self, officer, key, folder, wrong):
        assert self.added(officer, key, **wrong).status_code == 200
        assert not KeyChannel.objects.exists()

    def test_a_key_whose_values_are_not_stored_has_none(self, officer, folder):
        scopes = {"scopes": ["revenue:read"]}
        made = services.register("ci", "api_key", rotator="platform_api_key", config=scopes)
        assert "only their digests" in self.added(officer, made.key).content.decode()

    def test_it_is_deleted_after_a_fresh_sign_in(self, officer, key):
        channel = puller(key)
        officer.post(f"{self.PATH}{channel.pk}/delete/", {"post": "yes"})
        assert not KeyChannel.objects.exists()


class TestPolicies:
    PATH = "/admin/security/rotationpolicy/high/change/"

    @pytest.fixture(autouse=True)
    def levels(self):
        for level in ("critical", "high", "medium", "low"):
            RotationPolicy.objects.get_or_create(level=level)

    def test_a_level_has_the_effective_policy_of_the_settings_at_first(self, officer):
        assert "every 60 days" in said(officer, "/admin/security/rotationpolicy/")

    def test_another_interval_moves_the_keys_of_the_level_at_once(self, officer, key):
        before = ManagedSecret.objects.get().due_at
        officer.post(self.PATH, {"interval_days": "30", "grace_minutes": ""})
        assert RotationPolicy.objects.get(level="high").interval_days == 30
        assert (before - ManagedSecret.objects.get().due_at).days == 30

    def test_levels_are_neither_added_nor_deleted(self, officer):
        assert officer.get("/admin/security/rotationpolicy/add/").status_code == 403
        assert officer.post("/admin/security/rotationpolicy/high/delete/").status_code == 403


def test_rotation_runs_are_read_only(officer, key):
    services.rotate_due()
    row = f"/admin/security/rotationrun/{RotationRun.objects.get().pk}/change/"
    assert row in said(officer, "/admin/security/rotationrun/")
    assert officer.get("/admin/security/rotationrun/add/").status_code == 403
    assert 'name="_save"' not in said(officer, row)
