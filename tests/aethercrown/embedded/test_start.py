"""Options of a start, and whole starts with real processes."""

import http.client
import http.server
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import subprocess
import threading

import pytest

from aethercrown import data_dir
from aethercrown.embedded import start
from aethercrown.embedded.roles import WORKER_NICENESS
from aethercrown.embedded.servers import ServerUnavailable
from tests import rig, template

linux_only = pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="reads /proc")  # noqa: PTH112 - a constant


def chosen(folder, **environment):
    return start.read_options({"DATA_DIR": str(folder), **environment})


def test_nothing_set_means_this_machine_only_with_a_demo(tmp_path):
    plain = chosen(tmp_path)
    assert (plain.host, plain.port, plain.demo, plain.redis_url) == ("127.0.0.1", 8000, True, "")
    assert not chosen(tmp_path, DEMO="0").demo


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "80 80", "8000.0"])
def test_an_invalid_port_is_refused_with_its_bounds(tmp_path, port):
    with pytest.raises(ServerUnavailable, match="must be a number from 1 to 65535"):
        chosen(tmp_path, PORT=port)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),  # noqa: S104 - the point of the case
        ("::1", "http://[::1]:8000"),
        ("localhost", "http://localhost:8000"),
    ],
)
def test_the_address_is_one_that_a_browser_here_can_open(tmp_path, host, address):
    assert chosen(tmp_path, HOST=host).address == address


@pytest.mark.parametrize(
    ("host", "https"), [("127.0.0.1", "False"), ("localhost", "False"), ("192.0.2.1", None)]
)
def test_plain_http_is_for_this_machine_only(tmp_path, host, https):
    environment: dict[str, str] = {}
    start.set_environment(environment, chosen(tmp_path, HOST=host), None)
    assert environment.get("HTTPS") == https
    assert environment["OMP_NUM_THREADS"] == "1"
    assert environment["DATA_DIR"] == str(tmp_path)
    assert "REDIS_URL" not in environment


def test_https_is_not_changed_where_it_is_set(tmp_path):
    environment = {"HTTPS": "True"}
    start.set_environment(environment, chosen(tmp_path), None)
    assert environment["HTTPS"] == "True"


def test_the_broker_of_redis_url_is_used(tmp_path, valkey_url):
    with start.broker(chosen(tmp_path, REDIS_URL=valkey_url), 0) as none:
        assert none is None


