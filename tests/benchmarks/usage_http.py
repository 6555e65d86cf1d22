"""Events a second over HTTP: `python -m tests.benchmarks.usage --http [--seconds 300]`.

The platform as `make run` starts it, web server, worker and beat, on a PostgreSQL that syncs its
log at each commit; client processes on the same machine send batches, then single events. 30 % are
sent again and 5 % are older. At the end each hour and day is compared with its events. The rates
of COPY and INSERT into a plain table of the same server stand beside ours.
"""

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import psycopg

from aethercrown.embedded import postgres
from tests import rig
from tests.benchmarks.api import UNLIMITED, cpu_seconds
from tests.benchmarks.report import Report
from tests.benchmarks.usage import BATCH_MILLISECONDS, LEAST_A_SECOND, raw_rates

Sent = dict[str, Any]  # of a client, as it prints it
CLIENTS = 4
ONE_AT_A_TIME = 0.2  # of the seconds are for single calls
LEAST_SINGLE_CALLS = 1_000
RAW_ROWS = 50_000
READY_SECONDS = 600.0
DURABLE = {
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "autovacuum": "on",
    "wal_level": "replica",
    "shared_buffers": "256MB",
}
STORED = "SELECT count(*), coalesce(sum(quantity), 0) / 1000000 FROM enterprise_usageevent"
DIFFERENT = """
SELECT count(*) FROM (
  SELECT customer_id, metric_id, {span} AS span, sum(counts) AS count, sum(quantity) AS quantity
  FROM enterprise_usageevent GROUP BY 1, 2, 3
) AS events FULL JOIN {table} AS stored
ON stored.customer_id = events.customer_id AND stored.metric_id = events.metric_id
AND stored.{name} = events.span
WHERE (events.count, events.quantity) IS DISTINCT FROM (stored.count, stored.quantity)
"""
HOURS = DIFFERENT.format(
    span="date_trunc('hour', occurred_at, 'UTC')", table="enterprise_usagehour", name="hour"
)
DAYS = DIFFERENT.format(span="day", table="enterprise_usageday", name="day")


def run(report: Report, seconds: float, size: int) -> None:
    with (
        postgres.running(**DURABLE) as cluster,
        tempfile.TemporaryDirectory(prefix="aethercrown-usage-") as folder,
        psycopg.connect(
            host=str(cluster.folder), user="postgres", dbname="postgres", autocommit=True
        ) as database,
    ):
        with database.cursor() as cursor:
            raw_rates(report, cursor, RAW_ROWS, is_postgresql=True)
        stack = rig.start(
            Path(folder) / "data",
            DATABASE_URL=cluster.url(),
            ENCRYPTION_KEYS=f"benchmark:{'A' * 43}=",
            API_BURST=UNLIMITED,
            API_RATE_PER_SECOND=UNLIMITED,
        )
        try:
            stack.wait_until_ready(READY_SECONDS)
            every = judge(report, stack, server_id(cluster), seconds, size)
            compare(report, database, every)
        finally:
            stack.end()


def server_id(cluster: postgres.Cluster) -> int:
    return int((cluster.data / "postmaster.pid").read_text().split()[0])


def judge(report: Report, stack: rig.Stack, server: int, seconds: float, size: int) -> list[Sent]:
    """The rates; returns what every client sent."""
    pids = {"web": stack.child("web"), "worker": stack.child("worker"), "PostgreSQL": server}
    warm = load(stack, 2, size, 0)  # what is loaded once, and the customers and metrics
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    found = load(stack, seconds * (1 - ONE_AT_A_TIME), size, 1)
    spent = {name: cpu_seconds(pid) - before[name] for name, pid in pids.items()}
    sent = sum(each["sent"] for each in found)
    took = sorted(second for each in found for second in each["took"])
    report.judge_least(
        f"events a second over HTTP, {size:,} a call", sent / longest(found), LEAST_A_SECOND
    )
    report.judge(
        f"call of {size:,}, p99 ms", 1000 * took[int(0.99 * len(took))], BATCH_MILLISECONDS
    )
    shares = ", ".join(f"{name} {1e6 * used / sent:.0f}" for name, used in spent.items())
    report.say(f"- µs of CPU an event: {shares}; {len(took):,} calls of {CLIENTS} clients")
    single = load(stack, seconds * ONE_AT_A_TIME, 1, 2)
    calls = sorted(second for each in single for second in each["took"])
    report.judge_least(
        "single calls a second over HTTP", len(calls) / longest(single), LEAST_SINGLE_CALLS
    )
    report.say(f"- single call: p99 {1000 * calls[int(0.99 * len(calls))]:.1f} ms")
    refused = sum(each["refused"] for each in [*warm, *found, *single])
    report.say(f"- calls answered with 503 and repeated: {refused}")
    report.say(f"- load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    return [*warm, *found, *single]


def load(stack: rig.Stack, seconds: float, size: int, series: int) -> list[Sent]:
    """What each client sent; RuntimeError where one was refused."""
    command = [sys.executable, "-m", "tests.benchmarks.usage_client", str(stack.port)]
    clients = [
        subprocess.Popen(  # noqa: S603 - our own module
            [*command, stack.api_key, str(series * CLIENTS + n), str(seconds), str(size)],
            cwd=rig.ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for n in range(CLIENTS)
    ]  # fmt: skip
    printed = [each.communicate() for each in clients]
    if refused := [error for _, error in printed if error]:
        raise RuntimeError("\n".join(refused))
    return [json.loads(text) for text, _ in printed]


def longest(found: list[Sent]) -> float:
    """The seconds in which all of them were sent."""
    return max(float(each["seconds"]) for each in found)


def compare(report: Report, database: Any, everything: list[Sent]) -> None:
    """What is stored with what was sent, and the rollups with what is stored."""
    count, total = (sum(each[name] for each in everything) for name in ("count", "total"))
    stored, quantity = database.execute(STORED).fetchone()
    report.judge_between("events stored", stored, count, count)
    report.judge_between("their sum", int(quantity), total, total)
    for name, text in (("hours", HOURS), ("days", DAYS)):
        (wrong,) = database.execute(text).fetchone()
        report.judge(f"{name} that differ from their events", wrong, 0)
