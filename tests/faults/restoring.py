"""Restores that are killed: `python -m tests.faults.restoring COUNT SEED`, on the DATA_DIR given.

With a DATABASE_URL it is done there: put back from a copy on the same server. This process loads
Django once and forks each restore, so that 200 kills take minutes. The back-up holds what would act
on its own if anything did: a run that is due, a rotation that was ordered, a key that was approved,
an old value whose grace is over. After each kill the tasks of the workers are called once: nothing
of that may have moved. An API key that was revoked since the back-up is revoked again once a
restore has come to its end. Prints one line of JSON.
"""

import json
import os
import random
import shutil
import signal
import sqlite3
import sys
import time
from collections import Counter
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path

from tests.faults.rotating import forked

KEY = "k" * 40
NAME = "aethercrown.sqlite3"
COPY = "kept_copy"  # of the database, on PostgreSQL
FORMER, RESTORED = "former, not paused", "restored, paused"
REVOKE = "UPDATE security_apikey SET revoked_at = created_at WHERE name = 'revoked since'"
OPEN = "SELECT id FROM security_apikey WHERE revoked_at IS NULL AND name = 'revoked since'"
AFTER_SWAP = ("anchors", "migrate", "finalize", "compare")
STEPS = ("unpack", "lock", "restored", "pause", "swap", *AFTER_SWAP)


def main():
    import django  # noqa: PLC0415 - its settings come from the environment

    django.setup()
    count, seed = int(sys.argv[1]), int(sys.argv[2])
    found = Kills(Path(os.environ["DATA_DIR"]), random.Random(seed))  # noqa: S311 - replayable
    found.prepare()
    for number in range(count):
        found.kill_one(number)
    result = found.result(count)
    sys.stdout.write(json.dumps(result) + "\n")
    return 0 if result["verdict"] == "ok" else 1


