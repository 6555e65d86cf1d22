"""Kill -9 of the supervisor, at any moment of its life, as root and as another user."""

import json
import os
import random
import secrets
import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from aethercrown.embedded import postgres
from tests import rig

pytestmark = pytest.mark.fault
ROUNDS = int(os.environ.get("FAULT_ROUNDS", "100"))
SEED = int(os.environ.get("FAULT_SEED", secrets.randbits(32)))
LONGEST_SECONDS = 6.0  # of life before the kill: some die in the set-up, some well after
USERS = [
    pytest.param(None, id="as this user"),
    pytest.param(
        postgres.NOBODY_UID,
        id="as another user",
        marks=[
            pytest.mark.skipif(os.geteuid() != 0, reason="only root can start for another user"),
            pytest.mark.skipif(
                not postgres.may_run(Path(sys.executable), postgres.NOBODY_UID),
                reason="the other user cannot read this Python",
            ),
        ],
    ),
]


def report(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def intact(folder: Path) -> bool:
    """Whether the database, if there is one yet, passes its own check."""
    path = folder / "aethercrown.sqlite3"
    if not path.exists():
        return True
    with closing(sqlite3.connect(path)) as rows:
        return bool(rows.execute("pragma integrity_check").fetchone() == ("ok",))


@pytest.fixture
def folder(tmp_path):
    """A data folder that any user may be given."""
    for parent in (tmp_path, *tmp_path.parents[:2]):
        parent.chmod(0o755)
    made = tmp_path / "data"
    made.mkdir(mode=0o700)
    return made


@pytest.mark.parametrize("uid", USERS)
def test_no_process_is_left_and_the_folder_starts_again(uid, folder):
    if uid is not None:
        os.chown(folder, uid, uid)
    chance = random.Random(SEED)  # noqa: S311 - a replayable moment, no secret
    left = broken = 0
    for _round in range(ROUNDS):
        stack = rig.start(folder, uid=uid)
        time.sleep(chance.uniform(0.0, LONGEST_SECONDS))
        stack.seen.update(stack.living())
        stack.process.kill()
        stack.process.wait()
        stack.seen.update(stack.living())  # what was forked in between
        left += len(stack.left())
        broken += not intact(folder)
        stack.end()
    with_last = rig.start(folder, uid=uid)
    try:
        with_last.wait_until_ready()
        code = with_last.stop()
    finally:
        with_last.end()
    verdict = "ok" if (left, broken, code) == (0, 0, 0) else "failed"
    report(fault="kill -9 of the supervisor", seed=SEED, user=uid or os.geteuid(), rounds=ROUNDS,
           processes_left=left, databases_broken=broken, verdict=verdict)  # fmt: skip
    assert verdict == "ok"


@pytest.mark.parametrize("child", ["web", "worker", "beat"])
def test_each_child_comes_back_after_a_kill(child, folder):
    with rig.running(folder) as stack:
        stack.wait_until_whole()
        former = stack.child(child)
        os.kill(former, 9)
        stack.wait_for(f"{child} ended with status -9; it starts again", seconds=20)
        give_up = time.monotonic() + 20
        while (now := children(stack).get(child, former)) == former:
            assert time.monotonic() < give_up
            time.sleep(0.05)
        stack.wait_until_whole()
    report(fault=f"kill -9 of {child}", former=former, now=now, verdict="ok")


def children(stack: rig.Stack) -> dict[str, int]:
    found = {}
    for name in ("web", "worker", "beat"):
        try:
            found[name] = stack.child(name)
        except StopIteration:
            continue
    return found


def test_a_killed_broker_comes_back_with_its_data(folder):
    import redis  # noqa: PLC0415 - only this case

    with rig.running(folder) as stack:
        stack.wait_until_whole()
        url = (folder / "broker.url").read_text()
        with closing(redis.Redis.from_url(url)) as client:
            client.set("fault", "kept")
            client.execute_command("WAITAOF", 1, 0, 5000)
            os.kill(client.info("server")["process_id"], 9)
            stack.wait_for("The broker did not answer and was started again.", seconds=20)
            give_up = time.monotonic() + 20
            while True:
                try:
                    kept = client.get("fault")
                    break
                except redis.ConnectionError:
                    assert time.monotonic() < give_up
                    time.sleep(0.05)
    report(fault="kill -9 of the broker", verdict="ok" if kept == b"kept" else "failed")
    assert kept == b"kept"
