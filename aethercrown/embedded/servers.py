"""Start, wait for, and stop an embedded server; its log."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aethercrown.embedded import parent_death

START_SECONDS = 30.0
STOP_SECONDS = 10.0
TAIL_LINES = 20
MAX_LOG_BYTES = 2_000_000


class ServerUnavailable(Exception):
    """A server, folder or port cannot be used; the message is one sentence for a person."""


@dataclass(slots=True)
class ServerProcess:
    """A running server in its own process group; it ends with this process."""

    name: str
    process: "subprocess.Popen[bytes]"
    log: Path
    stop_signal: int

    @property
    def pid(self) -> int:
        return self.process.pid

    def is_running(self) -> bool:
        return self.process.poll() is None

    def wait_until(self, ready: Callable[[], bool], seconds: float = START_SECONDS) -> None:
        """Return once `ready()` is true. Raises ServerUnavailable with the end of the log."""
        give_up = time.monotonic() + seconds
        while not ready():
            if not self.is_running():
                raise ServerUnavailable(f"{self.name} ended at its start.\n{tail(self.log)}")
            if time.monotonic() > give_up:
                raise ServerUnavailable(
                    f"{self.name} did not answer in {seconds:g} s.\n{tail(self.log)}"
                )
            time.sleep(0.01)

    def stop(self, seconds: float = STOP_SECONDS) -> None:
        """Send the stop signal, wait up to `seconds`, then kill. Does nothing if it has ended."""
        if self.is_running():
            self.process.send_signal(self.stop_signal)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.pid, signal.SIGKILL)
            self.process.wait()


def launch(
    name: str,
    command: list[str],
    *,
    log: Path,
    stop_signal: int = signal.SIGTERM,
    uid: int = 0,
    folder: str = "/",
    keep_open: tuple[int, ...] = (),
) -> ServerProcess:
    """Start a server whose output goes to `log`; call from the main thread.

    `keep_open` are files it inherits: a lock among them lasts as long as the server.
    """
    rotate(log)
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command line, no shell
            parent_death.command_line(stop_signal, uid, folder, command),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,
            pass_fds=keep_open,
        )
    return ServerProcess(name=name, process=process, log=log, stop_signal=stop_signal)


def rotate(log: Path) -> None:
    """Rename a log larger than MAX_LOG_BYTES to `.1`, replacing an older one."""
    log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if log.exists() and log.stat().st_size > MAX_LOG_BYTES:
        log.replace(log.with_name(f"{log.name}.1"))


def tail(log: Path) -> str:
    """The last lines of a log, and its path."""
    try:
        lines = log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:]
    except OSError:
        lines = []
    return "\n".join([*lines, f"(log: {log})"])
