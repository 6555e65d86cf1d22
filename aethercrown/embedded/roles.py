"""What the children do, each in a fork of a process that has imported everything already."""

import gc
import importlib
import warnings
from typing import Any

import django
from celery.exceptions import SecurityWarning
from django.core.handlers.wsgi import WSGIHandler
from gunicorn.app.base import BaseApplication  # type: ignore[import-untyped]  # no types published

THREADS = 4
WORKER = ["-c", "2", "--without-gossip", "--without-mingle"]
BEAT = ["--max-interval", "5"]
LATE = (
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
    """Import the whole of Django and the apps, once for every child.

    Nothing here opens a connection or starts a thread: neither survives a fork.
    """
    gc.disable()  # an import makes next to no garbage, and looking for it takes a tenth of the time
    django.setup(set_prefix=False)
    from aethercrown.celery import app  # noqa: PLC0415 - only now are the settings known
    from aethercrown.wsgi import application  # noqa: PLC0415 - the same

    app.loader.import_default_modules()
    app.finalize(auto=True)
    importlib.import_module("aethercrown.urls")
    return application


def load_other_roles() -> None:
    """Import what the set-up does not need, while that runs on another core."""
    for name in LATE:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()  # the collector would write to, and so copy, every shared page
    gc.enable()


class GunicornApplication(BaseApplication):  # type: ignore[misc]  # its base has no types
    """Gunicorn on a socket that the supervisor listens on: one worker with a few threads."""

    def __init__(self, application: WSGIHandler, socket: int) -> None:
        self.served = application
        self.socket = socket
        super().__init__()

    def load_config(self) -> None:
        settings: dict[str, Any] = {
            "bind": f"fd://{self.socket}",
            "workers": 1,
            "threads": THREADS,
            "worker_class": "gthread",
            "graceful_timeout": 8,
            "keepalive": 5,
            "loglevel": "warning",
            "logger_class": "aethercrown.monitoring.gunicorn_logger.Logger",
            "control_socket_disable": True,
        }
        for name, setting in settings.items():
            self.cfg.set(name, setting)

    def load(self) -> WSGIHandler:
        return self.served


def web(application: WSGIHandler, socket: int) -> None:
    """Serve requests until told to stop."""
    GunicornApplication(application, socket).run()


def worker() -> None:
    """Run tasks until told to stop; the task in hand is finished first."""
    from aethercrown.celery import app  # noqa: PLC0415 - only now are the settings known

    warnings.filterwarnings("ignore", category=SecurityWarning)  # root is allowed on purpose
    app.start(["--quiet", "worker", "--loglevel", "WARNING", *WORKER])


def beat() -> None:
    """Send what the schedules in the database say is due."""
    from aethercrown.celery import app  # noqa: PLC0415 - only now are the settings known

    app.start(["--quiet", "beat", "--loglevel", "WARNING", *BEAT])
