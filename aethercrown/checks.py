"""System checks for unsafe settings; each message says how to fix it.

Run by `manage.py check --deploy`, the gate and doctor, and by each web, worker and beat process,
which does not start on an error.
"""

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.core.checks import Warning as Caution
from django.core.exceptions import ImproperlyConfigured

SHORTEST = 50  # characters of SECRET_KEY
SHORTEST_TOKEN = 20
TAKEN_OVER = ("API_KEY_PEPPER", "AUDIT_KEY")  # empty if the platform created its own
PUBLIC_LOG_LEVELS = {"DEBUG", "NOTSET"}
PRIVATE_FOLDERS = ("DATA_DIR", "AUDIT_ANCHORS", "BACKUP_FOLDER")
OPEN_FOLDERS = {
    "KEY_FILES_DIR": PRIVATE_FOLDERS,  # written by delivery channels
    "IMPORT_ROOT": (*PRIVATE_FOLDERS, "KEY_FILES_DIR"),  # read by repeating imports
}


@register(Tags.security, deploy=True)
def unsafe(app_configs: Any, **options: Any) -> list[CheckMessage]:
    """Every unsafe setting at once."""
    return [*secrets(), *serving(), *queues(), *folders()]


def refuse_unsafe() -> None:
    """Raise ImproperlyConfigured with every error; warnings are ignored."""
    errors = [each.msg for each in unsafe(None) if isinstance(each, Error)]
    if errors:
        raise ImproperlyConfigured(" ".join(errors))


def stay_down(**_signal: Any) -> None:
    """Stop a worker or beat with unsafe settings; receives Celery's signals."""
    try:
        refuse_unsafe()
    except ImproperlyConfigured as reason:
        raise SystemExit(f"The settings are wrong: {reason}") from None


def secrets() -> Iterator[CheckMessage]:
    given = ["SECRET_KEY", *(name for name in TAKEN_OVER if getattr(settings, name))]
    for name in given:
        length = len(getattr(settings, name))
        if length < SHORTEST:
            yield Error(
                f"{name} has {length} characters and can be guessed: give it {SHORTEST} random "
                "ones, or leave it empty to have one made in DATA_DIR.",
                id="aethercrown.E001",
            )
    for name in given[1:]:
        if getattr(settings, name) == settings.SECRET_KEY:
            yield Error(
                f"{name} equals SECRET_KEY, so that losing one loses both: give each its own.",
                id="aethercrown.E002",
            )
    if 0 < len(settings.METRICS_TOKEN) < SHORTEST_TOKEN:
        yield Error(
            f"METRICS_TOKEN has {len(settings.METRICS_TOKEN)} characters: give it "
            f"{SHORTEST_TOKEN} random ones, or none to close /metrics to all but keys and staff.",
            id="aethercrown.E003",
        )


def serving() -> Iterator[CheckMessage]:
    open_to = [host for host in settings.ALLOWED_HOSTS if not loopback(host)]
    if settings.DEBUG and open_to:
        yield Error(
            f"DEBUG shows settings and source to whoever reaches {', '.join(open_to)}: set "
            "DEBUG=False, or take those names out of ALLOWED_HOSTS.",
            id="aethercrown.E004",
        )
    if "*" in settings.ALLOWED_HOSTS:
        yield Error(
            "ALLOWED_HOSTS=* believes any Host header, which goes into links and redirects: name "
            "the hosts that people use.",
            id="aethercrown.E005",
        )
    if open_to and not settings.HTTPS:
        yield Error(
            f"HTTPS=False sends passwords and keys in the clear to {', '.join(open_to)}: put a "
            "proxy with TLS in front, and set HTTPS=True and TRUSTED_PROXIES=1.",
            id="aethercrown.E006",
        )
    if open_to and not settings.SECOND_FACTOR_REQUIRED:
        yield Error(
            f"SECOND_FACTOR_REQUIRED=False lets a stolen password open {', '.join(open_to)}: set "
            "True; administrators then set up an app or a key when they next sign in.",
            id="aethercrown.E008",
        )
    if settings.LOG_LEVEL in PUBLIC_LOG_LEVELS:
        yield Caution(
            f"LOG_LEVEL={settings.LOG_LEVEL} writes every query with its values: set INFO.",
            id="aethercrown.W001",
        )


def queues() -> Iterator[CheckMessage]:
    visible: Any = settings.CELERY_BROKER_TRANSPORT_OPTIONS["visibility_timeout"]
    limit = settings.CELERY_TASK_TIME_LIMIT
    if visible <= limit:
        yield Error(
            f"The broker gives a task to a second worker after {visible} s, while it may run for "
            f"{limit} s: set visibility_timeout above CELERY_TASK_TIME_LIMIT.",
            id="aethercrown.E007",
        )


def folders() -> Iterator[CheckMessage]:
    """What staff name files in must hold no files of the platform: they could read or replace them.

    `OPEN_FOLDERS` names each such setting, with the settings of the folders that it must not hold.
    """
    for name, others in OPEN_FOLDERS.items():
        given = getattr(settings, name)
        for other in others:
            held = getattr(settings, other)
            if given and held and Path(held).resolve().is_relative_to(Path(given).resolve()):
                yield Error(
                    f"{name} holds {other}, so that staff reach files there by a name: give it a "
                    "folder of its own.",
                    id="aethercrown.E009",
                )


def loopback(host: str) -> bool:
    """Whether `host` names this machine only."""
    name = host.strip("[]")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False
