"""The API's fixed cost, on both databases: `python -m tests.benchmarks.api [--quick]`.

The product's authenticated list of 50 tasks beside two peers on the same table (api_peers.py): a
bare Django view, and a bare ModelViewSet of DRF. Each is served by one web process, gunicorn as
the product runs it, to four clients on this machine that keep their connections. The three take
turns in every round, and the median round counts. CPU is user and system time of the web process;
that of one row is judged with one client, as threads that wait for each other cost time too.
"""

import argparse
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from threading import Thread
from typing import NamedTuple

from aethercrown.embedded import postgres, valkey
from tests import rig
from tests.benchmarks.report import Report

CLIENTS = 4
ROUNDS, SECONDS = 7, 3.0
WARM_CALLS = 200
VIEW_RATIO, VIEWSET_RATIO, ONE_ROW_CPU_MS = 0.6, 2.0, 3.0
LIST = "/api/v1/optimization/tasks"
SERVER = (sys.executable, "-m", "tests.benchmarks.api_server")
UNLIMITED = "1000000000"
LAST_CHUNK = b"0\r\n\r\n"  # of an answer without a Content-Length


class Call(NamedTuple):
    """One URL of one web process, and the request's bytes."""

    name: str
    port: int
    process: int
    request: bytes


class Measured(NamedTuple):
    """Calls a second of all clients, and CPU milliseconds of the web process a call."""

    rate: float
    cpu_ms: float


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.api", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one database")
    chosen = parser.parse_args()
    report = Report("The API's fixed cost")
    report.say(f"# {report.title}")
    rounds, seconds = (3, 1.0) if chosen.quick else (ROUNDS, SECONDS)
    with tempfile.TemporaryDirectory(prefix="aethercrown-api-") as folder, ExitStack() as stack:
        if chosen.only != "postgresql":
            measure(report, "SQLite", Path(folder) / "sqlite", "", rounds=rounds, seconds=seconds)
        if chosen.only != "sqlite":
            url = stack.enter_context(postgres.running()).url()
            measure(
                report,
                "PostgreSQL",
                Path(folder) / "postgresql",
                url,
                rounds=rounds,
                seconds=seconds,
            )
    return report.exit_code


