"""Events a second: `python -m tests.benchmarks.usage [--quick] [--only VENDOR]`, on both databases.

`--http [--seconds 60] [--batch 1000]` measures the running platform instead (usage_http.py).

2,000 clients and 3 metrics over 20 days, values 1 to 499, 30 % sent again, shuffled, 5 % late. The
same run stores plain rows by COPY and INSERT, whose rates stand beside ours; one connection each.
Then the rollups are compared with the events, a report is read over them, and clients cross their
limits: the time from a call to its committed alerts, where a worker evaluates at once.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from time import perf_counter, process_time
from typing import Any

import numpy as np

from tests.benchmarks.database import api_client, database, on_both
from tests.benchmarks.report import Report

CLIENTS, METRICS, DAYS = 2_000, ("api_calls", "exports", "seats_used"), 20
EVENTS, QUICK, BATCH = 200_000, 10_000, 1_000
REPEATED, LATE = 0.3, 0.05
SEED = 2027
ROLLUPS, QUICK_ROLLUPS = 100_000_000, 5_000_000  # events that generated days stand for
FIRST_DAY, A_DAY = 40, 50  # ago, of the generated days; events of one
DAYS_AT_ONCE = 20  # in a statement
CROSSING, AT_ONCE, ALERT_SECONDS = 500, 25, 2.5  # clients; 5 s less the 2.5 of the looks for work
LEAST_A_SECOND, BATCH_MILLISECONDS, REPORT_MILLISECONDS = 10_000, 500, 50


def events(count: int) -> list[dict[str, Any]]:
    """Events with repeats, in a shuffled order."""
    draw = np.random.default_rng(SEED)
    now = datetime.now(UTC)
    seconds = draw.integers(60, DAYS * 86_400, count)
    late = draw.random(count) < LATE
    seconds = np.where(late, seconds + 10 * 86_400, seconds)
    clients, metrics = draw.integers(0, CLIENTS, count), draw.integers(0, len(METRICS), count)
    quantities = draw.integers(1, 500, count)
    made = [
        {
            "event_id": f"e{place}",
            "client_id": f"client-{clients[place]}",
            "metric": METRICS[metrics[place]],
            "quantity": int(quantities[place]),
            "timestamp": (now - timedelta(seconds=int(seconds[place]))).isoformat(),
        }
        for place in range(count)
    ]
    again = draw.integers(0, count, int(count * REPEATED))
    every = [*made, *(made[place] for place in again)]
    return [every[place] for place in draw.permutation(len(every))]


def batches(sent: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(sent), size):
        yield sent[start : start + size]


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of this process."""
    began, cpu = perf_counter(), process_time()
    work()
    return perf_counter() - began, process_time() - cpu


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.usage")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} events")
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--http", action="store_true", help="over HTTP, on PostgreSQL")
    parser.add_argument("--seconds", type=float, default=60.0, help="of --http")
    parser.add_argument("--batch", type=int, default=BATCH, help="events a call, of --http")
    chosen = parser.parse_args()
    if chosen.http:
        return http(chosen.seconds, chosen.batch)
    if chosen.only is None:
        return on_both("tests.benchmarks.usage", ["--quick"] if chosen.quick else [])
    count = QUICK if chosen.quick else EVENTS
    report = Report("Usage benchmark")
    report.say(f"# {report.title}")
    vendor = "PostgreSQL" if os.environ.get("DATABASE_URL") else "SQLite"
    report.say(f"{vendor}; {count:,} events, {REPEATED:.0%} of them sent again")
    sent = events(count)
    with database():
        from django.db import connection  # noqa: PLC0415 - Django is set up only now

        with connection.cursor() as cursor:
            raw_rates(report, cursor, count, is_postgresql=connection.vendor == "postgresql")
        store(report, sent, count)
        over_http(report, sent)
        fill_days(report, QUICK_ROLLUPS if chosen.quick else ROLLUPS)
        read_report(report)
        alert(report)
    return report.exit_code


