"""Starts the platform for tests: `manage.py start` in a data folder of its own, on a free port.

It signals only processes that it started, or that run on its data folder.
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
READY_SECONDS = 90.0
PROCESS_COUNT = 8  # without a `make` before them
TEST_VARIABLES = (
    "REDIS_URL",
    "DATABASE_URL",
    "CACHE_PREFIX",
    "SECRET_KEY",
    "API_KEY_PEPPER",
    "ENCRYPTION_KEYS",
    "MAKELEVEL",
)


@dataclass(slots=True)
class Stack:
    """A running platform: its address and output."""

    process: "subprocess.Popen[bytes]"
    folder: Path
    port: int
    output: Path
    seen: set[int] = field(default_factory=set)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def password(self) -> str:
        """Of the login `admin`; printed by the first start of a folder only."""
        return self.printed_value("Password")

    @property
    def api_key(self) -> str:
        return self.printed_value("API key")

    def printed_value(self, name: str) -> str:
        found = re.search(rf"^  {name} +(\S+)", self.printed(), re.MULTILINE)
        if not found:
            raise LookupError(f"No {name} was printed:\n{self.printed()}")
        return found[1]

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def wait_until_ready(self, seconds: float = READY_SECONDS) -> None:
        self.wait_for("AetherCrown is ready.", seconds)
        self.seen.update(self.living())

    def wait_for(self, words: str, seconds: float = READY_SECONDS) -> None:
        """Return once `words` were printed."""
        give_up = time.monotonic() + seconds
        while words not in self.printed():
            if self.process.poll() is not None:
                raise RuntimeError(f"It ended with {self.process.returncode}:\n{self.printed()}")
            if time.monotonic() > give_up:
                raise TimeoutError(f"No {words!r} in {seconds} s:\n{self.printed()}")
            time.sleep(0.02)

    def wait_until_whole(self, seconds: float = 30.0) -> None:
        """Return once every process is there: supervisor, broker, beat, 2 web and 3 worker."""
        give_up = time.monotonic() + seconds
        while len(family := self.living()) < PROCESS_COUNT:
            if time.monotonic() > give_up:
                raise TimeoutError(
                    f"Only {len(family)} of {PROCESS_COUNT} processes:\n{self.printed()}"
                )
            time.sleep(0.02)
        self.seen.update(family)

    def living(self) -> set[int]:
        """All processes of this data folder."""
        return processes_of(self.folder)

    def child(self, name: str) -> int:
        """The process id of the direct child `web`, `worker` or `beat`."""
        return next(
            pid
            for pid, parent in parents().items()
            if parent == self.process.pid
            and Path(f"/proc/{pid}/comm").read_text(encoding="utf-8").strip() == f"ac-{name}"
        )

    def left(self, seconds: float = 10.0) -> set[int]:
        """The processes seen that are still alive after `seconds`."""
        give_up = time.monotonic() + seconds
        while (alive := {pid for pid in self.seen if is_alive(pid)}) and time.monotonic() < give_up:
            time.sleep(0.02)
        return alive

    def stop(self, number: int = signal.SIGTERM, seconds: float = 60.0) -> int:
        """Send it a signal and wait; its exit code."""
        self.seen.update(self.living())
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(seconds)

    def end(self) -> None:
        """Kill all its processes."""
        self.seen.update(self.living())
        self.process.kill()
        self.process.wait()
        for pid in self.left(seconds=5.0):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def start(
    folder: Path,
    *,
    port: int | None = None,
    uid: int | None = None,
    through: tuple[str, ...] = (),
    **environment: str,
) -> Stack:
    """Start the platform on `folder`, as `uid`, by the command `through`, without waiting."""
    port = port or free_port()
    output = folder.parent / f"{folder.name}.{port}.log"
    chosen = outer_environment()
    chosen.update(
        DATA_DIR=str(folder),
        PORT=str(port),
        DJANGO_SETTINGS_MODULE="aethercrown.settings",
        PYTHONUNBUFFERED="1",
        **{"DEMO": "0", "SECOND_FACTOR_REQUIRED": "False", **environment},
    )
    with output.open("ab") as file:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*through, sys.executable, str(ROOT / "manage.py"), "start"],
            cwd=ROOT,
            env=chosen,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
        )
    return Stack(process=process, folder=folder, port=port, output=output)


def outer_environment() -> dict[str, str]:
    """This process's environment without the variables that tests set."""
    return {name: text for name, text in os.environ.items() if name not in TEST_VARIABLES}


@contextlib.contextmanager
def running(
    folder: Path, *, uid: int | None = None, through: tuple[str, ...] = (), **environment: str
) -> Iterator[Stack]:
    """The platform, ready, until the end of the block."""
    stack = start(folder, port=None, uid=uid, through=through, **environment)
    try:
        stack.wait_until_ready()
        yield stack
    finally:
        stack.end()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def parents() -> dict[int, int]:
    """Each running process and its parent, without zombies."""
    found = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
                if state not in {"Z", "X"}:
                    found[int(entry.name)] = int(parent)
    return found


def processes_of(folder: Path) -> set[int]:
    """The running processes of a data folder, by their DATA_DIR or current folder.

    Valkey overwrites its environment, but its current folder is in the data folder.
    """
    mark = f"DATA_DIR={folder}\0".encode()
    found = set()
    for pid in parents():
        process = Path(f"/proc/{pid}")
        with contextlib.suppress(OSError):
            inside = (process / "cwd").readlink().is_relative_to(folder)
            if inside or mark in (process / "environ").read_bytes():
                found.add(pid)
    return found


def family(pid: int) -> set[int]:
    """A running process and its descendants."""
    known = parents()
    found = {pid} & known.keys()
    while more := {child for child, parent in known.items() if parent in found} - found:
        found |= more
    return found


def is_alive(pid: int) -> bool:
    return pid in parents()
