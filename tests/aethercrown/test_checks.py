import pytest
from django.core.checks import run_checks

from aethercrown import checks

LONG = "a-Long_Enough" * 5


@pytest.fixture
def sound(settings):
    """What a careful person sets."""
    settings.SECRET_KEY = LONG
    settings.API_KEY_PEPPER = LONG + "pepper"
    settings.METRICS_TOKEN = ""
    settings.DEBUG = False
    settings.HTTPS = True
    settings.ALLOWED_HOSTS = ["crown.example.com"]
    settings.LOG_LEVEL = "INFO"
    return settings


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
        ("API_KEY_PEPPER", "", "E001", "API_KEY_PEPPER has 0 characters"),
        ("API_KEY_PEPPER", LONG, "E002", "give each its own"),
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


def test_on_loopback_alone_debug_and_plain_http_are_let_be(sound):
    sound.DEBUG = True
    sound.HTTPS = False
    sound.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "crown.localhost"]
    assert refused() == {}


@pytest.mark.parametrize("host", ["", "*", ".example.com", "10.0.0.1", "localhost.example.com"])
def test_any_other_host_is_reached_from_outside(host):
    assert not checks.loopback(host)