class SqlitePlace:
    """A database file in its data folder."""

    def __init__(self, folder):
        self.folder, self.kept = folder, folder.with_name("kept")

    def keep(self):
        self.query("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copytree(self.folder, self.kept)

    def put_back(self):
        shutil.rmtree(self.folder)
        shutil.copytree(self.kept, self.folder)

    def fault(self):
        """Why no whole database is there; empty if one is."""
        if not (self.folder / NAME).exists():
            return "no database"
        return "" if self.query("PRAGMA integrity_check") == [("ok",)] else "damaged"

    def query(self, statement):
        with closing(sqlite3.connect(self.folder / NAME)) as rows, rows:
            return rows.execute(statement).fetchall()


class PostgresPlace:
    """A database of a server of this test alone."""

    def __init__(self, settings):
        self.name, self.host = settings["NAME"], settings["HOST"]

    def keep(self):
        self.maintain(f"CREATE DATABASE {COPY} TEMPLATE {self.name}")

    def put_back(self):
        """Drop every database but the copy, also what killed restores left, and copy it."""
        named = "SELECT datname FROM pg_database WHERE NOT datistemplate"
        for (name,) in self.maintain(named):
            if name not in {COPY, "postgres"}:
                self.maintain(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        self.maintain(f"CREATE DATABASE {self.name} TEMPLATE {COPY}")

    def fault(self):
        names = self.maintain("SELECT datname FROM pg_database")
        return "" if (self.name,) in names else "no database"

    def query(self, statement):
        return self.maintain(statement, self.name)

    def maintain(self, statement, name="postgres"):
        import psycopg  # noqa: PLC0415 - SQLite needs none

        with psycopg.connect(
            host=self.host, user="postgres", dbname=name, autocommit=True
        ) as connection:
            found = connection.execute(statement)
            return found.fetchall() if found.description else []


class Kills:
    """One database, put back to what it was before each restore."""

    def __init__(self, folder, chance):
        from django.db import connection  # noqa: PLC0415 - Django is set up only now

        is_sqlite = connection.vendor == "sqlite"
        self.place = SqlitePlace(folder) if is_sqlite else PostgresPlace(connection.settings_dict)
        self.chance, self.backup = chance, folder.with_name("old.backup")
        self.outcomes: Counter[str] = Counter()
        self.at_step: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.finished, self.usual = 0, 0.0
        self.began = time.monotonic()

    def prepare(self):
        """A back-up with work that is due, and a later database without it; how long one takes."""
        wait(forked(fill))
        wait(forked(lambda: make_backup(self.backup)))
        self.place.query("UPDATE django_content_type SET model = 'new' WHERE id = 1")
        self.place.query("DELETE FROM security_rotationorder")
        self.place.query(REVOKE)
        self.place.keep()
        started = time.monotonic()
        wait(forked(self.restore))
        self.usual = time.monotonic() - started
        self.note(self.look(), "unhurt")

    def kill_one(self, number):
        """At a random moment, and each third time at the beginning of one of the steps."""
        self.place.put_back()
        step = STEPS[number // 3 % len(STEPS)] if number % 3 == 0 else ""
        pid = forked(lambda: self.restore(step))
        if not step:
            time.sleep(self.chance.uniform(0.0, 1.05) * self.usual)
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        _, status = os.waitpid(pid, 0)
        if step:
            self.at_step[step] += os.WIFSIGNALED(status)
        self.note(self.look(), f"{number} {step}")
        if number % 10 == 0 or step in AFTER_SWAP:
            self.finished += self.run_again(number)

    def run_again(self, number):
        """The restore that was killed is called once more, and ends well."""
        wait(forked(self.restore))
        self.note(self.look(), f"{number} again")
        if self.place.query(OPEN):
            self.wrong.append(f"{number} again: a revoked API key is open")
        return 1

    def restore(self, step=""):
        """Restore here; the process ends at the beginning of `step`."""
        from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

        from aethercrown.backup import archive, hooks, restore, stores  # noqa: PLC0415

        store = type(stores.current_store())
        places = {
            "unpack": (archive, "unpack"),
            "lock": (store, "lock"),
            "restored": (store, "restore"),
            "pause": (store, "pause"),
            "swap": (store, "swap"),
            "anchors": (restore, "_add_anchors"),
            "migrate": (restore, "call_command"),
            "finalize": (hooks, "finalize_restore"),
            "compare": (hooks, "compare"),
        }
        if step:
            setattr(*places[step], lambda *_a, **_k: os.kill(os.getpid(), signal.SIGKILL))
        restore.restore(self.backup, KEY, timezone.now(), replace=True)

    def look(self):
        """Which database is there, whether it is whole and paused, and whether anything acted."""
        if fault := self.place.fault():
            return fault
        ((model,),) = self.place.query("SELECT model FROM django_content_type WHERE id = 1")
        ((paused,),) = self.place.query(
            "SELECT count(*) FROM aethercrown_automationpause WHERE ended_at IS NULL"
        )
        which = {"old": "restored", "new": "former"}[model]
        state = f"{which}, {'paused' if paused else 'not paused'}"
        if which == "restored":
            before = self.acted()
            wait(forked(call_tasks))
            state += "" if self.acted() == before else ", and something acted"
        return state

    def acted(self):
        """What workers change when they act."""
        return [
            self.place.query(each)
            for each in (
                "SELECT id, state, attempt FROM operations_run ORDER BY id",
                "SELECT id, state, destroyed_at FROM security_secretversion ORDER BY id",
                "SELECT id, state FROM security_rotationorder ORDER BY id",
                "SELECT id, rotation_approved_at FROM security_managedsecret ORDER BY id",
            )
        ]

    def note(self, state, when):
        self.outcomes[state] += 1
        if state not in {FORMER, RESTORED}:
            self.wrong.append(f"{when}: {state}")

    def result(self, count):
        return {
            "kills": count,
            "outcomes": dict(self.outcomes),
            "at_steps": dict(self.at_step),
            "finished_by_another_restore": self.finished,
            "seconds": round(time.monotonic() - self.began),
            "wrong": self.wrong[:5],
            "verdict": "broken" if self.wrong else "ok",
        }


def wait(pid):
    if os.waitpid(pid, 0)[1]:
        raise SystemExit("A child failed; its words stand above.")


def fill():
    """Work that would be done at once if nothing stopped it."""
    from django.db import connection  # noqa: PLC0415 - Django is set up only now
    from django.utils import timezone  # noqa: PLC0415

    from operations.automations import services as automations  # noqa: PLC0415
    from security.apikeys import services as apikeys  # noqa: PLC0415
    from security.rotation import services  # noqa: PLC0415
    from security.rotation.models import ManagedSecret, SecretVersion  # noqa: PLC0415
    from tests.security.rotation.stored import deliver  # noqa: PLC0415

    now = timezone.now()
    for name in ("ordered", "approved", "expired"):
        deliver(services.register(name, "x").key)
    services.order(services.get("ordered"), "key:1", now, reason="manual")
    ManagedSecret.objects.filter(key_id="approved").update(rotation_approved_at=now)
    services.rotate("expired")
    SecretVersion.objects.filter(state="retiring").update(retire_at=now - timedelta(days=1))
    automations.enqueue_manual_run("security.rotate_keys", now, "fault")
    apikeys.create("revoked since", ["all"])
    with connection.cursor() as rows:
        rows.execute("UPDATE django_content_type SET model = 'old' WHERE id = 1")


def make_backup(path):
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from aethercrown.backup import create  # noqa: PLC0415

    create.create(path, KEY, timezone.now())


def call_tasks():
    """What beat and a worker call, each once."""
    from operations.automations import tasks as automations  # noqa: PLC0415 - Django is set up now
    from operations.messaging import tasks as messages  # noqa: PLC0415
    from security.rotation import tasks as rotation  # noqa: PLC0415

    automations.run_automation("security.rotate_keys")
    rotation.resume_rotations()
    rotation.rotate_ordered()
    messages.send_messages()


if __name__ == "__main__":
    sys.exit(main())