def measure(
    report: Report, title: str, folder: Path, url: str, *, rounds: int, seconds: float
) -> None:
    folder.mkdir()
    with broker(folder) as redis_url:
        environment = os.environ | {
            "DATA_DIR": str(folder),
            "DATABASE_URL": url,
            "REDIS_URL": redis_url,
            "ENCRYPTION_KEYS": f"benchmark:{'A' * 43}=",
            "HTTPS": "False",
            "LOG_FORMAT": "json",
            "API_BURST": UNLIMITED,
            "API_RATE_PER_SECOND": UNLIMITED,
        }
        done = subprocess.run(  # noqa: S603 - our own module
            [*SERVER, "prepare"], env=environment, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(done.stderr.decode())
        key = done.stdout.decode()
        with (
            server("product", folder, environment) as product,
            server("peers", folder, environment) as peers,
        ):
            judge(report, title, calls(key, product, peers), rounds, seconds)


def calls(key: str, product: tuple[int, int], peers: tuple[int, int]) -> dict[str, Call]:
    return {
        "product": Call("product, 50 tasks", *product, request(LIST, key)),
        "view": Call("peer: bare Django view, 50 tasks", *peers, request("/view")),
        "viewset": Call("peer: bare DRF ModelViewSet, 50 tasks", *peers, request("/drf")),
        "one": Call("product, ?limit=1", *product, request(f"{LIST}?limit=1", key)),
        "view_one": Call("peer: bare Django view, ?limit=1", *peers, request("/view?limit=1")),
    }


def request(path: str, key: str = "") -> bytes:
    credential = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{credential}\r\n".encode()


def judge(report: Report, title: str, asked: dict[str, Call], rounds: int, seconds: float) -> None:
    report.section(f"{title}: {CLIENTS} clients, one web process, {rounds} rounds of {seconds:g} s")
    for call in asked.values():
        load(call, WARM_CALLS / 100)
    found: dict[str, list[Measured]] = {name: [] for name in asked}
    for _ in range(rounds):
        for name, call in asked.items():
            found[name].append(load(call, seconds))
    rates = {name: median(each.rate for each in found[name]) for name in asked}
    cpu = {name: median(each.cpu_ms for each in found[name]) for name in asked}
    rows = [(call.name, f"{rates[n]:.0f}", f"{cpu[n]:.2f}") for n, call in asked.items()]
    report.table(("served", "calls a second", "CPU ms a call"), rows)
    for peer, ratio in (("view", VIEW_RATIO), ("viewset", VIEWSET_RATIO)):
        rounds_of = [a.rate / b.rate for a, b in zip(found["product"], found[peer], strict=True)]
        report.judge_least(f"rate by that of the {asked[peer].name}", median(rounds_of), ratio)
        report.say(f"  - by CPU: {cpu[peer] / cpu['product']:.2f}")
    alone = median(load(asked["one"], seconds, clients=1).cpu_ms for _ in range(rounds))
    report.judge("CPU ms of one call, ?limit=1, one client", alone, ONE_ROW_CPU_MS)
    report.say(f"- load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def load(call: Call, seconds: float, clients: int = CLIENTS) -> Measured:
    """Every client calls, again and again, for so long."""
    made = [0] * clients
    ends = time.monotonic() + seconds

    def client(number: int) -> None:
        with socket.create_connection(("127.0.0.1", call.port), 30) as connection:
            while time.monotonic() < ends:
                answer(connection, call.request)
                made[number] += 1

    threads = [Thread(target=client, args=(number,)) for number in range(clients)]
    cpu, begun = cpu_seconds(call.process), time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    spent, cpu = time.monotonic() - begun, cpu_seconds(call.process) - cpu
    if not all(made):
        raise RuntimeError(f"{call.name}: a client was not answered.")
    return Measured(sum(made) / spent, 1000 * cpu / sum(made))


def answer(connection: socket.socket, request: bytes) -> bytes:
    """The body; RuntimeError for any status but 200."""
    connection.sendall(request)
    received = b""
    while b"\r\n\r\n" not in received:
        received += chunk(connection)
    head, _, body = received.partition(b"\r\n\r\n")
    if not head.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(received.decode(errors="replace"))
    _, found, length = head.lower().partition(b"content-length:")
    while len(body) < int(length.partition(b"\r\n")[0]) if found else body[-5:] != LAST_CHUNK:
        body += chunk(connection)
    return body


def chunk(connection: socket.socket) -> bytes:
    if received := connection.recv(65_536):
        return received
    raise RuntimeError("The server closed the connection.")


def cpu_seconds(pid: int) -> float:
    """User and system time of a process and its descendants."""
    ticks = 0
    for each in rig.family(pid):
        fields = Path(f"/proc/{each}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def broker(folder: Path) -> Iterator[str]:
    address = valkey.free_address()
    started = valkey.launch(folder, address)
    try:
        started.wait_until(address.answers)
        yield address.url
    finally:
        started.stop()


@contextmanager
def server(name: str, folder: Path, environment: dict[str, str]) -> Iterator[tuple[int, int]]:
    """A port that is served, and the id of the process that serves it."""
    with (
        socket.create_server(("127.0.0.1", 0), backlog=64) as listener,
        (folder / f"{name}.log").open("wb") as log,
    ):
        process = subprocess.Popen(  # noqa: S603 - our own module
            [*SERVER, name, str(listener.fileno())],
            env=environment,
            pass_fds=[listener.fileno()],
            stdout=log,
            stderr=log,
        )
        try:
            yield listener.getsockname()[1], process.pid
        except RuntimeError as error:
            printed = Path(log.name).read_text(encoding="utf-8", errors="replace")[-4_000:]
            raise RuntimeError(f"{error}\n{printed}") from error
        finally:
            process.terminate()
            process.wait(20)


if __name__ == "__main__":
    sys.exit(main())
