"""One line a request, written beside the requests."""

import io
import json
import logging
import os
import subprocess
import sys

import pytest

from aethercrown.monitoring import access_log, logs

FIELDS = {"method": "GET", "route": "fine", "status": 200, "ms": 1.5, "key_id": None}


@pytest.fixture
def written(monkeypatch):
    """The lines that are written, in a process whose writer is running but never wakes up."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    monkeypatch.setattr(logs._output, "handler", handler)
    monkeypatch.setattr(logs._output, "render", logs.renderer(plain=False))
    monkeypatch.setattr(access_log.writer, "_process_id", os.getpid())
    access_log.queue.clear()
    return lambda: [json.loads(each) for each in stream.getvalue().splitlines()]


def test_a_line_is_queued_and_written_later_as_any_other_line_is(written):
    access_log.note(logging.INFO, dict(FIELDS))
    assert written() == []
    access_log.write_queued()
    (line,) = written()
    assert {name: line[name] for name in FIELDS} == FIELDS
    assert (line["event"], line["level"], line["logger"]) == (
        "request",
        "info",
        "aethercrown.access",
    )
    assert line["timestamp"].endswith("Z")
    access_log.write_queued()
    assert len(written()) == 1


def test_a_full_queue_is_written_by_the_request_that_fills_it(written, monkeypatch):
    monkeypatch.setattr(access_log, "MAX_QUEUED", 3)
    for status in range(200, 205):
        access_log.note(logging.INFO, {**FIELDS, "status": status})
    assert [line["status"] for line in written()] == [200, 201, 202]
    assert len(access_log.queue) == 2


@pytest.mark.parametrize("problem", [OSError("disk full"), ValueError("closed file")])
def test_a_log_that_cannot_be_written_fails_no_request(written, monkeypatch, problem):
    class Full(io.StringIO):
        def flush(self):
            raise problem

    monkeypatch.setattr(access_log, "MAX_QUEUED", 1)
    monkeypatch.setattr(logs._output.handler, "stream", Full())
    access_log.note(logging.INFO, dict(FIELDS))
    assert not access_log.queue


def test_a_secret_in_a_queued_line_is_masked(written, settings):
    settings.METRICS_TOKEN = "m3trics-t0ken"  # noqa: S105 - made up
    access_log.note(logging.INFO, {**FIELDS, "route": f"x {settings.METRICS_TOKEN}"})
    access_log.write_queued()
    assert written()[0]["route"] == "x ***"


def test_after_a_stop_lines_are_written_at_once(written, monkeypatch, caplog):
    monkeypatch.setattr(access_log.writer, "stopping", access_log.writer.stopping.__class__())
    access_log.writer.stopping.set()
    with caplog.at_level(logging.INFO, "aethercrown.access"):
        access_log.note(logging.INFO, dict(FIELDS))
    assert not access_log.queue
    assert caplog.records[0].route == "fine"


ENDING = """
import logging, django
django.setup()
from aethercrown.monitoring import access_log
access_log.writer.interval = 60
access_log.writer.start()
for status in range(1_000):
    access_log.note(logging.INFO, {"status": status})
"""


def test_a_process_that_ends_cleanly_loses_no_line():
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": "tests.settings", "LOG_FORMAT": "json"}
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", ENDING], env=environment, capture_output=True, check=True
    )
    lines = [json.loads(each) for each in done.stderr.splitlines() if each.startswith(b"{")]
    assert [each["status"] for each in lines] == list(range(1_000))
