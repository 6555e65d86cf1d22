"""Health checks and a lower bound: `python -m tests.benchmarks.health [--quick]`.

A server in its own process answers after a delay, hangs or sends slowly. The checker calls it
over loopback, which the benchmark allows as staff would; the lower bound is asyncio with one
coroutine per target and `wait_for`, without address rules or a deadline for the body. Times are
of this machine. Required: a round takes the slowest target plus two seconds, no check is a false
failure on a busy machine, and bad targets are reported with the right kind in time.
"""

import argparse
import asyncio
import errno
import multiprocessing
import os
import random
import socket
import ssl
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import Queue
from pathlib import Path
from typing import TypeVar

import numpy as np

from aethercrown.http import addresses
from aethercrown.http.outbound import OutboundClient
from operations.health import state_machine, targets
from operations.health.concurrent_checks import CheckRunner
from operations.health.history import histogram
from operations.health.probe import ProbeTarget, probe
from operations.health.state_machine import (
    DOWN,
    HEALTHY,
    UNHEALTHY,
    UP,
    ComponentState,
    Observation,
)
from tests.aethercrown.http.test_addresses import REFUSED
from tests.benchmarks.report import Report
from tests.operations.health import certificates

T = TypeVar("T")
LOOPBACK = addresses.parse_networks("127.0.0.0/8 ::1/128")
DEADLINE_SECONDS = 5.0
SLOWEST_MS = 500
MAX_EXTRA_SECONDS = 2.0  # that a round may take beyond its slowest target
MAX_EXTRA_SECONDS_BAD = 0.3
MAX_EXTRA_SECONDS_FEW = 0.5  # the same for a hundred targets
BUSY_PROCESSES = 20  # beside a round
CHECKS_PER_SERIES, NOISE = 500, 0.05
SERIES = 10_000
GOOD = (
    "http://example.com/",
    "https://example.com/",
    "https://example.com",
    "https://EXAMPLE.com/Path",
    "https://3com.com/",
    "https://shop.example.co.uk/health",
    "https://xn--bcher-kva.example/",
    "https://a-b.example.com/",
    "https://0x7f.example.com/",
    "https://127.0.0.1.example.com/",
    "https://localhost.example.com/",
    "https://10.example.com/",
    "http://example.com:80/",
    "https://example.com:443/",
    "http://example.com:8000/",
    "http://example.com:9999/",
    "https://example.com/?url=http://127.0.0.1/",
    "https://example.com/@127.0.0.1",
    "https://example.com/a%2fb",
    "http://8.8.8.8/",
    "https://1.1.1.1:8443/",
    "http://172.32.0.1/",
    "http://11.0.0.1/",
    "http://[2606:4700:4700::1111]/",
)
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
REPLY = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"


