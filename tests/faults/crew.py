"""Workers, beats and a broker as plain processes over one database, to be killed one by one.

The database is a file in the data folder, or PostgreSQL where `database` names one.
"""

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.request import urlopen

from aethercrown.embedded import servers, valkey
from tests import rig, template

READY_SECONDS = 120.0


@dataclass
class Crew:
    """The processes by name, such as worker-1 or beat-2; each leads a group of its own."""

    folder: Path
    works: int = 6
    every: int = 10
    seconds: tuple[float, ...] = (3.0,)  # by work; the last counts for the rest
    missed: tuple[str, ...] = ("all",)  # the same
    database: str = ""
    more: Mapping[str, str] = field(default_factory=dict)  # environment variables
    at_work: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)
    commands: dict[str, tuple[str, ...]] = field(default_factory=dict)
    fallen: int = 0  # how many ended though nobody killed them
    beats_killed: list[float] = field(default_factory=list)  # when
    address: valkey.Address = field(default_factory=valkey.free_address)
    broker: servers.ServerProcess | None = None

    # --- Starting and ending ------------------------------------------------------------------
    def environment(self):
        return {
            **rig.outer_environment(),
            "DATA_DIR": str(self.folder),
            "REDIS_URL": self.address.url,
            **({"DATABASE_URL": self.database} if self.database else {}),
            "ALLOWED_HOSTS": "127.0.0.1",
            "ENCRYPTION_KEYS": "faults:" + "A" * 43 + "=",
            "SECRET_KEY": "only-for-faults-" + "x" * 50,
            "API_KEY_PEPPER": "only-for-faults-" + "y" * 50,
            "DJANGO_SETTINGS_MODULE": "tests.faults.settings",
            "FAULT_WORKS": str(self.works),
            "FAULT_EVERY": str(self.every),
            "FAULT_SECONDS": " ".join(map(str, self.seconds)),
            "FAULT_MISSED": " ".join(self.missed),
            "PYTHONPATH": str(rig.ROOT),
            **self.more,
        }

    def set_up(self):
        """A broker, and a database with the automations in it."""
        if self.database:
            self.folder.mkdir(parents=True)
            self.call("-m", "django", "migrate", "-v0")
        else:
            template.migrated_folder(self.folder)
        (self.folder / "log").mkdir(exist_ok=True)
        self.start_broker()
        script = "import django; django.setup(); from tests.faults import works; works.seed()"
        self.call("-c", script)

    def call(self, *arguments):
        command = [sys.executable, *arguments]
        subprocess.run(command, cwd=rig.ROOT, env=self.environment(), check=True, timeout=300)  # noqa: S603 - our own

    def run_python(self, *arguments):
        """The last line that a call of Python prints."""
        command = [sys.executable, *arguments]
        done = subprocess.run(  # noqa: S603 - our own
            command, cwd=rig.ROOT, env=self.environment(), check=True, capture_output=True,
            text=True, timeout=300,
        )  # fmt: skip
        return done.stdout.splitlines()[-1]

    def start_broker(self):
        self.broker = valkey.launch(self.folder, self.address)
        self.broker.wait_until(self.address.answers)

    def start_worker(self, name, processes=2):
        quiet = ["--without-gossip", "--without-mingle", "-l", "WARNING"]
        self.start(name, "worker", "-c", str(processes), "-n", f"{name}@%h", *quiet)

    def start_beat(self, name):
        self.start(name, "beat", "--pidfile=", "-l", "WARNING")

    def start_web(self, name):
        """A web server, and a first request: only then do its threads begin. Its address."""
        address = f"127.0.0.1:{rig.free_port()}"
        flags = ["-b", address, "-w", "1", "--threads", "2", "--log-level", "warning"]
        self.launch(name, "-m", "gunicorn", "aethercrown.wsgi", *flags)
        wait_for(lambda: answers(f"http://{address}/healthz"), READY_SECONDS)
        return f"http://{address}"

    def start(self, name, *arguments, app="aethercrown"):
        self.launch(name, "-m", "celery", "-A", app, *arguments)

    def launch(self, name, *arguments):
        self.commands[name] = arguments
        output = (self.folder / "log" / f"{name}.log").open("ab")
        with output:
            self.at_work[name] = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, *arguments],
                cwd=rig.ROOT,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def restart_ended(self):
        """Restart the processes that ended by themselves, as a supervisor does."""
        for name, process in list(self.at_work.items()):
            if process.poll() is not None:
                self.fallen += 1
                self.kill(name)
                self.launch(name, *self.commands[name])

    def kill(self, name):
        """SIGKILL to a process and all that it forked, as when a machine loses its power."""
        process = self.at_work.pop(name)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def end(self):
        for name in list(self.at_work):
            self.kill(name)
        if self.broker is not None:
            self.broker.stop()

    # --- Looking --------------------------------------------------------------------------------
    def rows(self, query, *values):
        if self.database:
            return self.rows_of_postgresql(query, values)
        place = self.folder / "aethercrown.sqlite3"
        with contextlib.closing(sqlite3.connect(place, timeout=20)) as database:
            return database.execute(query, values).fetchall()

    def rows_of_postgresql(self, query, values):
        import environ  # noqa: PLC0415 - only where it serves
        import psycopg  # noqa: PLC0415 - the same

        found = environ.Env.db_url_config(self.database)
        host, user, name = (found[each] for each in ("HOST", "USER", "NAME"))
        with psycopg.connect(host=host, user=user, dbname=name) as database:
            return database.execute(query.replace("?", "%s"), values).fetchall()

    def running(self):
        """(run, attempt, process id) of what is at work now."""
        found = self.rows("SELECT id, attempt, worker FROM operations_run WHERE state = 'running'")
        return [(run, attempt, int(worker.rpartition(":")[2])) for run, attempt, worker in found]

    def noted(self):
        """What the automations wrote, oldest first."""
        place = self.folder / "faults.log"
        if not place.exists():
            return []
        return [json.loads(line) for line in place.read_text().splitlines()]

    def owner(self, pid):
        """The name of the worker that a process belongs to; None where it is gone."""
        known = rig.parents()
        for name, process in self.at_work.items():
            if process.pid in {pid, known.get(pid)}:
                return name
        return None


@contextlib.contextmanager
def crew(folder, *, workers=3, beats=1, web=True, **works):
    """All of them at work, until the end of the block."""
    made = Crew(folder, **works)
    try:
        made.set_up()
        for number in range(workers):
            made.start_worker(f"worker-{number}")
        for number in range(beats):
            made.start_beat(f"beat-{number}")
        if web:
            made.start_web("web")
        wait_for(made.noted, READY_SECONDS)
        yield made
    finally:
        made.end()


def answers(url):
    try:
        with urlopen(url, timeout=5) as reply:  # noqa: S310 - our own loopback address
            return reply.status == 200
    except OSError:
        return False


def wait_for(condition, seconds):
    """Return what the condition gives once it is true; TimeoutError where it never is."""
    give_up = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > give_up:
            raise TimeoutError(f"It did not happen in {seconds} s.")
        time.sleep(0.1)
    return found
