"""The stored queue under load: `python -m tests.benchmarks.scheduling_stored [--quick]`.

On SQLite and then on a PostgreSQL that is started for it; `--only` chooses one, of which
DATABASE_URL may name the PostgreSQL. The rows go into a test database of this run. Times are wall
time, the calls go through the whole API. Beside each assignment stands a lower bound that keeps no
sort key: it takes the task of the highest class, oldest first; and the floor, one row changed and
committed on the same connection, which tells a busy machine.
"""

import argparse
import logging
import multiprocessing
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from random import Random
from statistics import median
from time import perf_counter, process_time, thread_time
from typing import Any

from tests.benchmarks import database
from tests.benchmarks.report import Report

QUEUED, QUICK = 100_000, 5_000
CALL = 10_000
CALLS = 200
SUBMIT_SECONDS, ASSIGN_MS, QUOTE_MS = 2.0, 20.0, 50.0
DEPENDENTS_CPU_SECONDS, WAIT_MS = 1.0, 100.0
CALCULATE = "/api/v1/revenue/pricing/calculate"
QUOTE = {
    "tier": "professional",
    "usage_data": {"api_calls": 50000, "storage_gb": 250},
    "engagement_data": {"daily_active_rate": 0.75, "tenure_months": 18},
}
TASKS = "/api/v1/optimization/tasks"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.scheduling_stored")
    parser.add_argument("--quick", action="store_true", help="fewer tasks")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one database")
    chosen = parser.parse_args()
    if chosen.only is None:
        return database.on_both("tests.benchmarks.scheduling_stored", sys.argv[1:])
    report = Report("Stored scheduler benchmark")
    with database.database():
        logging.disable(logging.INFO)  # the line of each request goes to a file elsewhere
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
    beside_the_planner(report, caller)
    submitted_beside_a_writer(report, caller)
    for shape in ("chain", "fan"):
        ended_with_dependents(report, caller, shape)
    waiting_for_ever(report, caller, queued)


def submitted_beside_a_writer(report: Report, caller: Any) -> None:
    """How long a submission keeps another process from writing a row."""
    report.section(f"{CALL:,} tasks in one call, while another process writes a row at a time")
    random = Random(2)  # noqa: S311 - repeatable work, no secret
    tasks = [{**task(random, number), "task_id": f"more-{number}"} for number in range(CALL)]
    for each in tasks:
        each["dependencies"] = [f"more-{need.split('-')[1]}" for need in each["dependencies"]]
    with beside(write_on) as waits, lock_cpu() as held:
        begun = perf_counter()
        answer = caller.send(f"{TASKS}/schedule", {"tasks": tasks})
        spent = perf_counter() - begun
    others = waits()
    report.judge("tasks refused", float(answer.status_code != 201), 0)
    if held:
        report.judge("CPU while it holds SQLite's lock, ms", 1000 * max(held), WAIT_MS)
    report.judge("another process waits for its write at most, ms", 1000 * max(others), WAIT_MS)
    report.say(
        f"- the call took {spent:.2f} s; {len(others)} writes meanwhile, p95 {p95(others):.1f} ms; "
        f"load average {os.getloadavg()[0]:.1f}"
    )


@contextmanager
def lock_cpu() -> Iterator[list[float]]:
    """Seconds of CPU of each transaction that holds SQLite's lock; nothing on PostgreSQL."""
    from django.db import connection  # noqa: PLC0415 - Django is set up only now

    from aethercrown.db.sqlite import base  # noqa: PLC0415 - the same

    held: list[float] = []
    begun: list[float] = []

    def note(execute: Any, sql: str, *more: Any) -> Any:
        if sql.startswith("BEGIN"):
            begun.append(thread_time())
        return execute(sql, *more)

    def over(_seconds: float) -> None:
        if begun:
            held.append(thread_time() - begun.pop())

    base.observers.append(over)
    try:
        with connection.execute_wrapper(note):
            yield held
    finally:
        base.observers.remove(over)