# --- The server -------------------------------------------------------------------------------
async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """/d/<ms> answers then; /hang never does; /drip promises much and sends a byte a second."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
        path = head.split()[1].decode()
        if path.startswith("/d/"):
            await asyncio.sleep(int(path[3:]) / 1000)
            writer.write(REPLY)
        elif path == "/503":
            writer.write(REPLY.replace(b"200 OK", b"503 Service Unavailable"))
        elif path == "/noise":
            writer.write(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
        elif path == "/drip":
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
            for _ in range(60):
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(1)
        else:
            await asyncio.sleep(60)
        await writer.drain()
    except (OSError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    await asyncio.sleep(60)


def serve(ports: "Queue[tuple[int, int]]", hosts: Sequence[str]) -> None:
    async def main() -> None:
        servers, found = [], []
        for answer in (talk, silent):
            port = 0  # any for the first host, and then the same for the others
            for host in hosts:
                servers.append(await asyncio.start_server(answer, host, port, backlog=2048))
                port = servers[-1].sockets[0].getsockname()[1]
            found.append(port)
        ports.put((found[0], found[1]))
        await asyncio.gather(*(each.serve_forever() for each in servers))

    asyncio.run(main())


@contextmanager
def serving(*hosts: str) -> Iterator[tuple[int, int]]:
    """The ports of one that answers and of one that stays silent; by default on one address."""
    ports: Queue[tuple[int, int]] = Queue()
    chosen = hosts or ("127.0.0.1",)
    process = multiprocessing.Process(target=serve, args=(ports, chosen), daemon=True)
    process.start()
    try:
        yield ports.get(timeout=30)
    finally:
        process.kill()
        process.join()


# --- The checker and its lower bound ----------------------------------------------------------
def checked(urls: Sequence[str]) -> dict[str, Observation]:
    """Our checker: the runner of the rounds, and the probe with its address rules."""
    checks = [partial(probe, ProbeTarget(targets.HTTP, url, LOOPBACK)) for url in urls]
    jobs = {str(at): each for at, each in enumerate(checks)}
    return CheckRunner().run(jobs, DEADLINE_SECONDS)


async def lower_bound(urls: Sequence[str]) -> list[bool]:
    async def fetch(url: str) -> bool:
        host, _, rest = url.removeprefix("http://").partition("/")
        name, _, port = host.rpartition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        writer.write(f"GET /{rest} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE_SECONDS)
        await reader.read(65536)
        writer.close()
        return head.split()[1] == b"200"

    found = await asyncio.gather(*(fetch(each) for each in urls), return_exceptions=True)
    return [each is True for each in found]


def delays(count: int) -> list[int]:
    draw = random.Random(1)  # noqa: S311 - a replayable load
    return [*(draw.randint(5, 200) for _ in range(count - 1)), SLOWEST_MS]


def speed(report: Report, port: int, count: int, rounds: int) -> None:
    """Rounds over `count` good targets, ours and the lower bound in turn."""
    urls = [f"http://127.0.0.1:{port}/d/{each}" for each in delays(count)]
    rows, times, cpu, wrong = [], [], [], 0
    for _ in range(rounds):
        seen, took, spent = timed(lambda: checked(urls))
        wrong += sum(each.status == UNHEALTHY for each in seen.values())
        fine = sum(each.status == HEALTHY for each in seen.values())
        times.append(took)
        cpu.append(1000 * spent / count)
        rows.append(("this", f"{took:.2f}", f"{cpu[-1]:.2f}", fine))
        answers, took, spent = timed(lambda: asyncio.run(lower_bound(urls)))
        rows.append(
            ("lower bound: naive loop", f"{took:.2f}", f"{1000 * spent / count:.2f}", sum(answers))
        )
    report.table(["way", "seconds", "CPU ms a check", f"of {count} OK"], rows)
    median = statistics.median(times)
    report.say(f"Median {median:.2f} s, longest {max(times):.2f} s, at a load of {load():.1f}.")
    over = MAX_EXTRA_SECONDS if count >= 1000 else MAX_EXTRA_SECONDS_FEW
    report.judge(f"{count} targets, s (best)", min(times), SLOWEST_MS / 1000 + over)
    report.judge(f"{count} targets, CPU ms a check", min(cpu), 1.0)
    report.judge(f"{count} targets, false failures in {rounds} rounds", wrong, 0)


def timed(work: Callable[[], T]) -> tuple[T, float, float]:
    """The result, seconds of wall time, and seconds of CPU."""
    began, used = time.monotonic(), time.process_time()
    found = work()
    return found, time.monotonic() - began, time.process_time() - used


def load() -> float:
    return os.getloadavg()[0]


def busy() -> None:
    """A process that uses all the CPU it gets."""
    while True:
        sum(range(100_000))


def beside_busy_processes(report: Report, port: int, count: int, rounds: int) -> None:
    """The same beside busy processes: late checks are unknown, and none is a failure."""
    urls = [f"http://127.0.0.1:{port}/d/{each}" for each in delays(count)]
    processes = [multiprocessing.Process(target=busy, daemon=True) for _ in range(BUSY_PROCESSES)]
    for each in processes:
        each.start()
    try:
        found = [timed(lambda: checked(urls)) for _ in range(rounds)]
    finally:
        for each in processes:
            each.kill()
            each.join()
    seen = [each for answers, _, _ in found for each in answers.values()]
    tally = {
        status: sum(each.status == status for each in seen) for status in state_machine.STATUSES
    }
    times = [took for _, took, _ in found]
    worst = f"{min(times):.2f} to {max(times):.2f} s"
    report.say(
        f"{rounds} rounds of {count} targets beside {BUSY_PROCESSES} busy processes: {worst}."
    )
    report.say(f"Seen: {', '.join(f'{count} {status}' for status, count in tally.items())}.")
    report.judge("false failures beside them", tally[UNHEALTHY], 0)


@dataclass(frozen=True, slots=True)
class Bad:
    """A target that is bad in one way, and the expected kind and words of the error."""

    name: str
    url: str
    kind: str
    words: str = ""
    client: OutboundClient | None = None


def kinds(report: Report, port: int, quiet: int) -> None:
    """Bad targets all at once, each reported with its kind within the deadline."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        bad = [*plain_bad(port, quiet, closed), *bad_certificates(Path(folder))]
        checks = [
            partial(probe, ProbeTarget(targets.HTTP, each.url, LOOPBACK), client=each.client)
            for each in bad
        ]
        jobs = {str(at): each for at, each in enumerate(checks)}
        seen, took, _ = timed(lambda: CheckRunner().run(jobs, DEADLINE_SECONDS))
    rows, wrong = [], 0
    for at, each in enumerate(bad):
        found = seen[str(at)]
        wrong += found.error_kind != each.kind or each.words not in found.error
        rows.append((each.name, found.error_kind, found.error))
    report.table(["bad target", "kind", "error"], rows)
    report.judge(f"of {len(bad)} bad targets with a wrong kind", wrong, 0)
    report.judge(
        f"{len(bad)} bad targets at once, s", took, DEADLINE_SECONDS + MAX_EXTRA_SECONDS_BAD
    )


