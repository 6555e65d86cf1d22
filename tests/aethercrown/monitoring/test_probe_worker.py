"""Probes have a thread of their own, so a busy or stalled web process still answers them."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time

import pytest
from gunicorn.http.errors import LimitRequestLine  # type: ignore[import-untyped]  # no types

from aethercrown.monitoring import gunicorn_config
from aethercrown.monitoring.probe_worker import ProbeWorker, is_probe
from tests import rig

APPLICATION = """
import time

def application(environ, start_response):
    if environ["PATH_INFO"] == "/slow":
        end = time.monotonic() + 6
        while time.monotonic() < end:
            sum(range(2000))
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
"""


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", True),
        (b"HEAD /readyz HTTP/1.0\r\n\r\n", True),
        (b"GET /healthz HTTP/1.1\r\nHost: a", False),
        (b"GET /healthzz HTTP/1.1\r\n\r\n", False),
        (b"POST /healthz HTTP/1.1\r\n\r\n", False),
        (b"", False),
    ],
)
def test_only_a_whole_request_for_a_probe_is_one(sent, expected):
    here, there = socket.socketpair()
    with here, there:
        there.sendall(sent)
        assert is_probe(here) is expected


@pytest.fixture
def server(tmp_path):
    """Gunicorn with our settings on a port of its own; its address."""
    (tmp_path / "served.py").write_text(APPLICATION)
    port = rig.free_port()
    command = [sys.executable, "-m", "gunicorn", "-c"]
    command += ["python:aethercrown.monitoring.gunicorn_config", "--chdir", str(tmp_path)]
    command += ["--bind", f"127.0.0.1:{port}", "served:application"]
    environment = {**os.environ, "PYTHONPATH": os.getcwd()}  # noqa: PTH109 - a text
    process = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)  # noqa: S603
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until:
            try:
                ask(port, "/healthz")
                break
            except OSError:
                time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()


def ask(port, path):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    began = time.monotonic()
    connection.request("GET", path)
    assert connection.getresponse().read() == b"ok"
    connection.close()
    return time.monotonic() - began


def test_a_probe_is_answered_while_every_thread_calculates_and_clients_stall(server):
    stalled = [socket.create_connection(("127.0.0.1", server)) for _ in range(12)]
    for each in stalled[:4]:
        each.sendall(b"GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
    for each in stalled[4:8]:
        each.sendall(b"POST /never HTTP/1.1\r\nContent-Le")
    took = sorted(ask(server, "/healthz") for _ in range(9))
    assert took[4] < 0.1  # the median; the rest is the test machine's
    for each in stalled:
        each.close()


def test_an_address_of_ten_thousand_characters_is_told_what_to_shorten():
    here, there = socket.socketpair()
    with here, there:
        worker = ProbeWorker.__new__(ProbeWorker)  # it answers without a process of its own
        worker.handle_error(None, there, ("127.0.0.1", 1), LimitRequestLine(10_020, 8_190))
        answer = here.recv(4_096).decode()
    assert answer.startswith("HTTP/1.1 414 This address is too long")
    assert "a search at most 200" in answer
    assert gunicorn_config.limit_request_line > 8_000


def test_there_is_no_control_socket():
    assert gunicorn_config.control_socket_disable
