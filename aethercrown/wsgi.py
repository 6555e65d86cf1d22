"""The WSGI application."""

import os

from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from aethercrown import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aethercrown.settings")

application = get_wsgi_application()
checks.refuse_unsafe()
_threads = [
    import_string(each)
    for each in (
        "aethercrown.monitoring.access_log.writer",
        "aethercrown.monitoring.readiness.writing",
        "aethercrown.monitoring.readiness.looking",
        "security.apikeys.services.usage.usage_thread",
        "operations.health.services.watchdog",
        "operations.health.services.new_components",
        "operations.automations.tasks.watcher",
        "operations.jobs.tasks.watcher",
        "operations.messaging.tasks.watcher",
    )
]


def start_threads(**_: object) -> None:
    """Start this process's threads: at its first request, as none survives a fork."""
    for each in _threads:
        each.ensure_started()


for _thread in _threads:
    _thread.start_on_request()
request_started.connect(start_threads)