def http(seconds: float, size: int) -> int:
    from tests.benchmarks import usage_http  # noqa: PLC0415 - it takes from here

    report = Report("Usage over HTTP")
    report.say(f"# {report.title}, PostgreSQL, {seconds:g} s")
    usage_http.run(report, seconds, size)
    return report.exit_code


def raw_rates(report: Report, cursor: Any, count: int, *, is_postgresql: bool) -> None:
    """Plain rows of the same size without any of our work."""
    now = datetime.now(UTC).isoformat()
    rows = [
        (place, place % CLIENTS, place % 3, now, now, 7, "api", f"e{place}")
        for place in range(count)
    ]
    columns = "a bigint, b bigint, c bigint, d text, e text, f bigint, g text, h text"
    cursor.execute(f"CREATE TABLE plain_rows ({columns})")
    marks = ", ".join(["%s"] * 8)
    wall, _ = timed(
        lambda: [
            cursor.executemany(f"INSERT INTO plain_rows VALUES ({marks})", list(part))  # noqa: S608 - fixed names
            for part in batches(rows, BATCH)
        ]
    )
    report.say(f"- raw INSERT, {BATCH:,} a call: {count / wall:,.0f} rows/s")
    if is_postgresql:
        wall, _ = timed(lambda: copy(cursor, rows))
        report.say(f"- raw COPY, {BATCH:,} a call: {count / wall:,.0f} rows/s")
    cursor.execute("DROP TABLE plain_rows")


def copy(cursor: Any, rows: Sequence[Any]) -> None:
    for part in batches(rows, BATCH):
        with cursor.copy("COPY plain_rows FROM STDIN") as lines:
            for row in part:
                lines.write_row(row)


def store(report: Report, sent: Sequence[Any], count: int) -> None:
    """Batches through the service; then every hour is compared with its events."""
    from enterprise.usage import services  # noqa: PLC0415 - Django is set up only now
    from enterprise.usage.models import UsageEvent, UsageHour  # noqa: PLC0415
    from enterprise.usage.reports import rollups  # noqa: PLC0415

    took: list[float] = []

    def every() -> None:
        for part in batches(sent, BATCH):
            began = perf_counter()
            services.track_events(part, atomic=True, now=datetime.now(UTC))
            took.append(1000 * (perf_counter() - began))

    wall, cpu = timed(every)
    report.say(
        f"- ours, {BATCH:,} a call: {len(sent) / wall:,.0f} events/s, "
        f"{1e6 * cpu / len(sent):.0f} µs of CPU an event in this process"
    )
    report.judge_least("events a second through the service", len(sent) / wall, LEAST_A_SECOND)
    report.judge("batch of 1,000, p99 ms", float(np.quantile(took, 0.99)), BATCH_MILLISECONDS)
    stored = UsageEvent.objects.count()
    report.judge_between("events stored", stored, count, count)
    hours = sorted(set(UsageHour.objects.values_list("hour", flat=True)))
    wrong = len(list(rollups.differences(hours)))
    report.judge(f"of {len(hours):,} hours, those that differ from their events", wrong, 0)
    wall, _ = timed(lambda: [services.track_events([each], atomic=True, now=datetime.now(UTC))
                             for each in fresh(300)])  # fmt: skip
    report.say(f"- single calls of the service: {300 / wall:,.0f} events/s")


def fresh(count: int) -> Iterator[dict[str, Any]]:
    now = datetime.now(UTC).isoformat()
    for place in range(count):
        yield {
            "event_id": f"single-{place}",
            "client_id": f"client-{place}",
            "metric": METRICS[0],
            "quantity": 1,
            "timestamp": now,
        }


def over_http(report: Report, sent: Sequence[Any]) -> None:
    """The same through a client of the API in this process: repeats, which store nothing."""
    caller = api_client("all")
    parts = list(batches(sent[: 20 * BATCH], BATCH))
    path = "/api/v1/enterprise/usage/track"
    wall, cpu = timed(lambda: [caller.send(path, {"events": part}) for part in parts])
    count = sum(map(len, parts))
    report.say(
        f"- repeats by the API: {count / wall:,.0f} events/s, {1e6 * cpu / count:.0f} µs of CPU"
    )


