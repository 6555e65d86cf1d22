"""How long callers wait while the platform works: `python -m tests.benchmarks.latency [--quick]`.

The platform runs as `make run` starts it: web, beat and worker, with all automations. 100,000 tasks
are open, and a further process plans them all, again and again, with a worker's priority. One
client makes the calls in turns over one connection. On SQLite and then on a PostgreSQL that is
started for it; `--only` chooses one, of which DATABASE_URL names the PostgreSQL. Times are wall
time.
"""

import argparse
import http.client
import itertools
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter
from typing import Any

from tests import rig
from tests.benchmarks import database
from tests.benchmarks.report import Report
from tests.benchmarks.scheduling_stored import CALCULATE, CALL, QUEUED, QUOTE, TASKS, p95, task

ROUNDS = 200
UNLIMITED = "1000000"
KEYS = f"benchmark:{'A' * 43}="  # which a named database needs
QUICK_TASKS, QUICK_ROUNDS = 5_000, 30
MOST_MS = {"assign": 20.0, "quote": 50.0}  # p95; of the other calls the figure is only printed
READS = {
    "list of 50 tasks": f"{TASKS}?limit=50",
    "one task": f"{TASKS}/task-1",
    "health trends": "/api/v1/operational/health/trends",
    "tiers": "/api/v1/revenue/tiers",
    "readyz": "/readyz",
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.latency")
    parser.add_argument("--quick", action="store_true", help="fewer tasks and calls")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one database")
    parser.add_argument("--plan", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.plan:
        return plan_on()
    if chosen.only is None:
        return database.on_both("tests.benchmarks.latency", sys.argv[1:])
    report = Report("Latency beside the background")
    tasks, rounds = (QUICK_TASKS, QUICK_ROUNDS) if chosen.quick else (QUEUED, ROUNDS)
    url = os.environ.get("DATABASE_URL", "")
    report.say(f"# {report.title}, {'PostgreSQL' if url else 'SQLite'}")
    with tempfile.TemporaryDirectory(prefix="aethercrown-latency-") as folder:
        data = Path(folder) / "data"
        with rig.running(
            data,
            DEMO="1",
            DATABASE_URL=url,
            ENCRYPTION_KEYS=KEYS,
            API_BURST=UNLIMITED,
            API_RATE_PER_SECOND=UNLIMITED,
        ) as platform:
            measure(report, platform, url, tasks, rounds)
    return report.exit_code


def measure(report: Report, platform: rig.Stack, url: str, tasks: int, rounds: int) -> None:
    caller = Caller(platform)
    random = Random(1)  # noqa: S311 - repeatable work, no secret
    for first in range(0, tasks, CALL):
        rows = [task(random, number) for number in range(first, min(first + CALL, tasks))]
        caller.post(f"{TASKS}/schedule", {"tasks": rows})
    report.section(f"{tasks:,} open tasks; web, beat, worker and a planner without a pause")
    spent: dict[str, list[float]] = {}
    with planner(platform, url):
        caller.connection.close()  # the server ended it while the first plan was made
        for number in range(rounds):
            one_round(caller, f"agent-{number % 16}", spent)
    for name, seconds in spent.items():
        most = MOST_MS.get(name)
        if most is not None:
            report.judge(f"{name}, p95 ms", p95(seconds), most)
    rows_shown = [
        (name, f"{1000 * median(each):.1f}", f"{p95(each):.1f}") for name, each in spent.items()
    ]
    report.table(("call", "median ms", "p95 ms"), rows_shown)
    report.say(f"- load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")


def one_round(caller: "Caller", worker: str, spent: dict[str, list[float]]) -> None:
    """Each call once."""

    def timed(name: str, call: Any, *given: Any) -> Any:
        begun = perf_counter()
        answer = call(*given)
        spent.setdefault(name, []).append(perf_counter() - begun)
        return answer

    found = timed("assign", caller.post, f"{TASKS}/assign", {"worker": worker})
    name = found["data"]["assignments"][0]["task"]["task_id"]
    timed("complete", caller.post, f"{TASKS}/{name}/complete", {"worker": worker})
    timed("quote", caller.post, CALCULATE, QUOTE)
    for title, path in READS.items():
        timed(title, caller.get, path)


class Caller:
    """Calls over one connection, with the key of the platform's first start."""

    def __init__(self, platform: rig.Stack) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", platform.port, timeout=60)
        self.headers = {
            "Authorization": f"Bearer {platform.api_key}",
            "Content-Type": "application/json",
        }

    def get(self, path: str) -> Any:
        return self.ask("GET", path, None)

    def post(self, path: str, body: Any) -> Any:
        return self.ask("POST", path, json.dumps(body))

    def ask(self, method: str, path: str, body: str | None) -> Any:
        self.connection.request(method, path, body, self.headers)
        answer = self.connection.getresponse()
        content = answer.read()
        if answer.status >= 300:
            raise RuntimeError(f"{method} {path}: {answer.status} {content[:500]!r}")
        return json.loads(content)


@contextmanager
def planner(platform: rig.Stack, url: str) -> Iterator[None]:
    """Plan all open tasks in a process of its own during the block."""
    variables = {
        **rig.outer_environment(),
        "DATABASE_URL": url,
        "ENCRYPTION_KEYS": KEYS,
        "DATA_DIR": str(platform.folder),
        "DJANGO_SETTINGS_MODULE": "aethercrown.settings",
    }
    command = [sys.executable, "-m", "tests.benchmarks.latency", "--plan"]
    process = subprocess.Popen(command, env=variables, stdout=subprocess.PIPE)  # noqa: S603 - our own module
    try:
        if process.stdout is None or process.stdout.readline() != b"planned\n":
            raise RuntimeError("the planner did not plan")
        yield
        if process.poll() is not None:
            raise RuntimeError("the planner has ended")
    finally:
        process.kill()
        process.wait()


def plan_on() -> int:
    """Plan until the process is killed."""
    import django  # noqa: PLC0415 - the environment names the settings

    django.setup()
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from aethercrown.embedded.roles import WORKER_NICENESS  # noqa: PLC0415 - the same
    from operations.scheduling.services import replan  # noqa: PLC0415 - the same

    os.nice(WORKER_NICENESS)
    for count in itertools.count():  # from a later time each, so that starts are written
        replan.replan(timezone.now() + timedelta(minutes=5 * count))
        print("planned", flush=True)  # noqa: T201 - the sign that it works
    return 0


if __name__ == "__main__":
    sys.exit(main())
