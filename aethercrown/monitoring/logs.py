"""Logging: one JSON object a line, or plain text on a terminal and in commands; secrets are masked.

Records of the standard library's logging and of structlog go through one handler; redaction is its
last step before writing.
"""

import logging
import logging.config
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from contextlib import nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO

import structlog
from django.conf import settings

from aethercrown.monitoring import redaction, request_id

Event = MutableMapping[str, Any]
STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
LIBRARIES = ("celery", "amqp", "kombu", "urllib3", "gunicorn.error", "axes")
SECRET_SETTINGS = (
    *("SECRET_KEY", "API_KEY_PEPPER", "API_KEY_OLD_PEPPER", "METRICS_TOKEN", "EMAIL_HOST_PASSWORD"),
    *("AUDIT_KEY", "ENCRYPTION_KEYS", "BACKUP_KEY"),
)
SHORTEST_SECRET = 8  # a shorter one would mask ordinary words


def configure(options: Mapping[str, str], stream: TextIO | None = None) -> None:
    """Send every log through one handler on `stream`, standard error unless given.

    `format` is json, plain, or auto: plain on a terminal and in a command. Settings name this as
    LOGGING_CONFIG.
    """
    stream = stream or sys.stderr
    readable = stream.isatty() or is_command(sys.argv)
    plain = options["format"] == "plain" or (options["format"] == "auto" and readable)
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter(plain=plain))
    _output.handler, _output.render = handler, renderer(plain=plain)
    root = logging.getLogger()
    for old in [each for each in root.handlers if isinstance(each, logging.StreamHandler)]:
        if isinstance(old.formatter, structlog.stdlib.ProcessorFormatter):
            root.removeHandler(old)
    root.addHandler(handler)
    root.setLevel(options["level"])
    for name in ("django", "django.server"):  # Django has given these handlers of their own
        logging.getLogger(name).handlers.clear()
        logging.getLogger(name).propagate = True
    for name in LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*COMMON, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )


def is_command(arguments: Sequence[str]) -> bool:
    """Whether the process is one command of manage.py, whose output a person reads."""
    return Path(arguments[0]).name == "manage.py" and arguments[1:2] != ["start"]


class _Output:
    """The handler in use and its renderer."""

    handler: "logging.StreamHandler[TextIO] | None" = None
    render: Callable[[Any, str, Event], str]


_output = _Output()


def write(events: Sequence[Event]) -> None:
    """Redact and write finished events with one write.

    As with logging's own handlers, a stream that is closed or full fails no request.
    """
    handler = _output.handler
    if handler is None or not events:
        return
    secrets = known()
    lines = [_output.render(None, "", redaction.value(each, secrets)) for each in events]
    with handler.lock or nullcontext(), suppress(OSError, ValueError):
        handler.stream.write("".join(f"{line}\n" for line in lines))
        handler.flush()


def renderer(*, plain: bool) -> Callable[[Any, str, Event], str]:
    json: Any = structlog.processors.JSONRenderer(default=redaction.shown)
    return words if plain else json


def formatter(*, plain: bool) -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[*COMMON, extras],
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            redacted,
            renderer(plain=plain),
        ],
        use_get_message=False,
        pass_foreign_args=True,
    )


def with_request(logger: Any, method: str, event: Event) -> Event:
    """Add the id of the current request or task."""
    if name := request_id.request_id():
        event["request_id"] = name
    return event


def extras(logger: Any, method: str, event: Event) -> Event:
    """Add `extra` fields, except a request, whose URL may hold secrets."""
    record = event["_record"]
    given = {name: each for name, each in vars(record).items() if name not in STANDARD}
    given.pop("request", None)
    event.update(given)
    event["event"] = message(record.msg, event.pop("positional_args"))
    return event


def message(text: Any, args: Any) -> str:
    """The message of a record, with each argument redacted before it is inserted."""
    text = redaction.shown(text)
    if not args:
        return str(text)
    clean = redaction.value(args, known())
    try:
        return str(text % (clean if isinstance(clean, dict) else tuple(clean)))
    except (TypeError, ValueError, KeyError):
        return f"{text} {clean}"


def redacted(logger: Any, method: str, event: Event) -> Event:
    clean: Event = redaction.value(event, known())
    return clean


def known() -> tuple[str, ...]:
    """The secrets in this installation's settings."""
    kept = [str(getattr(settings, name, "")) for name in SECRET_SETTINGS]
    parts = [part for each in kept for part in each.split(",")]  # ENCRYPTION_KEYS holds several
    secrets = [part.rpartition(":")[2] for part in parts]  # each after its name
    return tuple(each for each in secrets if len(each) >= SHORTEST_SECRET)


COMMON: list[Any] = [
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    with_request,
]


def words(logger: Any, method: str, event: Event) -> str:
    """A plain line: time, level, logger, message, fields, traceback."""
    trace = event.pop("exception", None)
    clock = str(event.pop("timestamp", ""))[11:19]
    start = f"{clock} {event.pop('level', ''):<8} {event.pop('logger', '')}: {event.pop('event')}"
    rest = "".join(f" {name}={each}" for name, each in event.items())
    return f"{start}{rest}" + (f"\n{trace}" if trace else "")


def keep_ours(**_: Any) -> None:
    """Receives Celery's `setup_logging`; with a receiver Celery installs no handlers of its own."""
