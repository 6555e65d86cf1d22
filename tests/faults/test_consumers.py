"""Rotations from request to working consumer, under load, while the targets are killed.

A web app with a PostgreSQL role (its Secret a mounted manifest), a reader of a file with a reload
command, a puller, and a webhook receiver whose callers pull. Each is a process; each rotation is a
call of the API on a running platform. The database and the receiver are killed twice, in the middle
of rotations. No call may be refused for its credential; calls while a target was down count apart.

CONSUMER_CALLS and CONSUMER_ROTATIONS make it shorter, FAULT_SEED repeats the moments of the kills.
"""

import contextlib
import http.client
import json
import os
import random
import secrets
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import psycopg
import pytest

from aethercrown.embedded import postgres, servers
from tests import rig
from tests.faults.consumer_keys import FIRST, ROLES
from tests.faults.consumers import PAUSE_SECONDS, Count, seen
from tests.faults.crew import wait_for
from tests.faults.test_workers import report
from tests.security.access.identity_provider import certificate

pytestmark = pytest.mark.fault
CALLS = int(os.environ.get("CONSUMER_CALLS", "5000"))
ROTATIONS = int(os.environ.get("CONSUMER_ROTATIONS", "20"))
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
KEYS = {"web": "web", "reader": "reader", "puller": "puller", "sender": "hook"}  # by consumer
PASSWORDS = "local all postgres trust\nlocal all all scram-sha-256\n"
SECONDS = 120.0


def test_no_call_is_refused_for_its_credential(tmp_path):
    with contextlib.ExitStack() as stack:
        place = Place(tmp_path, stack)
        place.start()
        for number in range(ROTATIONS):
            place.rotate_all(number)
        place.wait_for_calls()
        counts = place.counts()
    refused = sum(each.get("refused", 0) for each in counts.values())
    enough = all(each["ok"] >= CALLS for each in counts.values())
    report(
        fault="rotation from request to consumer", seed=SEED, rotations=place.rotated,
        kills=place.kills, repeated_requests=place.repeated, seconds=round(place.seconds()),
        consumers=counts, verdict="ok" if enough and not refused else "failed",
    )  # fmt: skip
    assert not refused
    assert enough
    assert set(place.rotated.values()) == {ROTATIONS}
    assert place.kills == 4


