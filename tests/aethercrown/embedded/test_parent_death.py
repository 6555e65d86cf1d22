"""Each case runs in its own process, because the setting cannot be undone."""
# ruff: noqa: S603 - our own scripts

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from aethercrown.embedded import parent_death
from tests import rig

PARENT = """
import os, subprocess, sys, time
from aethercrown.embedded import parent_death
command = parent_death.command_line({signal}, {uid}, "/", ["/bin/sleep", "60"])
child = subprocess.Popen(command, process_group=0)
print(child.pid, flush=True)
time.sleep(60)
"""
GRANDPARENT = """
import os, sys, time
from aethercrown.embedded import children, parent_death
def grow():
    if os.fork() == 0:
        if os.fork() == 0:
            time.sleep(60)
        time.sleep(60)
    time.sleep(60)
child = children.fork("child", grow)
print(child.pid, flush=True)
time.sleep(60)
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def began():
    """Start a script and read the process id that it prints first."""
    started = []

    def begin(script: str) -> "tuple[subprocess.Popen[bytes], int]":
        process = subprocess.Popen(
            [sys.executable, "-c", script], stdout=subprocess.PIPE, cwd=rig.ROOT
        )
        started.append(process)
        assert process.stdout
        return process, int(process.stdout.readline())

    yield begin
    for process in started:
        process.kill()
        process.communicate()


def gone(pids: set[int], seconds: float = 10.0) -> bool:
    give_up = time.monotonic() + seconds
    while pids & rig.parents().keys():
        if time.monotonic() > give_up:
            return False
        time.sleep(0.01)
    return True


def until(condition) -> None:
    give_up = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < give_up
        time.sleep(0.01)


@pytest.mark.parametrize(
    "uid",
    [
        0,
        pytest.param(
            65534,
            marks=pytest.mark.skipif(
                os.geteuid() != 0, reason="only root has another user to drop to"
            ),
        ),
    ],
)
def test_a_program_dies_with_the_parent_that_was_killed(uid, began):
    parent, child = began(PARENT.format(signal=15, uid=uid))
    program = Path(f"/proc/{child}/comm")
    until(lambda: program.read_text() == "sleep\n")
    parent.kill()
    parent.wait()
    assert gone({child})


def test_forks_of_forks_die_too(began):
    parent, child = began(GRANDPARENT)
    until(lambda: len(rig.family(child)) == 3)
    family = rig.family(child)
    parent.kill()
    parent.wait()
    assert gone(family)


def test_a_parent_that_ended_earlier_is_noticed():
    script = "import signal; from aethercrown.embedded import parent_death;"
    script += "parent_death.die_with_parent(1, signal.SIGTERM)"
    if os.getppid() == 1:
        pytest.skip("the first process is this one's parent")
    done = subprocess.run([sys.executable, "-c", script], cwd=rig.ROOT, check=False)
    assert done.returncode == -signal.SIGTERM


def test_polling_notices_a_parent_that_is_gone():
    seen = []
    thread = parent_death.poll_parent(parent=-1, act=lambda: seen.append("gone"))
    thread.join(5)
    assert seen == ["gone"]


POLLING = """
import os, sys, time
from aethercrown.embedded import parent_death
if os.fork() == 0:
    thread = parent_death.poll_parent(os.getppid(), lambda: print("gone", flush=True))
    print("polling", flush=True)
    thread.join()
    sys.exit()
time.sleep(60)
"""


def test_polling_lasts_until_the_parent_is_gone():
    command = [sys.executable, "-c", POLLING]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=rig.ROOT) as parent:
        assert parent.stdout
        assert parent.stdout.readline() == b"polling\n"
        parent.kill()
        assert parent.stdout.read() == b"gone\n"  # until the child has ended as well


def test_a_process_becomes_the_program_in_its_folder(tmp_path):
    script = "import os, sys; from aethercrown.embedded import parent_death;"
    become = f"parent_death.main([str(os.getppid()), '15', '0', {str(tmp_path)!r}, '/bin/pwd'])"
    done = subprocess.run(
        [sys.executable, "-c", script + become], cwd=rig.ROOT, capture_output=True, check=True
    )
    assert done.stdout.decode() == f"{tmp_path}\n"


def test_without_prctl_a_program_is_ended_by_the_process_beside_it():
    script = "from aethercrown.embedded import parent_death; import sys;"
    ended = "sys.exit(-parent_death.run_beside(-1, 15, ['/bin/sleep', '60']))"
    done = subprocess.run([sys.executable, "-c", script + ended], cwd=rig.ROOT, check=False)
    assert done.returncode == signal.SIGTERM


def test_without_prctl_descendants_end_with_the_process_group(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    parent_death.set_process_name("not there")
    parent_death.tie_forks()
    ended = []
    monkeypatch.setattr(os, "killpg", lambda group, number: ended.append((group, number)))
    monkeypatch.setattr(os, "getppid", lambda: 2)
    parent_death.die_with_parent(1, signal.SIGKILL)
    until(lambda: ended)
    assert ended == [(0, signal.SIGKILL)]
