"""The Celery app: tasks of every installed app, settings under CELERY_.

A task has the id of the request that sent it; a scheduled task its own.
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

_at_work: dict[str, Token[str]] = {}  # by task id: the request id to restore after it

signals.setup_logging.connect(logs.keep_ours)
for _start in (signals.worker_init, signals.beat_init):
    _start.connect(checks.stay_down)


@signals.before_task_publish.connect
def carry(headers: dict[str, Any], **_rest: object) -> None:
    """Add the request's id to the task's headers."""
    if name := request_id.request_id():
        headers["request_id"] = name


@signals.task_prerun.connect
def take_up(task_id: str, task: "Task[Any, Any]", **_rest: object) -> None:
    wanted = task.request.get("request_id") or request_id.request_id() or task_id
    _at_work[task_id] = request_id.enter(wanted)


@signals.task_postrun.connect
def lay_down(task_id: str, **_rest: object) -> None:
    request_id.leave(_at_work.pop(task_id))