def plain_bad(port: int, quiet: int, closed: int) -> list[Bad]:
    """Hung, dripping, silent, refusing, unresolvable, unroutable, and answers that are wrong."""

    def unroutable(_address: tuple[str, int], _seconds: float) -> socket.socket:
        raise OSError(errno.EHOSTUNREACH, "No route to host")

    here = f"http://127.0.0.1:{port}"
    return [
        Bad("never answers", f"{here}/hang", "timeout"),
        Bad("drips", f"{here}/drip", "timeout"),
        Bad("silent", f"http://127.0.0.1:{quiet}/", "timeout"),
        Bad("silent at TLS", f"https://127.0.0.1:{quiet}/", "timeout"),
        Bad("plain HTTP at https", f"https://127.0.0.1:{port}/d/5", "timeout"),
        Bad("refuses", f"http://127.0.0.1:{closed}/", "refused"),
        Bad("has no address", "http://no-such-host.invalid/", "dns"),
        Bad("no route", f"{here}/d/5", "connect", client=OutboundClient(connect=unroutable)),
        Bad("answers 503", f"{here}/503", "status", "503"),
        Bad("is no HTTP", f"{here}/noise", "protocol"),
        Bad("leads inside", "http://169.254.169.254/latest/meta-data/", "blocked"),
        Bad(
            "rebinds", "http://shop.example.com/", "blocked", client=OutboundClient(resolve=rebound)
        ),
    ]


def rebound(_host: str, _port: int, _seconds: float) -> list[str]:
    """A name of which one address is public and the other is not."""
    return ["8.8.8.8", "169.254.169.254"]


def bad_certificates(folder: Path) -> list[Bad]:
    """A self-signed certificate, one for another name, and an expired one."""
    good, trust = certificates.made(folder, 60)
    over, trust_over = certificates.made(folder, -1)
    at = f"https://127.0.0.1:{certified(good)}/"
    named = f"https://shop.example.com:{certified(over)}/"
    return [
        Bad("its own certificate", at, "tls", "self-signed"),
        Bad("a certificate of another name", at, "tls", "mismatch", OutboundClient(trust=trust)),
        Bad(
            "an expired certificate",
            named,
            "tls",
            "expired",
            OutboundClient(trust=trust_over, resolve=lambda *_: ["127.0.0.1"]),
        ),
    ]


