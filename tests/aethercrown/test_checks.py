import os
import subprocess
import sys
from pathlib import Path

import pytest
from celery import signals
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured

from aethercrown import celery as _celery  # noqa: F401 - connects the signals
from aethercrown import checks
from tests.rig import TEST_VARIABLES
from tests.rig import free_port as any_port

ROOT = Path(__file__).resolve().parent.parent.parent

LONG = "a-Long_Enough" * 5


@pytest.fixture
def sound(settings):
    """What a careful person sets."""
    settings.SECRET_KEY = LONG
    settings.API_KEY_PEPPER = LONG + "pepper"
    settings.AUDIT_KEY = LONG + "audit"
    settings.METRICS_TOKEN = ""
    settings.SECOND_FACTOR_REQUIRED = True
    settings.DEBUG = False
    settings.HTTPS = True
    settings.ALLOWED_HOSTS = ["crown.example.com"]
    settings.LOG_LEVEL = "INFO"
    return settings


@pytest.fixture
def free_port():
    return any_port()


def refused():
    return {message.id: message.msg for message in checks.unsafe(None)}


def test_sound_settings_pass(sound):
    assert refused() == {}


def test_the_check_is_part_of_deploy(sound):
    sound.METRICS_TOKEN = "short"  # noqa: S105 - that is the point
    assert "aethercrown.E003" in {each.id for each in run_checks(include_deployment_checks=True)}
    assert "aethercrown.E003" not in {each.id for each in run_checks()}


@pytest.mark.parametrize(
    ("name", "setting", "known_as", "mend"),
    [
        ("SECRET_KEY", "short", "E001", "SECRET_KEY has 5 characters"),
        ("API_KEY_PEPPER", "short", "E001", "API_KEY_PEPPER has 5 characters"),
        ("API_KEY_PEPPER", LONG, "E002", "give each its own"),
        ("AUDIT_KEY", "short", "E001", "AUDIT_KEY has 5 characters"),
        ("AUDIT_KEY", LONG, "E002", "AUDIT_KEY equals SECRET_KEY"),
        ("SECOND_FACTOR_REQUIRED", False, "E008", "crown.example.com: set True"),
        ("METRICS_TOKEN", "short", "E003", "20 random"),
        ("DEBUG", True, "E004", "crown.example.com"),
        ("ALLOWED_HOSTS", ["*"], "E005", "name the hosts"),
        ("HTTPS", False, "E006", "TRUSTED_PROXIES=1"),
        ("LOG_LEVEL", "DEBUG", "W001", "set INFO"),
        ("CELERY_TASK_TIME_LIMIT", 3600, "E007", "3600 s, while it may run for 3600 s"),
    ],
)
def test_an_unsafe_setting_is_refused_with_its_mend(sound, name, setting, known_as, mend):
    setattr(sound, name, setting)
    assert mend in refused()[f"aethercrown.{known_as}"]


def test_a_folder_that_staff_name_files_in_holds_none_of_the_platforms(sound, tmp_path):
    sound.DATA_DIR, sound.BACKUP_FOLDER = tmp_path / "data", tmp_path / "back-ups"
    sound.AUDIT_ANCHORS = tmp_path / "data" / "anchors"
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "data")
    for name, open_folder, held in (
        ("KEY_FILES_DIR", tmp_path, "DATA_DIR"),
        ("KEY_FILES_DIR", tmp_path / "link", "DATA_DIR"),
        ("IMPORT_ROOT", str(tmp_path / "data"), "DATA_DIR"),
        ("IMPORT_ROOT", str(tmp_path / "back-ups"), "BACKUP_FOLDER"),
        ("IMPORT_ROOT", str(tmp_path / "data" / "anchors"), "AUDIT_ANCHORS"),
        ("IMPORT_ROOT", str(tmp_path / "keys"), "KEY_FILES_DIR"),
    ):
        sound.IMPORT_ROOT, sound.KEY_FILES_DIR = "", tmp_path / "keys"
        setattr(sound, name, open_folder)
        assert any(each.msg.startswith(f"{name} holds {held}") for each in checks.folders()), name
    sound.IMPORT_ROOT, sound.KEY_FILES_DIR = str(tmp_path / "data" / "files"), tmp_path / "keys"
    assert refused() == {}


def test_on_loopback_alone_debug_and_plain_http_are_let_be(sound):
    sound.DEBUG = True
    sound.HTTPS = False
    sound.SECOND_FACTOR_REQUIRED = False
    sound.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "crown.localhost"]
    assert refused() == {}


@pytest.mark.parametrize("host", ["", "*", ".example.com", "10.0.0.1", "localhost.example.com"])
def test_any_other_host_is_reached_from_outside(host):
    assert not checks.loopback(host)


def test_nothing_starts_on_unsafe_settings_and_all_mends_are_told_at_once(sound):
    checks.refuse_unsafe()
    sound.LOG_LEVEL = "DEBUG"
    checks.refuse_unsafe()  # a caution is no reason to stay down
    sound.HTTPS = False
    sound.METRICS_TOKEN = "short"  # noqa: S105 - that is the point
    with pytest.raises(ImproperlyConfigured, match=r"20 random .* TRUSTED_PROXIES=1"):
        checks.refuse_unsafe()


@pytest.mark.parametrize("start", [signals.worker_init, signals.beat_init])
def test_workers_and_the_keeper_of_schedules_stay_down_too(sound, start):
    assert checks.stay_down in [each() for _, each in start.receivers]
    checks.stay_down()
    sound.ALLOWED_HOSTS = ["*"]
    with pytest.raises(SystemExit, match="name the hosts"):
        checks.stay_down()


PROCESSES = {
    "web": ("-c", "import aethercrown.wsgi"),
    "all": ("manage.py", "start"),
}


@pytest.mark.parametrize("arguments", PROCESSES.values(), ids=PROCESSES)
def test_the_real_process_ends_with_the_sentence(arguments, tmp_path, free_port):
    """As a person would meet it: reachable under a name, without TLS."""
    chosen = {name: each for name, each in os.environ.items() if name not in TEST_VARIABLES}
    chosen |= {"ALLOWED_HOSTS": "crown.example.com", "HTTPS": "False", "DATA_DIR": str(tmp_path)}
    chosen |= {"DJANGO_SETTINGS_MODULE": "aethercrown.settings", "PORT": str(free_port)}
    ended = subprocess.run(  # noqa: S603 - our own command line
        [sys.executable, *arguments],
        cwd=ROOT,
        env=chosen,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode != 0
    assert "TRUSTED_PROXIES=1" in ended.stderr
