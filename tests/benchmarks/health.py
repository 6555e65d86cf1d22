"""Health checks beside a naive loop: `python -m tests.benchmarks.health [--quick]`.

A server of this benchmark, in a process of its own, answers after a delay, hangs or drips. The
checker looks at it over loopback, which the benchmark allows for itself as staff would; the naive
peer is asyncio with one coroutine a target and `wait_for`, without address rules or deadlines of
the body. Times are of this machine; what must hold is the slowest target plus two seconds, that
no look is a false failure, and that eight kinds of bad target are told apart in time.
"""

import argparse
import asyncio
import multiprocessing
import random
import socket
import ssl
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import pairwise
from multiprocessing import Queue
from pathlib import Path

import numpy as np

from operations.health import targets, verdict
from operations.health.probe import Target, look
from operations.health.side_by_side import Board, Job
from operations.health.verdict import DOWN, HEALTHY, UNHEALTHY, UP, Observation, Standing
from operations.uptime import histogram
from tests.aethercrown.test_addresses import REFUSED
from tests.benchmarks.table import Report
from tests.operations.health import certificates

LOOPBACK = targets.networks("127.0.0.0/8 ::1/128")
DEADLINE = 5.0
SLOWEST_MS = 500
OVER = 2.0  # seconds that a round may take beyond its slowest target
BAD_OVER = 0.3
LOOKS, NOISE = 500, 0.05
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


def serve(ports: "Queue[tuple[int, int]]") -> None:
    async def main() -> None:
        servers = [
            await asyncio.start_server(each, "127.0.0.1", 0, backlog=2048)
            for each in (talk, silent)
        ]
        ports.put(tuple(each.sockets[0].getsockname()[1] for each in servers))
        await asyncio.gather(*(each.serve_forever() for each in servers))

    asyncio.run(main())


@contextmanager
def serving() -> Iterator[tuple[int, int]]:
    """The ports of one that answers and of one that stays silent."""
    ports: Queue[tuple[int, int]] = Queue()
    process = multiprocessing.Process(target=serve, args=(ports,), daemon=True)
    process.start()
    try:
        yield ports.get(timeout=30)
    finally:
        process.kill()
        process.join()


# --- The two that look ------------------------------------------------------------------------
def checked(urls: Sequence[str]) -> dict[str, Observation]:
    """Ours: the board that rounds use, and the probe behind its address rules."""
    looks = [partial(look, Target(targets.HTTP, url, LOOPBACK)) for url in urls]
    jobs = [Job(str(at), each) for at, each in enumerate(looks)]
    return Board().perform(jobs, DEADLINE)


