"""The Celery app: tasks of all installed apps, settings prefixed with CELERY_.

A task logs the id of the request that sent it, and a scheduled task its own id.
"""

import os
from contextvars import Token
from typing import Any

from celery import Celery, Task, signals
from kombu.transport import TRANSPORT_ALIASES

from aethercrown import checks
from aethercrown.monitoring import logs, request_id

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "aethercrown.settings")

TRANSPORT_ALIASES.update(
    dict.fromkeys(("redis", "rediss"), "aethercrown.celery_redis_transport:Transport")
)

app = Celery("aethercrown")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()

_tokens: dict[str, Token[str]] = {}  # by task id: restores the former request id

signals.setup_logging.connect(logs.keep_ours)
for _start in (signals.worker_init, signals.beat_init):
    _start.connect(checks.stay_down)


@signals.before_task_publish.connect
def add_request_id(headers: dict[str, Any], **_rest: object) -> None:
    """Add the request's id to the task's headers."""
    if name := request_id.request_id():
        headers["request_id"] = name


@signals.task_prerun.connect
def enter_request_id(task_id: str, task: "Task[Any, Any]", **_rest: object) -> None:
    wanted = task.request.get("request_id") or request_id.request_id() or task_id
    _tokens[task_id] = request_id.enter(wanted)


@signals.task_postrun.connect
def leave_request_id(task_id: str, **_rest: object) -> None:
    request_id.leave(_tokens.pop(task_id))
