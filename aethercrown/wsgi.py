"""What the web server runs."""

import os

from django.core.signals import request_started
from django.core.wsgi import get_wsgi_application
from django.utils.module_loading import import_string

from aethercrown import checks

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aethercrown.settings")

application = get_wsgi_application()
checks.refuse_unsafe()
import_string("security.apikeys.services.keeper").start_on_request()
for _name in (
    "operations.health.services.watcher",
    "operations.automations.tasks.watcher",
    "operations.messaging.tasks.watcher",
):
    _watcher = import_string(_name)
    _watcher.start_on_request()
    request_started.connect(_watcher.ensure_started, weak=False)