def alert(report: Report) -> None:
    """Clients cross their limits in calls of some clients each; a worker evaluates at once."""
    from enterprise.usage import services  # noqa: PLC0415 - Django is set up only now
    from enterprise.usage.models import UsageAlert, UsageLimit, UsageMetric  # noqa: PLC0415
    from revenue.customers import reports as customers  # noqa: PLC0415

    services.evaluate_dirty(datetime.now(UTC), 10 * CLIENTS)
    metric, now = UsageMetric.objects.get(code=METRICS[0]), datetime.now(UTC)
    known = customers.clients([f"client-{place}" for place in range(CROSSING)])
    UsageLimit.objects.bulk_create(
        UsageLimit(
            customer_id=each.customer, metric=metric, quantity=1, valid_from=now, recorded_at=now
        )
        for each in known.values()
    )
    took: list[float] = []
    for number, part in enumerate(batches(sorted(known), AT_ONCE)):
        began = perf_counter()
        sent = [
            {
                "event_id": f"over-{number}-{name}",
                "client_id": name,
                "metric": METRICS[0],
                "quantity": 1_000_000,
                "timestamp": datetime.now(UTC).isoformat(),
            }
            for name in part
        ]
        services.track_events(sent, atomic=True, now=datetime.now(UTC))
        services.evaluate_dirty(datetime.now(UTC))
        took.append(perf_counter() - began)
    report.judge_between("alerts", UsageAlert.objects.count(), 2 * len(known), 2 * len(known))
    report.judge("call to committed alerts, p99 s", float(np.quantile(took, 0.99)), ALERT_SECONDS)


def fill_days(report: Report, count: int) -> None:
    """Daily rollups of every client and metric, as many as so many events make."""
    from django.db import connection  # noqa: PLC0415 - Django is set up only now

    is_postgresql = connection.vendor == "postgresql"
    day = "CURRENT_DATE - n" if is_postgresql else "date('now', '-' || n || ' days')"
    at = "now()" if is_postgresql else "datetime('now')"
    end = FIRST_DAY + count // (CLIENTS * len(METRICS) * A_DAY)
    added = 0
    with connection.cursor() as cursor:
        for first in range(FIRST_DAY, end, DAYS_AT_ONCE):
            cursor.execute(
                "INSERT INTO enterprise_usageday (customer_id, metric_id, day, count, quantity,"  # noqa: S608 - fixed names
                " most, last, last_at, is_booked) WITH RECURSIVE days(n) AS (SELECT %s UNION ALL"
                f" SELECT n + 1 FROM days WHERE n < %s) SELECT customer_id, metric_id, {day}, %s,"
                f" %s, 499000000, 250000000, {at}, true"
                " FROM enterprise_clientmetric CROSS JOIN days",
                [first, min(first + DAYS_AT_ONCE, end) - 1, A_DAY, A_DAY * 250_000_000],
            )
            added += cursor.rowcount
        report.say(f"- {added:,} days added: those of {count:,} events")
        cursor.execute("ANALYZE")  # as the server does by itself


def read_report(report: Report) -> None:
    from enterprise.usage.reports import client_report  # noqa: PLC0415 - Django is set up only now

    now = datetime.now(UTC)
    cpu = process_time()
    took = [
        1000 * timed(lambda place=place: client_report(f"client-{place}", 30, now))[0]  # type: ignore[misc]  # bound at once
        for place in range(40)
    ]
    cpu = 1000 * (process_time() - cpu) / len(took)
    report.say(f"- report of a client: {cpu:.0f} ms of CPU in this process")
    report.judge("report of a client, p95 ms", float(np.quantile(took, 0.95)), REPORT_MILLISECONDS)


if __name__ == "__main__":
    sys.exit(main())