class Place:
    """The platform, the targets and the consumers."""

    def __init__(self, folder, stack):
        self.folder, self.stack = folder, stack
        self.chance = random.Random(SEED)  # noqa: S311 - a replayable moment, no secret
        self.kills = self.repeated = 0
        self.current = {}
        self.rotated = dict.fromkeys(KEYS, 0)
        self.stopping = threading.Event()
        self.began = time.monotonic()

    def seconds(self):
        return time.monotonic() - self.began

    # --- Starting -------------------------------------------------------------------------------
    def start(self):
        self.pem = certificate(self.folder)
        self.start_database()
        self.port = rig.free_port()
        (self.folder / "kept.json").write_text(json.dumps({"1": FIRST}))
        self.files = self.folder / "files"
        self.files.mkdir()
        pid = self.folder / "reader.pid"
        reload = f"/bin/sh -c 'kill -HUP $(cat {pid} 2>/dev/null) 2>/dev/null || test ! -s {pid}'"
        environment = {
            "KEY_FILES_DIR": str(self.files),
            "KEY_RELOAD_COMMANDS": f"reload-reader={reload}",
            "SSL_CERT_FILE": str(self.pem),
        }
        running = rig.running(self.folder / "data", uid=None, through=(), **environment)
        self.platform = self.stack.enter_context(running)
        self.pulls = self.register(environment)
        self.receiver = self.start_receiver()
        self.start_consumers(pid)

    def start_database(self):
        self.cluster = self.stack.enter_context(cluster())
        self.server = launched(self.cluster)
        self.stack.callback(self.stop_database)
        (self.cluster.data / "pg_hba.conf").write_text(PASSWORDS)
        with self.administrator() as admin:
            admin.execute("SELECT pg_reload_conf()")
            admin.execute("CREATE ROLE chief LOGIN CREATEROLE PASSWORD 'chief-secret'")
            for first, second in ROLES.values():
                admin.execute(f"CREATE ROLE {first} LOGIN PASSWORD '{FIRST}'")
                admin.execute(f"CREATE ROLE {second} NOLOGIN")
                admin.execute(f"GRANT {first}, {second} TO chief WITH ADMIN OPTION")

    def stop_database(self):
        self.server.stop()

    def administrator(self):
        place = str(self.cluster.folder)
        return psycopg.connect(host=place, user="postgres", dbname="postgres", autocommit=True)

    def register(self, environment):
        """The keys, registered on the running platform; the API keys of those who pull."""
        given = {"database": str(self.cluster.folder), "port": self.port}
        own = {"DATA_DIR": str(self.folder / "data"), **environment}
        own["DJANGO_SETTINGS_MODULE"] = "aethercrown.settings"
        done = subprocess.run(
            [sys.executable, "-m", "tests.faults.consumer_keys"],
            input=json.dumps(given),
            capture_output=True,
            text=True,
            check=True,
            cwd=rig.ROOT,
            env={**rig.outer_environment(), **own},
        )
        return json.loads(done.stdout.splitlines()[-1])

    def start_consumers(self, pid):
        self.web_port = rig.free_port()
        self.consumer("web", file=self.files / "web/secret.json", port=self.web_port)
        self.consumer("reader", file=self.files / "reader.json", pid=pid)
        self.consumer("puller", api_key=self.pulls["puller"], url=self.value_url("puller"))
        self.consumer("sender", api_key=self.pulls["sender"], url=self.value_url("hook"))
        self.visits = Count(self.folder / "web.json")
        visitor = threading.Thread(target=self.visit)
        visitor.start()
        self.stack.callback(visitor.join)
        self.stack.callback(self.stopping.set)

    def consumer(self, name, **given):
        settings = {
            "count": str(self.folder / f"{name}.json"),
            "database": str(self.cluster.folder),
            "certificate": str(self.pem),
            "port": self.port,
            **{each: str(value) if each != "port" else value for each, value in given.items()},
        }
        started = subprocess.Popen(  # noqa: S603 - our own command
            [sys.executable, "-m", "tests.faults.consumers", name],
            stdin=subprocess.PIPE,
            cwd=rig.ROOT,
        )
        assert started.stdin
        started.stdin.write(json.dumps(settings).encode())
        started.stdin.close()
        self.stack.callback(ended, started)
        return started

    def start_receiver(self):
        started = self.consumer("receiver", kept=self.folder / "kept.json")
        wait_for(self.receiver_answers, SECONDS)
        return started

    def receiver_answers(self):
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def value_url(self, key_id):
        return f"{self.platform.url}/api/v1/operational/security/keys/{key_id}/value"

    # --- Load -----------------------------------------------------------------------------------
    def visit(self):
        """Requests to the web app, which logs in at the database for each."""
        line = http.client.HTTPConnection("127.0.0.1", self.web_port, timeout=20)
        while not self.stopping.is_set():
            try:
                line.request("GET", "/")
                said = json.loads(line.getresponse().read())
                self.visits.add(said["outcome"], value=said["value"])
            except (OSError, http.client.HTTPException):  # it has not started yet
                line.close()  # the next request opens another
            time.sleep(PAUSE_SECONDS)
        line.close()

    def counts(self):
        found = {}
        for name in KEYS:
            with contextlib.suppress(OSError):
                found[name] = json.loads((self.folder / f"{name}.json").read_text())
        return found

    def wait_for_calls(self):
        def enough():
            found = self.counts()
            return set(found) == set(KEYS) and all(
                each.get("ok", 0) >= CALLS or each.get("refused") for each in found.values()
            )

        wait_for(enough, 1_800)

    # --- Rotations ------------------------------------------------------------------------------
    def rotate_all(self, number):
        """Rotate each key once; at two of the rounds both targets are killed meanwhile."""
        with ThreadPoolExecutor(1) as asking:
            asked = asking.submit(self.ask_for_all)
            if number in {ROTATIONS // 3, 2 * ROTATIONS // 3}:
                self.kill_targets()  # here: a server ends with the thread that started it
            asked.result()
        for consumer, key_id in KEYS.items():
            wait_for(lambda c=consumer, k=key_id: self.has_current(c, k), SECONDS)
        self.end_graces()

    def ask_for_all(self):
        for consumer, key_id in KEYS.items():
            self.rotate(key_id)
            self.rotated[consumer] += 1

    def rotate(self, key_id):
        """Ask until it is done, as a person does where the target is down."""
        give_up = time.monotonic() + SECONDS
        while True:
            status, said = self.call(f"{key_id}/rotate", {"reason": "manual"})
            if status == 200:
                self.current[key_id] = seen(said["data"]["rotation"]["new_key"])
                return
            assert status in {202, 409}, (status, said)
            assert time.monotonic() < give_up, (key_id, status, said)
            self.repeated += 1
            time.sleep(0.3)

    def call(self, path, body):
        asked = Request(  # noqa: S310 - our own loopback address
            f"{self.platform.url}/api/v1/operational/security/keys/{path}",
            json.dumps(body).encode(),
            {
                "Authorization": f"Bearer {self.platform.api_key}",
                "Content-Type": "application/json",
            },
        )
        try:
            with urlopen(asked, timeout=60) as reply:  # noqa: S310 - the same
                return reply.status, json.load(reply)
        except HTTPError as error:
            return error.code, error.read().decode()

    def has_current(self, consumer, key_id):
        found = self.counts().get(consumer, {})
        return found.get("value") == self.current[key_id]

    def end_graces(self):
        """As if the grace of every old value were over now: the next rotation ends it."""
        path = self.folder / "data" / "aethercrown.sqlite3"
        with contextlib.closing(sqlite3.connect(path, timeout=60)) as rows, rows:
            rows.execute(
                "UPDATE security_secretversion SET retire_at = datetime('now')"
                " WHERE state = 'retiring'"
            )

    def kill_targets(self):
        """kill -9 of the database and the receiver in the middle of the rotations."""
        time.sleep(self.chance.uniform(0.0, 0.6))
        os.killpg(self.server.pid, signal.SIGKILL)
        self.server.process.wait()
        time.sleep(self.chance.uniform(0.3, 1.5))
        self.server = launched(self.cluster)
        self.receiver.kill()
        self.receiver.wait()
        time.sleep(self.chance.uniform(0.3, 1.5))
        self.receiver = self.start_receiver()
        self.kills += 2


@contextlib.contextmanager
def cluster():
    """A PostgreSQL cluster that is started and killed by the test."""
    with postgres.folder() as place:
        uid = postgres.NOBODY_UID if os.geteuid() == 0 else 0
        if uid:
            os.chown(place, uid, uid)
        made = postgres.Cluster(place, postgres.binaries(place, uid), uid)
        made.initialise()
        yield made


def launched(made):
    """Its server; one that was killed needs a moment until its children are gone."""
    give_up = time.monotonic() + 30
    while True:
        try:
            return made.launch()
        except servers.ServerUnavailable:
            if time.monotonic() > give_up:
                raise
            time.sleep(0.1)


def ended(process):
    process.kill()
    process.wait()