def certified(context: ssl.SSLContext) -> int:
    """The port of a TLS server with this certificate."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk_tls() -> None:
        while True:
            line, _ = listener.accept()
            try:
                context.wrap_socket(line, server_side=True)
            except OSError:
                line.close()

    threading.Thread(target=talk_tls, daemon=True).start()
    port: int = listener.getsockname()[1]
    return port


# --- Outages and histograms -------------------------------------------------------------------
def one_series(draw: random.Random) -> tuple[list[tuple[int, int]], list[bool]]:
    """500 checks with noise of 5 %, some outages, and at times a restless stretch."""
    seen = [draw.random() >= NOISE for _ in range(CHECKS_PER_SERIES)]
    truth = []
    for start in range(30, CHECKS_PER_SERIES - 80, 120):
        length = draw.randint(1, 50)
        seen[start : start + length] = [False] * length
        seen[start + length : start + length + 2] = [True, True]
        truth.append((start, length))
    if draw.random() < 0.5:
        seen[-40:] = [draw.random() < 0.5 for _ in range(40)]
    return truth, seen


@dataclass(slots=True)
class SeriesResult:
    """States and alert changes of one series."""

    states: list[str]
    notices: int = 0


def run_series(seen: Sequence[bool]) -> SeriesResult:
    """Run a series through the state machine and the alert that follows from it."""
    current, found, is_open, is_flapping = ComponentState(UP), SeriesResult([]), False, False
    for at, works in enumerate(seen):
        observation = Observation(HEALTHY if works else UNHEALTHY)
        current = state_machine.next_state(current, observation, EPOCH + at * timedelta(minutes=1))
        is_flapping = state_machine.is_flapping(seen[max(0, at - 20) : at + 1], was=is_flapping)
        found.states.append(current.state)
        should = current.state == DOWN or (is_open and is_flapping)
        found.notices += should != is_open
        is_open = should
    return found


def outages(report: Report, series: int) -> None:
    """One incident per outage, soon, and few notices compared with the raw changes."""
    draw = random.Random(1)  # noqa: S311 - a replayable load
    missed = edges = notices = due = longest = 0
    for _ in range(series):
        truth, seen = one_series(draw)
        found = run_series(seen)
        notices += found.notices
        edges += sum(fetch != other for fetch, other in pairwise(seen))
        for start, length in truth:
            if length >= state_machine.FAILURES_TO_DOWN:
                due += 2
                down = [at for at in range(start, start + length) if found.states[at] == DOWN]
                missed += not down
                longest = max(longest, (down[0] - start + 1) if down else 0)
    words = (
        f"{edges} raw changes, {notices} notices ({100 * notices / edges:.0f} %), {due} of them due"
    )
    report.say(f"{series} series of {CHECKS_PER_SERIES} checks: {words}.")
    report.judge("needless notices per 100 raw changes", 100 * (notices - due) / edges, 10)
    report.judge("outages of three checks or more that were missed", missed, 0)
    report.judge("checks from an outage to its incident", longest, state_machine.FAILURES_TO_DOWN)


def merged_percentiles(report: Report) -> None:
    """100 merged histograms of 100,000 log-normal times beside numpy's quantiles."""
    times = np.random.default_rng(1).lognormal(3, 1, 100_000)
    parts = [histogram.from_times(each) for each in np.split(times, 100)]
    merged = histogram.merge(parts)
    worst = 0.0
    for q in (0.5, 0.9, 0.95, 0.99, 0.999):
        true = float(np.quantile(times, q, method="inverted_cdf"))
        found = histogram.quantile(merged, q, float(times.min()), float(times.max())) or 0.0
        worst = max(worst, abs(found / true - 1))
    report.judge("error of merged percentiles, %", 100 * worst, 2.5)


def forbidden_urls(report: Report) -> None:
    """URLs that name something forbidden, and harmless ones that look alike.

    Every name of the forbidden ones is taken to resolve to loopback.
    """
    bad = [each for each in REFUSED.split("\n") if each.strip()]
    report.judge(f"of {len(bad)} forbidden forms taken", sum(not refused(each) for each in bad), 0)
    report.judge_between("forbidden forms tried", len(bad), 60, 1000)
    good = [each for each in GOOD if refused(each, "8.8.8.8")]
    report.judge(f"of {len(GOOD)} harmless forms refused", len(good), 0)


def refused(url: str, resolves_to: str = "127.0.0.1") -> bool:
    try:
        where = targets.parse_target(targets.HTTP, url)
        addresses.check_allowed(where.host if targets.is_address(where.host) else resolves_to, ())
    except ValueError:
        return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.health")
    parser.add_argument("--quick", action="store_true", help="one round of each, fewer series")
    parser.add_argument("--write", metavar="FILE", type=Path, help="also write Markdown there")
    chosen = parser.parse_args()
    report = Report("Health benchmark")
    report.say(f"# {report.title}")
    quick = chosen.quick
    with serving() as (port, quiet):
        for count in (100, 1000):
            report.section(f"{count} targets, the slowest answers after {SLOWEST_MS} ms")
            speed(report, port, count, 1 if quick else 5)
        report.section("On a busy machine")
        beside_busy_processes(report, port, 1000, 1 if quick else 10)
        report.section("Bad targets")
        kinds(report, port, quiet)
    report.section("Outages")
    outages(report, SERIES // 100 if quick else SERIES)
    report.section("Percentiles and forbidden targets")
    merged_percentiles(report)
    forbidden_urls(report)
    report.say()
    report.say(f"{report.missed} figures missed.")
    if chosen.write:
        chosen.write.write_text("\n".join(report.lines) + "\n")
    return report.exit_code


if __name__ == "__main__":
    sys.exit(main())