def waiting_for_ever(report: Report, caller: Any, count: int) -> None:
    """Tasks that wait for one whose pool has no worker; then that one is cancelled."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from operations.scheduling.models import Pool, Task  # noqa: PLC0415 - the same
    from operations.scheduling.services import propagate, replan  # noqa: PLC0415 - the same

    report.section(f"{count:,} tasks wait for one that never comes")
    Pool.objects.create(name="nobody")
    never = {"task_type": "nobody", "priority": 2, "estimated_duration": 60}
    caller.send(f"{TASKS}/schedule", {"task_id": "never", **never})
    for first in range(0, count, CALL):
        names = [f"waits-{number}" for number in range(first, min(first + CALL, count))]
        waiting = [{**never, "task_id": name, "dependencies": ["never"]} for name in names]
        caller.send(f"{TASKS}/schedule", {"tasks": waiting})
    begun = perf_counter()
    plan = replan.replan(timezone.now())
    report.say(f"- planned in {perf_counter() - begun:.1f} s: {plan.binding}")
    reading = database.api_client("optimization:read")
    begun = perf_counter()
    found = reading.get(f"{TASKS}/metrics").json()["data"]["bottlenecks"]
    report.judge("the figures and what delays, s", perf_counter() - begun, SUBMIT_SECONDS)
    is_named = any(f"never ({count:,} tasks)" in each["description"] for each in found)
    report.judge("bottlenecks that do not name it", float(not is_named), 0)
    why = reading.get(f"{TASKS}/waits-1").json()["data"]["task"]["why"]
    report.say(f"- one of them says why: {why}; never: {Task.objects.get(task_id='never').status}")
    with beside(write_on) as waits:
        begun = perf_counter()
        answer = caller.send(f"{TASKS}/never/cancel")
        spent = perf_counter() - begun
    report.judge("the call that cancels it, s", spent, propagate.IN_A_CALL.seconds + 1)
    report.judge("another process waits for its write at most, ms", 1000 * max(waits()), WAIT_MS)
    begun = perf_counter()
    propagate.resume(timezone.now())
    rest = perf_counter() - begun
    waits_still = Task.objects.filter(task_type="nobody").exclude(status="failed").count()
    report.judge("tasks not reached after the minute's run", float(waits_still), 0)
    report.say(f"- it answered: {answer.json()['message']}; the rest took {rest:.1f} s")


def beside_the_planner(report: Report, caller: Any) -> None:
    """Assignments and quotes while another process plans all open tasks, again and again."""
    report.section("Assign and quote while a process plans all open tasks without a pause")
    quoting = database.api_client("revenue:write")
    for _ in range(20):
        quoting.send(CALCULATE, QUOTE)
    with beside(plan_on) as counted:
        ours = handed_out(caller)
        quotes = []
        for _ in range(CALLS):
            begun = perf_counter()
            quoting.send(CALCULATE, QUOTE)
            quotes.append(perf_counter() - begun)
    report.judge("assign over HTTP, p95 ms", p95(ours["assign"]), ASSIGN_MS)
    report.judge("quote over HTTP, p95 ms", p95(quotes), QUOTE_MS)
    report.say(
        f"- plans made meanwhile {counted()[0]:.0f}; medians {1000 * median(ours['assign']):.1f} "
        f"and {1000 * median(quotes):.1f} ms; floor p95 {p95(ours['floor']):.1f} ms; "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def ended_with_dependents(report: Report, caller: Any, shape: str) -> None:
    """A failure that reaches 10,000 tasks, while another process writes a row at a time."""
    report.section(f"A failure with {CALL - 1:,} dependents, {shape}")
    needs = {"chain": lambda number: number - 1, "fan": lambda _number: 0}[shape]
    tasks = [
        {
            "task_id": f"{shape}-{number}",
            "task_type": shape,
            "priority": 4,
            "estimated_duration": 1,
            "dependencies": [f"{shape}-{needs(number)}"] if number else [],
        }
        for number in range(CALL)
    ]
    caller.send(f"{TASKS}/schedule", {"tasks": tasks})
    from operations.scheduling.models import Task  # noqa: PLC0415 - Django is set up only now

    Task.objects.filter(task_id=f"{shape}-0").update(queue_key=-1e9)  # it goes first
    caller.send(f"{TASKS}/assign", {"worker": "agent-0"})
    with beside(write_on) as waits:
        clock, begun = process_time(), perf_counter()
        caller.send(f"{TASKS}/{shape}-0/complete", {"worker": "agent-0", "success": False})
        cpu, spent = process_time() - clock, perf_counter() - begun
    failed = Task.objects.filter(task_id__startswith=f"{shape}-", status="failed").count()
    report.judge("tasks not reached", CALL - failed, 0)
    report.judge("CPU of this process, s", cpu, DEPENDENTS_CPU_SECONDS)
    others = waits()
    report.judge("another process waits for its write at most, ms", 1000 * max(others), WAIT_MS)
    report.say(
        f"- the call took {spent:.2f} s; {len(others)} writes meanwhile, p95 {p95(others):.1f} ms; "
        f"load average {os.getloadavg()[0]:.1f}"
    )


@contextmanager
def beside(work: Callable[[Any, Any], None]) -> Iterator[Callable[[], list[float]]]:
    """Run `work` in another process during the block; afterwards gives what it reports."""
    from django.db import connections  # noqa: PLC0415 - Django is set up only now

    context = multiprocessing.get_context("fork")
    over, found = context.Event(), context.Queue()
    results: list[float] = []
    connections.close_all()
    process = context.Process(target=work, args=(over, found))
    process.start()
    found.get()  # it has begun
    try:
        yield lambda: results
    finally:
        over.set()
        results += found.get()
        process.join()


def plan_on(over: Any, found: Any) -> None:
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from aethercrown.embedded.roles import WORKER_NICENESS  # noqa: PLC0415
    from operations.scheduling.services import replan  # noqa: PLC0415

    os.nice(WORKER_NICENESS)  # as the worker that plans
    count = 0
    found.put([])
    while not over.is_set():
        replan.replan(timezone.now() + timedelta(minutes=5 * count))
        count += 1
    found.put([float(count)])


def write_on(over: Any, found: Any) -> None:
    spent = [floor()]
    found.put([])
    while not over.is_set():
        spent.append(floor())
        over.wait(0.01)
    found.put(spent)


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
