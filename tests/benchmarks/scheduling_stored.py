"""The stored queue under load: `python -m tests.benchmarks.scheduling_stored [--quick]`.

On PostgreSQL where DATABASE_URL names one, else on SQLite; the rows go into a test database of
this run. Times are wall time, the calls go through the whole API. Beside each assignment stands
a lower bound that keeps no sort key: it takes the task of the highest class, oldest first; and
the floor, one row changed and committed on the same connection, which tells a busy machine.
"""

import argparse
import os
import sys
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any

from tests.benchmarks import database
from tests.benchmarks.report import Report

QUEUED, QUICK = 100_000, 5_000
CALL = 10_000
CALLS = 200
SUBMIT_SECONDS, ASSIGN_MS = 2.0, 20.0
TASKS = "/api/v1/optimization/tasks"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scheduling_stored")
    parser.add_argument("--quick", action="store_true", help="fewer tasks")
    chosen = parser.parse_args()
    report = Report("Stored scheduler benchmark")
    with database.database():
        run(report, QUICK if chosen.quick else QUEUED)
    return report.exit_code


def run(report: Report, queued: int) -> None:
    from django.db import connection  # noqa: PLC0415 - Django is set up only now

    caller = database.api_client("optimization:write")
    report.say(f"# {report.title}, {connection.vendor}")
    report.section(f"Submit: {CALL:,} tasks a call, until {queued:,} wait")
    random = Random(1)  # noqa: S311 - repeatable work, no secret
    spent, cpu = [], []
    for first in range(0, queued, CALL):
        tasks = [task(random, number) for number in range(first, min(first + CALL, queued))]
        begun, clock = perf_counter(), process_time()
        answer = caller.send(f"{TASKS}/schedule", {"tasks": tasks})
        spent.append(perf_counter() - begun)
        cpu.append(process_time() - clock)
        if answer.status_code != 201:
            raise RuntimeError(answer.content[:500])
    report.judge("first call, s", spent[0], SUBMIT_SECONDS)
    report.judge("median call, s", median(spent), SUBMIT_SECONDS)
    load = os.getloadavg()[0]
    report.say(
        f"- slowest {max(spent):.2f} s; CPU of this process {median(cpu):.2f} s a call; "
        f"load average {load:.1f} on {os.cpu_count()} cores"
    )
    analyze()
    report.section(f"Assign and complete, {queued:,} tasks queued")
    ours = handed_out(caller)
    report.judge("assign over HTTP, p95 ms", p95(ours["assign"]), ASSIGN_MS)
    report.say(
        f"- floor, one row changed and committed: median {1000 * median(ours['floor']):.1f} ms, "
        f"p95 {p95(ours['floor']):.1f} ms; load average {os.getloadavg()[0]:.1f}"
    )
    report.say(
        f"- assign: median {1000 * median(ours['assign']):.1f} ms, CPU of this process "
        f"{1000 * median(ours['cpu']):.1f} ms; complete: p95 {p95(ours['complete']):.1f} ms"
    )
    report.say(
        f"- lower bound without a sort key, by class and age, p95 {lower_bound():.1f} ms a query"
    )


def task(random: Random, number: int) -> dict[str, Any]:
    """One in three needs one of the two before it."""
    needs = [f"task-{number - random.randint(1, 2)}"] if number % 3 == 2 else []
    return {
        "task_id": f"task-{number}",
        "task_type": random.choice(["train", "score", "mail"]),
        "priority": random.randint(1, 4),
        "estimated_duration": random.randint(1, 600),
        "dependencies": needs,
    }


def analyze() -> None:
    """What a database does by itself after a while."""
    from django.db import connection  # noqa: PLC0415

    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")


def handed_out(caller: Any) -> dict[str, list[float]]:
    """Seconds that a worker waits for a task, and for its end to be stored."""
    spent: dict[str, list[float]] = {"assign": [], "complete": [], "cpu": [], "floor": []}
    for number in range(CALLS):
        worker = f"agent-{number % 16}"
        begun, clock = perf_counter(), process_time()
        given = caller.send(f"{TASKS}/assign", {"worker": worker}).json()["data"]["assignments"]
        middle = perf_counter()
        spent["cpu"].append(process_time() - clock)
        done = caller.send(f"{TASKS}/{given[0]['task']['task_id']}/complete", {"worker": worker})
        spent["assign"].append(middle - begun)
        spent["complete"].append(perf_counter() - middle)
        spent["floor"].append(floor())
        if done.status_code != 200:
            raise RuntimeError(done.content[:500])
    return spent


def floor() -> float:
    """Seconds of the least that a promise kept by the database takes."""
    from django.db import transaction  # noqa: PLC0415 - Django is set up only now

    from operations.scheduling.models import Worker  # noqa: PLC0415

    begun = perf_counter()
    with transaction.atomic():
        Worker.objects.filter(name="agent-0").update(is_pushed=False)
    return perf_counter() - begun


def lower_bound() -> float:
    """The query alone of a queue ordered by class and age."""
    from operations.scheduling.models import Task  # noqa: PLC0415

    spent = []
    rows = Task.objects.filter(status="queued").order_by("-priority", "created_at", "pk")
    for _ in range(CALLS // 4):
        begun = perf_counter()
        rows.first()
        spent.append(perf_counter() - begun)
    return p95(spent)


def p95(seconds: list[float]) -> float:
    return 1000 * sorted(seconds)[int(0.95 * len(seconds))]


if __name__ == "__main__":
    sys.exit(main())