async def naive(urls: Sequence[str]) -> list[bool]:
    async def one(url: str) -> bool:
        host, _, rest = url.removeprefix("http://").partition("/")
        name, _, port = host.rpartition(":")
        reader, writer = await asyncio.open_connection(name, int(port))
        writer.write(f"GET /{rest} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE)
        await reader.read(65536)
        writer.close()
        return head.split()[1] == b"200"

    found = await asyncio.gather(*(one(each) for each in urls), return_exceptions=True)
    return [each is True for each in found]


def delays(count: int) -> list[int]:
    draw = random.Random(1)  # noqa: S311 - a replayable load
    return [*(draw.randint(5, 200) for _ in range(count - 1)), SLOWEST_MS]


def speed(report: Report, port: int, count: int, repeat: int) -> None:
    """One round over `count` good targets, ours and the peer's; the best of `repeat`."""
    urls = [f"http://127.0.0.1:{port}/d/{each}" for each in delays(count)]
    rows, best, wrong, cpu = [], float("inf"), 0, float("inf")
    for _ in range(repeat):
        began, used = time.monotonic(), time.process_time()
        seen = checked(urls)
        took, spent = time.monotonic() - began, time.process_time() - used
        wrong += sum(each.status == UNHEALTHY for each in seen.values())
        fine = sum(each.status == HEALTHY for each in seen.values())
        best, cpu = min(best, took), min(cpu, spent)
        rows.append(("this", f"{took:.2f}", f"{1000 * spent / count:.2f}", fine))
        began, used = time.monotonic(), time.process_time()
        answers = asyncio.run(naive(urls))
        took, spent = time.monotonic() - began, time.process_time() - used
        rows.append(("naive loop", f"{took:.2f}", f"{1000 * spent / count:.2f}", sum(answers)))
    report.table(["way", "seconds", "CPU ms a check", f"of {count} OK"], rows)
    report.judge(f"{count} targets, s", best, SLOWEST_MS / 1000 + OVER)
    report.judge(f"{count} targets, CPU ms a check", 1000 * cpu / count, 1.0)
    report.judge(f"{count} targets, false failures in {repeat} rounds", wrong, 0)


def kinds(report: Report, port: int, quiet: int) -> None:
    """Eight bad targets at once, each told by its kind."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        closed = free.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        context, _ = certificates.made(Path(folder), 60)
        wanted = {
            f"http://127.0.0.1:{port}/hang": {"timeout"},
            f"http://127.0.0.1:{port}/drip": {"timeout"},
            f"http://127.0.0.1:{quiet}/": {"timeout"},
            f"https://127.0.0.1:{quiet}/": {"timeout"},
            f"https://127.0.0.1:{port}/d/5": {"tls", "connect", "timeout"},
            f"http://127.0.0.1:{closed}/": {"refused"},
            "http://no-such-host.invalid/": {"dns"},
            f"https://127.0.0.1:{certified(context)}/": {"tls"},
        }
        began = time.monotonic()
        seen = checked(list(wanted))
        took = time.monotonic() - began
    rows, wrong = [], 0
    for at, (url, expected) in enumerate(wanted.items()):
        found = seen[str(at)]
        wrong += found.kind not in expected
        rows.append((url.split("/")[-1] or url.split(":")[0], found.kind, found.error))
    report.table(["bad target", "told as", "in words"], rows)
    report.judge("bad targets told wrongly", wrong, 0)
    report.judge("eight bad targets at once, s", took, DEADLINE + BAD_OVER)


def certified(context: ssl.SSLContext) -> int:
    """The port of a server whose certificate nobody trusts."""
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
    seen = [draw.random() >= NOISE for _ in range(LOOKS)]
    truth = []
    for start in range(30, LOOKS - 80, 120):
        length = draw.randint(1, 50)
        seen[start : start + length] = [False] * length
        seen[start + length : start + length + 2] = [True, True]
        truth.append((start, length))
    if draw.random() < 0.5:
        seen[-40:] = [draw.random() < 0.5 for _ in range(40)]
    return truth, seen


@dataclass(slots=True)
class Told:
    """What the machine makes of one series."""

    states: list[str]
    notices: int = 0


def told(seen: Sequence[bool]) -> Told:
    """Run a series through the standing and the alert that follows from it."""
    standing, found, is_open, is_flapping = Standing(UP), Told([]), False, False
    for at, works in enumerate(seen):
        observation = Observation(HEALTHY if works else UNHEALTHY)
        standing = verdict.step(standing, observation, EPOCH + at * timedelta(minutes=1))
        is_flapping = verdict.flaps(seen[max(0, at - 20) : at + 1], was=is_flapping)
        found.states.append(standing.state)
        should = standing.state == DOWN or (is_open and is_flapping)
        found.notices += should != is_open
        is_open = should
    return found


def outages(report: Report, series: int) -> None:
    """One incident an outage, soon, and few notices beside the raw edges."""
    draw = random.Random(1)  # noqa: S311 - a replayable load
    missed = edges = notices = due = longest = 0
    for _ in range(series):
        truth, seen = one_series(draw)
        found = told(seen)
        notices += found.notices
        edges += sum(one != other for one, other in pairwise(seen))
        for start, length in truth:
            if length >= verdict.FAILURES:
                due += 2
                down = [at for at in range(start, start + length) if found.states[at] == DOWN]
                missed += not down
                longest = max(longest, (down[0] - start + 1) if down else 0)
    words = f"{edges} raw edges, {notices} notices, {due} of them due"
    report.say(f"{series} series of {LOOKS} checks: {words}.")
    report.judge("needless notices for 100 raw edges", 100 * (notices - due) / edges, 10)
    report.judge("outages of three checks or more that were missed", missed, 0)
    report.judge("checks from an outage to its incident", longest, verdict.FAILURES)


def sketch(report: Report) -> None:
    """100 merged histograms of 100,000 log-normal times beside numpy's quantiles."""
    times = np.random.default_rng(1).lognormal(3, 1, 100_000)
    parts = [histogram.counted(each) for each in np.split(times, 100)]
    merged = histogram.merged(parts)
    worst = 0.0
    for q in (0.5, 0.9, 0.95, 0.99, 0.999):
        true = float(np.quantile(times, q, method="inverted_cdf"))
        found = histogram.quantile(merged, q, float(times.min()), float(times.max())) or 0.0
        worst = max(worst, abs(found / true - 1))
    report.judge("error of merged percentiles, %", 100 * worst, 2.5)


def forms(report: Report) -> None:
    """The URLs that name something forbidden; every name is taken to resolve to loopback."""
    bad = [each for each in REFUSED.split("\n") if each.strip()]
    passed = sum(not refused(each) for each in bad)
    report.judge(f"of {len(bad)} forbidden forms taken", passed, 0)


def refused(url: str) -> bool:
    try:
        where = targets.place(targets.HTTP, url)
        plain = where.host[0].isdigit() or ":" in where.host
        targets.check(where.host if plain else "127.0.0.1", ())
    except ValueError:
        return True
    return False


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.health")
    parser.add_argument("--quick", action="store_true", help="one round of each, fewer series")
    parser.add_argument("--write", metavar="FILE", type=Path, help="also write Markdown there")
    chosen = parser.parse_args()
    report = Report("Health benchmark", rough=chosen.quick)
    report.say(f"# {report.title}")
    with serving() as (port, quiet):
        for count in (100, 1000):
            report.section(f"{count} targets, the slowest answers after {SLOWEST_MS} ms")
            speed(report, port, count, 1 if chosen.quick else 5)
        report.section("Eight bad targets")
        kinds(report, port, quiet)
    report.section("Outages")
    outages(report, 100 if chosen.quick else 2000)
    report.section("Percentiles and forbidden targets")
    sketch(report)
    forms(report)
    report.say()
    report.say(f"{report.missed} figures missed.")
    if chosen.write:
        chosen.write.write_text("\n".join(report.lines) + "\n")
    return 0 if chosen.quick else min(report.missed, 1)


if __name__ == "__main__":
    sys.exit(main())
