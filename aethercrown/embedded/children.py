"""Child processes, forked so that they start with everything imported and share its memory."""

import atexit
import contextlib
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import NoReturn

from aethercrown.embedded import parent_death
from aethercrown.embedded.prefixed_output import print_lines

HANDLED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD, signal.SIGPIPE)


@dataclass(slots=True)
class Child:
    """A forked process in its own group; `output` is the end of the pipe it prints to."""

    name: str
    pid: int
    output: int
    status: int | None = None

    def ended(self) -> bool:
        """Whether it has ended; its exit status is kept, negative for a signal."""
        if self.status is None:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.status = os.waitstatus_to_exitcode(status)
        return self.status is not None

    def send_signal(self, number: int) -> None:
        """Send a signal to the child itself, not to its group."""
        if self.status is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End the child and everything it started in its group."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


def fork(name: str, run: Callable[[], object], closed: tuple[int, ...] = ()) -> Child:
    """Start `run` in a child that dies with this process; from the main thread only.

    `closed` are files that the child must not keep open.
    """
    parent = os.getpid()
    output, printed = os.pipe()
    sys.stdout.flush()
    sys.stderr.flush()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, HANDLED)  # until the child has its own handlers
    pid = os.fork()
    if pid == 0:
        reset_signals(mask)
        parent_death.set_process_name(f"ac-{name}")
        run_child(parent, run, printed, (output, *closed))
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    os.close(printed)
    with contextlib.suppress(OSError):  # the child does the same, whichever is first
        os.setpgid(pid, pid)
    os.set_blocking(output, False)
    return Child(name=name, pid=pid, output=output)


def run_child(
    parent: int, run: Callable[[], object], printed: int, closed: tuple[int, ...]
) -> NoReturn:
    """Run `run` in the child, and end the process with its exit code."""
    code = 1
    try:
        os.setpgid(0, 0)
        parent_death.die_with_parent(parent, signal.SIGKILL)
        parent_death.tie_forks()
        redirect_output(printed, closed)
        run()
        code = 0
    except SystemExit as leave:
        code = leave.code if isinstance(leave.code, int) else int(bool(leave.code))
        if isinstance(leave.code, str):
            print_lines([leave.code], sys.stderr)
    except BaseException:  # noqa: BLE001 - nobody else would print it
        traceback.print_exc()
    finally:
        with contextlib.suppress(OSError, ValueError):
            sys.stdout.flush()
            sys.stderr.flush()
        atexit._run_exitfuncs()  # noqa: SLF001 - os._exit skips them; no public name exists
        os._exit(code)


def reset_signals(mask: Iterable[int]) -> None:
    """Restore Python's own signal handlers, and unblock signals.

    SIGPIPE is ignored, as Python does: a client that disconnects fails one write only.
    """
    signal.set_wakeup_fd(-1)
    for number in HANDLED:
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)


def redirect_output(printed: int, closed: tuple[int, ...]) -> None:
    """Standard input from nowhere, output into the pipe; close the supervisor's files."""
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
    for each in (nothing, printed, *closed):
        os.close(each)
    sys.stdout = os.fdopen(1, "w", buffering=1, closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, closefd=False)
