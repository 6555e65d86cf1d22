"""The web server, the worker and beat: each runs in a fork of a process that imported Django."""

import gc
import importlib
import os
import warnings
from typing import Any

import django
from celery.exceptions import SecurityWarning
from django.core.handlers.wsgi import WSGIHandler
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # no types published

from aethercrown.monitoring import gunicorn_config

SHARED_SETTINGS = (  # with a server that is started as a service
    *("worker_class", "logger_class", "threads", "graceful_timeout", "keepalive"),
    *("loglevel", "control_socket_disable"),
)
WORKER_OPTIONS = ["-c", "2", "--without-gossip", "--without-mingle"]
WORKER_NICENESS = 5  # on one machine, pages and calls go before work in the background
BEAT_OPTIONS = ["--max-interval", "5"]
MODULES_OF_ROLES = (
    "celery.apps.beat",
    "celery.apps.worker",
    "celery.bin.beat",
    "celery.bin.worker",
    "celery.concurrency.prefork",
    "celery.worker.consumer",
    "django_celery_beat.schedulers",
    "gunicorn.arbiter",
    "gunicorn.workers.gthread",
    "kombu.transport.redis",
)


def load_application() -> WSGIHandler:
    """Import Django and the apps, once for all children.

    Must not open a connection or start a thread: neither survives a fork.
    """
    gc.disable()  # imports leave little garbage, and collecting takes a tenth of the time
    django.setup(set_prefix=False)
    from aethercrown.celery import app  # noqa: PLC0415 - needs the settings
    from aethercrown.wsgi import application  # noqa: PLC0415 - the same

    app.loader.import_default_modules()
    app.finalize(auto=True)
    importlib.import_module("aethercrown.urls")
    return application


def load_other_roles() -> None:
    """Import what the set-up does not need, while it runs on another core."""
    for name in MODULES_OF_ROLES:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector would write to, and so copy, each shared page
    gc.enable()


class GunicornApplication(BaseApplication):  # type: ignore[misc]  # its base has no types
    """Gunicorn on the supervisor's listening socket: one worker with threads."""

    def __init__(self, application: WSGIHandler, socket: int) -> None:
        self.served = application
        self.socket = socket
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"fd://{self.socket}",
            "workers": 1,
            **{name: getattr(gunicorn_config, name) for name in SHARED_SETTINGS},
        }
        for name, setting in settings.items():
            self.cfg.set(name, setting)

    def load(self) -> WSGIHandler:
        return self.served


def web(application: WSGIHandler, socket: int) -> None:
    """Serve requests until SIGTERM."""
    GunicornApplication(application, socket).run()


def worker() -> None:
    """Run tasks at a lower priority until SIGTERM; the running task is finished first."""
    from aethercrown.celery import app  # noqa: PLC0415 - needs the settings

    os.nice(WORKER_NICENESS)
    warnings.filterwarnings("ignore", category=SecurityWarning)  # root is allowed on purpose
    app.start(["--quiet", "worker", "--loglevel", "WARNING", *WORKER_OPTIONS])


def beat() -> None:
    """Send the tasks that are due by the schedules in the database."""
    from aethercrown.celery import app  # noqa: PLC0415 - needs the settings

    app.start(["--quiet", "beat", "--loglevel", "WARNING", *BEAT_OPTIONS])
