"""Fuzzing of the API from its own OpenAPI document, in this process.

Schemathesis generates calls: examples, the limits of every schema (coverage), random calls
(fuzzing), and chains in which a call uses an earlier response (stateful). Beside the schema, each
response must have the envelope, the request's id, and errors that name the field.
"""

import json
import logging
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import schemathesis
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from aethercrown.api.idempotency import HEADER

PHASES = ("examples", "coverage", "fuzzing", "stateful")
DOCUMENT = "/api/v1/schema"
# The two checks of schemathesis that are left out require what the contract does not promise: that
# every body that fits the schema is accepted, and every other one refused.
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_schema_conformance",
    "response_headers_conformance",
    "unsupported_method",
)


@dataclass
class Findings:
    """The calls by status, and the problems of the responses."""

    statuses: Counter[int] = field(default_factory=Counter)
    operations: set[str] = field(default_factory=set)
    wrong: Counter[str] = field(default_factory=Counter)
    samples: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> int:
        return sum(self.statuses.values())

    def note(self, problem: str, sample: str) -> None:
        self.wrong[problem] += 1
        self.samples.setdefault(problem, sample)

    def report(self) -> str:
        """Each kind of problem, with an example."""
        return "\n".join(
            f"{many} x {each}\n    {self.samples[each]}" for each, many in self.wrong.items()
        )


def fuzz(
    key: str,
    *,
    phases: tuple[str, ...] = PHASES,
    examples: int = 100,
    seed: int = 1,
    into: Findings | None = None,
) -> Findings:
    """Call every operation, with `examples` random bodies each; findings are added to `into`."""
    schema = loaded(key, phases, examples, seed)
    findings = Findings() if into is None else into
    logging.disable(logging.CRITICAL)  # there are tens of thousands of calls
    try:
        with open_connections():
            for event in from_schema(schema).execute():
                take(event, findings)
    finally:
        logging.disable(logging.NOTSET)
    return findings


def without_rate_limits(settings: Any) -> None:
    """Allow any number of calls, without the broker."""
    settings.API_BURST = settings.API_ADDRESS_BURST = 10**9
    settings.REDIS_URL = ""
    settings.SECURE_SSL_REDIRECT = False


def loaded(key: str, phases: tuple[str, ...], examples: int, seed: int) -> Any:
    """The document as the app serves it, with how it is to be tried."""
    whole: dict[str, Any] = {
        "seed": seed,
        "headers": {"Authorization": f"Bearer {key}"},
        "checks": {"enabled": False, **{each: {"enabled": True} for each in CHECKS}},
        "cache": {"enabled": False},
        "phases": {each: {"enabled": each in phases} for each in PHASES},
        "generation": {
            "max-examples": examples,
            "no-shrink": True,
            "database": "none",
            "with-security-parameters": False,
        },
    }
    config = SchemathesisConfig.from_dict(whole)
    return schemathesis.openapi.from_wsgi(
        DOCUMENT, WSGIHandler(), config=config, headers={"X-API-Key": key}
    )


@schemathesis.hook("before_call")
def once_in_ten(_context: Any, case: Any, _arguments: Any) -> None:
    """Leave most Idempotency-Keys out: the same few are made up, and nearly all would conflict."""
    if case.headers and hash(case.id) % 10:
        case.headers.pop(HEADER, None)


@contextmanager
def open_connections() -> Iterator[None]:
    """Keep a thread's connection from one call to the next, as the test client does.

    The calls come from threads of schemathesis, which end without closing theirs.
    """
    opened: list[BaseDatabaseWrapper] = []

    def noted(connection: BaseDatabaseWrapper, **_others: Any) -> None:
        opened.append(connection)

    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    connection_created.connect(noted)
    try:
        yield
    finally:
        connection_created.disconnect(noted)
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)
        for each in opened:
            each.inc_thread_sharing()
            each.close()
            each.dec_thread_sharing()
        connections.close_all()


def take(event: Any, findings: Findings) -> None:
    """Read one event of the run."""
    if isinstance(event, events.NonFatalError | events.FatalError):
        findings.note("the run itself failed", str(getattr(event, "info", event)))
    if not isinstance(event, events.ScenarioFinished):
        return
    for name, each in event.recorder.interactions.items():
        operation = event.recorder.cases[name].value.operation.label
        shown = f"{each.request.method} {each.request.uri} {(each.request.body or b'')[:300]!r}"
        if each.response is None:
            findings.note(f"{operation}: no answer", shown)
            continue
        findings.statuses[each.response.status_code] += 1
        findings.operations.add(operation)
        for problem in kept(each.response):
            findings.note(f"{operation}: {problem}", shown)
        for check in event.recorder.checks.get(name, []):
            if check.failure_info is not None:
                failure = check.failure_info.failure
                findings.note(
                    f"{operation}: {check.name}: {failure.title}", f"{shown}: {failure}"[:1500]
                )


def kept(response: Any) -> Iterator[str]:
    """What an answer breaks of that which holds for every one."""
    if not response.headers.get("x-request-id"):
        yield "no X-Request-ID"
    try:
        content = json.loads(response.content or b"")
    except ValueError:
        yield f"{response.status_code} is no JSON"
        return
    if not isinstance(content, dict) or not {"success", "message", "data"} <= set(content):
        yield f"{response.status_code} has no envelope"
    elif response.status_code >= 400:
        yield from refusal(response.status_code, content)
    elif content["success"] is not True:
        yield f"{response.status_code} without success"


def refusal(status: int, content: dict[str, Any]) -> Iterator[str]:
    """What a refusal breaks: it lists each error with its field, its code and words."""
    if content["success"] is not False or content["data"] is not None or not content["message"]:
        yield f"{status} is no refusal"
    errors = content.get("errors")
    if not errors or any({"field", "code", "message"} - set(each) for each in errors):
        yield f"{status} lists no errors"
    elif status == 400 and not any(each["field"] or each["code"] in WHOLE for each in errors):
        yield f"400 names no field: {errors[0]['code']}"


# Refusals of a body or an address as a whole: there is no field to name.
WHOLE = frozenset({"parse_error", "null_character", "bad_length", "bad_request", "invalid"})
