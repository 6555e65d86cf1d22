"""One stored quote through the whole API: `python -m tests.benchmarks.pricing_stored [--quick]`.

On PostgreSQL where DATABASE_URL names one, else on SQLite; the rows go into a test database of
this run. The mark is CPU of this process, which a busy machine does not change much; wall time
stands beside it, with the lower bound: the same row inserted and committed alone.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from decimal import Decimal
from statistics import median
from time import perf_counter, process_time
from typing import Any

from tests.benchmarks import database
from tests.benchmarks.report import Report

CALLS, QUICK = 2_000, 200
ASKED_MS = 5.0
CALCULATE = "/api/v1/revenue/pricing/calculate"
BODY = {
    "tier": "professional",
    "usage_data": {"api_calls": 50000, "storage_gb": 250},
    "engagement_data": {"daily_active_rate": 0.75, "tenure_months": 18},
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.pricing_stored")
    parser.add_argument("--quick", action="store_true", help="fewer calls")
    chosen = parser.parse_args()
    report = Report("Stored quote benchmark")
    with database.database():
        run(report, QUICK if chosen.quick else CALLS)
    return report.exit_code


def run(report: Report, calls: int) -> None:
    from django.db import connection  # noqa: PLC0415 - Django is set up only now

    caller = database.api_client("revenue:write")
    logging.disable(logging.INFO)  # the line of each request goes to a file elsewhere
    report.say(f"# {report.title}, {connection.vendor}")
    for _ in range(20):
        answer = caller.send(CALCULATE, BODY)
    if answer.json()["data"]["pricing"]["final_price"] != 110.21:
        raise RuntimeError(answer.content[:500])
    queries: list[str] = []
    with connection.execute_wrapper(noting(queries)):
        caller.send(CALCULATE, BODY)
    spent, cpu, service, bounds = [], [], [], []
    for _ in range(calls):
        begun, clock = perf_counter(), process_time()
        caller.send(CALCULATE, BODY)
        cpu.append(process_time() - clock)
        spent.append(perf_counter() - begun)
        service.append(quoted())
        bounds.append(lower_bound())
    report.section(f"{calls:,} quotes, {len(queries)} queries each")
    rows = [
        ["whole call, CPU of this process", *milliseconds(cpu)],
        ["whole call, wall time", *milliseconds(spent)],
        ["priced and stored, without HTTP, CPU", *milliseconds([each[0] for each in service])],
        [
            "priced and stored, without HTTP, wall time",
            *milliseconds([each[1] for each in service]),
        ],
        ["lower bound: one row inserted and committed, wall time", *milliseconds(bounds)],
    ]
    report.table(["what", "median ms", "p99 ms"], rows)
    report.say(f"Load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores.")
    report.judge("priced and stored, CPU, p99 ms", p99([each[0] for each in service]), ASKED_MS)


def noting(queries: list[str]) -> Callable[..., Any]:
    """Writes every statement down as it is executed."""

    def wrapper(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        queries.append(sql)
        return execute(sql, *more)

    return wrapper


def milliseconds(seconds: list[float]) -> tuple[str, str]:
    return f"{1000 * median(seconds):.2f}", f"{p99(seconds):.2f}"


def p99(seconds: list[float]) -> float:
    return 1000 * sorted(seconds)[int(len(seconds) * 0.99)]


def quoted() -> tuple[float, float]:
    """CPU and wall seconds of the service alone."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from revenue.pricing import services  # noqa: PLC0415
    from revenue.pricing.calculation.inputs import read_inputs  # noqa: PLC0415

    begun, clock = perf_counter(), process_time()
    known = read_inputs(BODY["usage_data"], BODY["engagement_data"])  # type: ignore[arg-type]  # both are objects
    services.create_quote("professional", known, now=timezone.now(), by="benchmark")
    return process_time() - clock, perf_counter() - begun


def lower_bound() -> float:
    """Seconds to insert and commit one quote row, and nothing else."""
    from django.db import transaction  # noqa: PLC0415 - Django is set up only now
    from django.utils import timezone  # noqa: PLC0415

    from revenue.pricing.models import Quote  # noqa: PLC0415

    row: Any = lower_bound.__dict__.setdefault("row", Quote.objects.first())
    again = Quote(
        version_id=row.version_id,
        digest=row.digest,
        plan_id=row.plan_id,
        currency=row.currency,
        inputs=row.inputs,
        lines=row.lines,
        final_price=Decimal("110.21"),
        quoted_at=timezone.now(),
    )
    begun = perf_counter()
    with transaction.atomic():
        again.save(force_insert=True)
    return perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