def test_a_broker_of_its_own_is_announced_for_as_long_as_it_runs(tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        with start.broker(chosen(tmp_path), lock.fileno()) as broker:
            assert broker
            broker.server.wait_until(broker.answers)
            environment: dict[str, str] = {}
            start.set_environment(environment, chosen(tmp_path), broker)
            assert environment["REDIS_URL"] == data_dir.stored(tmp_path, data_dir.BROKER_URL_FILE)
        assert data_dir.stored(tmp_path, data_dir.BROKER_URL_FILE) == ""
        assert not broker.server.is_running()


@pytest.mark.parametrize(("made", "shown"), [("s3cret", "s3cret"), (None, "changepassword")])
def test_the_password_is_shown_at_the_first_start_only(tmp_path, made, shown):
    told = {"password": made, "api_key": "ac_key", "login": "admin"}
    block = start.ready_message(chosen(tmp_path), told)
    assert shown in "\n".join(block)
    assert "  API key   ac_key  (all scopes, until the next start)" in block


class Answer(http.server.BaseHTTPRequestHandler):
    """Ready, or not: as the server's `status` says."""

    def do_GET(self):
        self.send_response(self.server.status)  # type: ignore[attr-defined]  # set by the test
        self.end_headers()

    def log_message(self, *_arguments):
        """Say nothing."""


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
def test_ready_is_what_the_probe_says(status, ready):
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        server.status = status  # type: ignore[attr-defined]  # read by the handler
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert start.is_ready(f"http://127.0.0.1:{server.server_port}") is ready
        thread.join()


def test_nobody_there_is_not_ready():
    assert not start.is_ready(f"http://127.0.0.1:{rig.free_port()}")


def get(stack, path):
    connection = http.client.HTTPConnection("127.0.0.1", stack.port, timeout=10)
    try:
        connection.request("GET", path, headers={"X-API-Key": stack.api_key})
        return connection.getresponse().status
    finally:
        connection.close()


def readme_call(stack):
    """What README's first call prints, run as printed but for the port."""
    text = (rig.ROOT / "README.md").read_text(encoding="utf-8")
    (block,) = re.findall(r"^    KEY=.*\n(?:^    .*\n)+", text, flags=re.MULTILINE)
    printed = subprocess.run(  # noqa: S603 - the project's own document
        ["/bin/bash", "-c", block.replace(":8000", f":{stack.port}")],
        cwd=rig.ROOT,
        env=rig.outer_environment()
        | {"DATA_DIR": str(stack.folder), "DJANGO_SETTINGS_MODULE": "aethercrown.settings"},
        capture_output=True,
        check=True,
    )
    return json.loads(printed.stdout)


@linux_only
@pytest.mark.skipif(shutil.which("curl") is None, reason="README calls the API by curl")
def test_it_serves_is_killed_and_leaves_nothing_and_starts_again_from_its_folder(tmp_path):
    """Several cases in one test, because each start takes seconds."""
    template.migrated_folder(tmp_path / "data")
    with rig.running(tmp_path / "data") as stack:
        assert get(stack, "/healthz") == 200
        assert len(stack.password) >= 15
        first_key = stack.api_key
        answer = readme_call(stack)
        assert answer["success"], answer
        stack.wait_until_whole()
        stack.process.kill()
        stack.process.wait()
        assert stack.left() == set()

    stack.output.write_text("")
    with rig.running(tmp_path / "data") as again:
        assert "as printed at the first start" in again.printed()
        assert again.api_key != first_key
        second = rig.start(tmp_path / "data")
        assert second.process.wait(30) == 1
        assert f"in use by process {again.process.pid}" in second.printed()
        third = rig.start(tmp_path / "other", port=again.port)
        assert third.process.wait(30) == 1
        assert third.printed().count("\n") == 1
        assert f"Port {again.port} on 127.0.0.1 is taken" in third.printed()
        assert again.stop(signal.SIGTERM) == 0
        assert again.left() == set()
    with sqlite3.connect(tmp_path / "data" / "aethercrown.sqlite3") as rows:
        assert rows.execute("pragma integrity_check").fetchone() == ("ok",)
    rows.close()


@linux_only
def test_two_copies_run_side_by_side_and_a_dead_child_comes_back(tmp_path):
    """The second is started by something that stands for make, which is killed in the end."""
    make = ("/bin/sh", "-c", '"$@" & wait', "make")
    template.migrated_folder(tmp_path / "one")
    template.migrated_folder(tmp_path / "two")
    with (
        rig.running(tmp_path / "one") as one,
        rig.running(tmp_path / "two", through=make, MAKELEVEL="1") as two,
    ):
        assert get(one, "/healthz") == get(two, "/healthz") == 200
        stated = (tmp_path / "one" / "service.json").read_text(encoding="ascii")
        assert json.loads(stated) == {"HTTPS": False, "SECOND_FACTOR_REQUIRED": False}
        assert one.api_key != two.api_key
        os.kill(one.child("beat"), signal.SIGKILL)
        one.wait_for("beat ended with status -9; it starts again in 0.5 s.", seconds=20)
        assert get(one, "/healthz") == 200
        two.wait_until_whole()
        one.wait_until_whole()
        web, worker = (os.getpriority(os.PRIO_PROCESS, one.child(e)) for e in ("web", "worker"))
        assert worker == web + WORKER_NICENESS
        two.process.kill()
        assert one.stop(signal.SIGINT) == 0
        assert one.left() == set()
        assert not (tmp_path / "one" / "service.json").exists()
        assert two.left(seconds=30) == set()


@linux_only
def test_a_folder_that_cannot_be_used_is_one_sentence(tmp_path):
    (tmp_path / "file").touch()
    stack = rig.start(tmp_path / "file")
    assert stack.process.wait(30) == 1
    assert stack.printed().count("\n") == 1
    assert "Cannot use" in stack.printed()
    assert "Set DATA_DIR." in stack.printed()


@linux_only
def test_a_database_that_does_not_answer_ends_the_start_with_the_reason(tmp_path, valkey_url):
    nobody = f"postgresql://me:secret@127.0.0.1:{rig.free_port()}/rows"
    kek = "k1:" + "A" * 43 + "="
    stack = rig.start(
        tmp_path / "data", DATABASE_URL=nobody, REDIS_URL=valkey_url, ENCRYPTION_KEYS=kek
    )
    assert stack.process.wait(60) == 1
    assert "The set-up ended with status 1.\nThe database cannot be used: " in stack.printed()
    assert "Connection refused" in stack.printed()
    assert "Traceback" not in stack.printed()
    assert "secret" not in stack.printed()
    assert not stack.living()


def test_an_invalid_port_ends_the_start_with_one_sentence(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("PORT", "x")
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.delenv("MAKELEVEL", raising=False)
    assert start.main([]) == 1
    assert capsys.readouterr().err == "PORT is 'x', and must be a number from 1 to 65535.\n"


def test_a_port_in_use_is_seen_before_anything_else_starts(capsys, monkeypatch, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        monkeypatch.setenv("DATA_DIR", str(tmp_path))
        monkeypatch.delenv("MAKELEVEL", raising=False)
        assert start.main([]) == 1
    assert "is taken" in capsys.readouterr().err
    assert {each.name for each in tmp_path.iterdir()} == {"lock"}


@pytest.mark.parametrize(
    ("host", "demo", "required"),
    [("127.0.0.1", "1", "False"), ("127.0.0.1", "0", None), ("192.0.2.1", "1", None)],
)
def test_to_look_at_the_demo_takes_no_second_factor(tmp_path, host, demo, required):
    environment: dict[str, str] = {}
    start.set_environment(environment, chosen(tmp_path, HOST=host, DEMO=demo), None)
    assert environment.get("SECOND_FACTOR_REQUIRED") == required


def test_where_nobody_may_sign_in_yet_the_way_is_told(tmp_path):
    told = {"password": None, "api_key": "ac_key", "login": None}
    block = "\n".join(start.ready_message(chosen(tmp_path), told))
    assert "manage.py setup_link" in block
    assert "chosen there" in block


def test_a_broker_that_does_not_answer_is_one_sentence_without_its_password():
    with pytest.raises(ServerUnavailable) as refused:
        start.check_broker("redis://:hunter22@127.0.0.1:1/0")
    text = str(refused.value)
    assert text.startswith("REDIS_URL names 127.0.0.1:1,")
    assert "hunter22" not in text
    assert "\n" not in text


def test_a_socket_that_is_not_there_is_named():
    with pytest.raises(ServerUnavailable, match=r"REDIS_URL names /no/such\.sock,"):
        start.check_broker("unix:///no/such.sock")


def test_a_broker_that_answers_is_fine(valkey_url):
    start.check_broker(valkey_url)


def test_a_broker_address_that_cannot_be_read_is_refused_without_its_password():
    with pytest.raises(ServerUnavailable, match="not a valid address") as refused:
        start.check_broker("redis://:hunter/22@127.0.0.1:1/0")
    assert "hunter" not in str(refused.value)
