"""Ends a process when its parent ends.

Imported, it does so for the calling process. As a script it executes another program that ends
with its parent: `python -I parent_death.py PARENT SIGNAL UID FOLDER PROGRAM [ARGUMENT ...]`.
Standard library only, because a script run with -I sees nothing else of ours.

On Linux the kernel sends the signal (prctl, PR_SET_PDEATHSIG). It does so when the *thread*
that forked ends, so start children from the main thread; and a change of user clears the
setting, so the user is changed first. Elsewhere the parent is polled twice a second.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
POLL_SECONDS = 0.5


def die_with_parent(parent: int, death_signal: int) -> None:
    """End this process by `death_signal` when `parent`, which forked it, is gone."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, int(death_signal), 0, 0, 0)
        if os.getppid() != parent:  # it ended before prctl
            os.kill(os.getpid(), death_signal)
    else:
        poll_parent(parent, lambda: os.killpg(0, death_signal))


def set_process_name(name: str) -> None:
    """Show this process, and those it forks, under `name` (15 letters) in lists of processes."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_NAME, name.encode(), 0, 0, 0)


def poll_parent(parent: int, act: Callable[[], None]) -> threading.Thread:
    """Poll the parent twice a second, and call `act` once when it is gone."""

    def look() -> None:
        while os.getppid() == parent:
            time.sleep(POLL_SECONDS)
        act()

    thread = threading.Thread(target=look, name="parent-watch", daemon=True)
    thread.start()
    return thread


def tie_forks() -> None:
    """Call die_with_parent in each process forked from now on, such as by Gunicorn and Celery."""
    if sys.platform != "linux":
        return  # they are in this process's group, which die_with_parent ends as a whole
    forker = [os.getpid()]

    def remember() -> None:
        forker[0] = os.getpid()

    def bind() -> None:
        die_with_parent(forker[0], signal.SIGKILL)

    os.register_at_fork(before=remember, after_in_child=bind)


def exec_command(parent: int, death_signal: int, uid: int, folder: str, command: list[str]) -> int:
    """Replace this process by `command`, run in `folder` as `uid`; 0 keeps the user."""
    if uid:
        os.setgroups([])
        os.setgid(uid)
        os.setuid(uid)
    os.chdir(folder)
    if sys.platform == "linux":
        die_with_parent(parent, death_signal)
        os.execv(command[0], command)  # noqa: S606 - the whole purpose; no shell is wanted
    return run_beside(parent, death_signal, command)


def run_beside(parent: int, death_signal: int, command: list[str]) -> int:
    """Run `command` beside this process, which passes signals on; for systems without prctl."""
    with subprocess.Popen(command) as program:  # noqa: S603 - the launchers' own command line
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda number, _frame: program.send_signal(number))
        poll_parent(parent, lambda: program.send_signal(death_signal))
        return program.wait()


def command_line(death_signal: int, uid: int, folder: str, command: list[str]) -> list[str]:
    """The command line that runs `command` and ends it with this process."""
    script = str(Path(__file__).resolve())
    tied = [str(os.getpid()), str(int(death_signal)), str(uid), folder]
    return [sys.executable, "-I", "-S", script, *tied, *command]


def main(arguments: list[str]) -> int:
    parent, death_signal, uid = (int(each) for each in arguments[:3])
    return exec_command(parent, death_signal, uid, arguments[3], arguments[4:])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
