"""What holds without anybody setting it: read from a process with the project's own settings."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.rig import TEST_VARIABLES
from tests.test_spine import sources

ROOT = Path(__file__).resolve().parent.parent.parent
ASK = """
import json, django
django.setup()
from django.conf import settings
from django.core.checks import run_checks
kinds = ("SESSION_COOKIE", "CSRF_COOKIE", "SECURE")
names = [each for each in dir(settings) if each.startswith(kinds)]
print(json.dumps({
    "said": [str(each) for each in run_checks(include_deployment_checks=True)],
    **{name: getattr(settings, name) for name in names},
}, default=str))
"""


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    """The settings and what the checks say of them, with nothing set but where to write."""
    left = {*TEST_VARIABLES, "HTTPS", "DEBUG", "SECOND_FACTOR_REQUIRED", "METRICS_TOKEN"}
    chosen = {name: each for name, each in os.environ.items() if name not in left}
    chosen |= {"DATA_DIR": str(tmp_path_factory.mktemp("data"))}
    chosen |= {"DJANGO_SETTINGS_MODULE": "aethercrown.settings"}
    ended = subprocess.run(  # noqa: S603 - our own command
        [sys.executable, "-c", ASK],
        cwd=ROOT,
        env=chosen,
        capture_output=True,
        timeout=120,
        check=True,
    )
    return json.loads(ended.stdout)


def test_djangos_own_deploy_check_says_nothing(told):
    assert told["said"] == []


def test_cookies_are_bound_to_the_host_and_to_https(told):
    assert told["SESSION_COOKIE_NAME"] == "__Host-session"
    assert told["CSRF_COOKIE_NAME"] == "__Host-csrf"
    for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE", "SESSION_COOKIE_HTTPONLY"):
        assert told[name] is True
    assert told["SESSION_COOKIE_SAMESITE"] == told["CSRF_COOKIE_SAMESITE"] == "Lax"
    assert told["SESSION_COOKIE_PATH"] == "/"
    assert told["SESSION_COOKIE_DOMAIN"] is None
    assert told["SESSION_COOKIE_AGE"] == 12 * 3600  # 30 minutes idle: http/test_sessions.py


def test_https_is_demanded_and_promised(told):
    assert told["SECURE_SSL_REDIRECT"] is True
    assert told["SECURE_HSTS_SECONDS"] == 3600
    assert told["SECURE_HSTS_INCLUDE_SUBDOMAINS"] is True


@pytest.mark.django_db
def test_a_page_over_http_is_redirected_and_a_probe_is_not(client, settings):
    settings.SECURE_SSL_REDIRECT = True
    assert client.get("/login").headers["Location"] == "https://testserver/login"
    assert client.get("/healthz").status_code == 200
    assert client.get("/api/v1/schema").status_code == 403


def test_every_library_is_pinned_by_its_hash():
    text = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=[A-Za-z0-9])", re.sub(r"(?m)^\s*#.*\n", "", text).strip())
    assert len(entries) > 50
    assert [each.split()[0] for each in entries if "--hash=sha256:" not in each] == []
    assert [each.split()[0] for each in entries if "==" not in each.split("--hash")[0]] == []


def test_the_linter_looks_for_unsafe_calls():
    """Rules S (flake8-bandit): no shell, no eval, no query made of strings, no weak randomness."""
    with (ROOT / "pyproject.toml").open("rb") as file:
        lint = tomllib.load(file)["tool"]["ruff"]["lint"]
    assert "S" in lint["select"]
    assert not [each for each in lint["ignore"] if re.fullmatch(r"S\d*", each)]
    left_out = {
        path: rules for path, rules in lint["per-file-ignores"].items() if "tests" not in path
    }
    assert not [
        each for rules in left_out.values() for each in rules if re.fullmatch(r"S\d*", each)
    ]


def test_no_template_is_made_of_a_text():
    """Templates are files: what a person enters is only ever a value in one."""
    made = re.compile(r"\bTemplate\(|\bfrom_string\(|\bEngine\(")
    assert made.search('Template(f"Dear {name}")')
    assert [str(path) for path in sources() if made.search(path.read_text())] == []
