import json
import os
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db.migrations.recorder import MigrationRecorder

from aethercrown import data_dir
from aethercrown.db import schema
from aethercrown.embedded import lock
from aethercrown.monitoring import doctor, installation
from aethercrown.monitoring.doctor import BAD, CAUTION, GOOD, DoctorCheck, DoctorRow, Finding
from security.access.models import User

SECRET = "my-secret-canary-value"  # noqa: S105 - made up


def line(state, mend=""):
    return DoctorRow("part", "Part", Finding(state, "told", mend))


def looks(*findings):
    return [DoctorCheck("part", "Part", lambda: findings)]


def examined(chosen):
    return list(doctor.run_checks(chosen, lambda words: words.replace(SECRET, "***")))


def test_all_good_is_said_where_all_is():
    assert list(doctor.report_lines([line(GOOD)])) == ["ok      Part: told", "All good."]
    assert doctor.is_sound([line(GOOD), line(CAUTION)])


def test_what_is_bad_comes_with_its_fix():
    told = list(doctor.report_lines([line(BAD, "do this"), line(CAUTION)]))
    assert told == [
        "bad     Part: told",
        "        Fix: do this",
        "caution Part: told",
        "Found: 1 bad, 1 cautions.",
    ]
    assert not doctor.is_sound([line(BAD)])


def test_a_check_that_raises_is_bad():
    def broken():
        raise RuntimeError(f"no line\n to {SECRET}")

    [found] = examined([DoctorCheck("part", "Part", broken)])
    assert found.finding.state == BAD
    assert found.finding.message == "The check failed: RuntimeError: no line to ***"


def test_a_secret_is_never_told():
    [found] = examined(looks(Finding(BAD, f"see {SECRET}", f"change {SECRET}")))
    assert SECRET not in json.dumps(found.plain())


def test_each_check_is_registered_once_and_in_order():
    before = list(doctor.registry)
    for each in before:
        doctor.register(each)
    assert list(doctor.registry) == before
    names = [each.name for each in before]
    assert names[:4] == ["settings", "files", "migrations", "clock"]
    assert {
        "backup",
        "database",
        "broker",
        "worker",
        "schedules",
        "people",
        "seals",
        "keys",
    } <= set(names)


# --- files ---------------------------------------------------------------------------------------
@pytest.fixture
def folder(tmp_path):
    tmp_path.chmod(0o700)
    (tmp_path / "secret_key").write_text("x")
    (tmp_path / "secret_key").chmod(0o600)
    (tmp_path / "aethercrown.sqlite3").write_text("x")
    return tmp_path


def test_private_files_are_good(folder):
    [found] = installation.open_files(folder, folder / ".env")
    assert found.state == GOOD


@pytest.mark.parametrize("name", ["", "secret_key", ".env"])
def test_what_others_may_read_is_named_with_the_command(folder, name):
    (folder / ".env").write_text("SECRET_KEY=x")
    (folder / ".env").chmod(0o600)
    (folder / name).chmod(0o744)
    [found] = installation.open_files(folder, folder / ".env")
    assert found.state == BAD
    assert found.fix == f"chmod go-rwx {(folder / name)}"


def test_a_folder_of_another_user_is_told(folder, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: folder.stat().st_uid + 1)
    [found] = installation.open_files(folder, folder / ".env")
    assert found.state == CAUTION


# --- tables --------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_one_app_without_its_migrations_is_counted_as_one():
    app, name = min(schema.latest_migrations())
    MigrationRecorder.Migration.objects.filter(app=app, name=name).delete()
    [found] = installation.check_migrations()
    left_out = "Checks of tables are left out."
    assert (found.state, found.message) == (BAD, f"Not migrated: 1 app ({app}.{name}). {left_out}")


# --- clock ---------------------------------------------------------------------------------------
def test_clocks_that_are_apart_are_told_with_the_seconds():
    [found] = installation.clock_findings(
        {"database": timedelta(seconds=-31), "broker": timedelta(seconds=30)}
    )
    assert (found.state, found.message) == (
        BAD,
        "The database is \N{MINUS SIGN}31 s from this machine's clock.",
    )
    assert [each.state for each in installation.clock_findings({})] == [GOOD]


@pytest.mark.django_db
def test_a_clock_that_went_back_is_seen_by_the_last_migration():
    MigrationRecorder.Migration.objects.create(
        app="a", name="b", applied=datetime.now(UTC) + timedelta(hours=2)
    )
    assert "last migration" in installation.clocks()
    assert installation.check_clock()[0].state == BAD


# --- the command ---------------------------------------------------------------------------------
def run(capsys, *arguments):
    code: str | int | None = 0
    try:
        call_command("doctor", *arguments)
    except SystemExit as ended:
        code = ended.code
    return code, capsys.readouterr().out


@pytest.mark.django_db
def test_a_missing_migration_is_bad_and_the_exit_says_so(capsys):
    MigrationRecorder.Migration.objects.filter(app="security").delete()
    code, told = run(capsys, "--json")
    found = {each["name"]: each for each in json.loads(told)["findings"]}
    assert code == 1
    assert found["migrations"]["state"] == BAD
    assert found["migrations"]["fix"] == "./manage.py migrate"


@pytest.mark.django_db
def test_every_unsafe_setting_is_told_and_none_by_its_value(capsys, settings):
    settings.METRICS_TOKEN = SECRET[:15]
    settings.ALLOWED_HOSTS = ["crown.example.com"]
    code, told = run(capsys)
    assert code == 1
    assert "METRICS_TOKEN has 15 characters" in told
    for secret in (settings.METRICS_TOKEN, settings.SECRET_KEY, settings.API_KEY_PEPPER):
        assert secret not in told


@pytest.mark.django_db
def test_a_broker_that_is_away_is_told_without_its_password(capsys, settings):
    settings.REDIS_URL = "redis://:pass-canary@127.0.0.1:1/0"
    code, told = run(capsys)
    assert code == 1
    assert "The broker does not answer." in told
    assert "pass-canary" not in told


@pytest.mark.django_db
def test_it_judges_the_settings_of_the_running_service(capsys, settings, tmp_path, monkeypatch):
    """`make run` sets two of them by itself; a stale file of a killed start counts for nothing."""
    settings.DATA_DIR, settings.SECOND_FACTOR_REQUIRED = tmp_path, True
    User.objects.create_superuser("anna", password="x")  # noqa: S106 - made up
    own = [each for each in list(doctor.registry) if each.name in {"settings", "people"}]
    monkeypatch.setattr(doctor, "registry", own)
    stated = json.dumps({"HTTPS": False, "SECOND_FACTOR_REQUIRED": False})
    with data_dir.stated(tmp_path, data_dir.SERVICE_SETTINGS_FILE, stated):
        assert "and have no access without: 1." in run(capsys)[1]
        handle = lock.lock_folder(tmp_path)
        told = run(capsys)[1]
        os.close(handle)
    assert "running service has them: HTTPS=False, SECOND_FACTOR_REQUIRED=False." in told
    assert "have no access without" not in told
    assert not lock.is_locked(tmp_path)
    assert not lock.is_locked(tmp_path / "none")


@pytest.mark.parametrize("text", ['{"HTTPS": fal', "[]", ""])
def test_settings_of_the_service_that_cannot_be_read_are_none(settings, tmp_path, text):
    settings.DATA_DIR = tmp_path
    (tmp_path / data_dir.SERVICE_SETTINGS_FILE).write_text(text, encoding="utf-8")
    handle = lock.lock_folder(tmp_path)
    assert installation.service_settings() == {}
    os.close(handle)
