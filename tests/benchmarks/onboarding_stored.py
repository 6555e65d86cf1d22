"""10,000 active onboardings: `python -m tests.benchmarks.onboarding_stored [--quick]`.

Status, report, list and page over the whole API, a step completed, and the sweep of SLA clocks that
are due at the same moment. On SQLite and then on a PostgreSQL that is started for it; `--only`
chooses one. Times are wall time beside the CPU of this process. `--quick`: 1,000 flows.
"""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from statistics import median
from time import perf_counter, process_time
from typing import Any

from tests.benchmarks import database
from tests.benchmarks.report import Report

FLOWS, QUICK = 10_000, 1_000
CALLS, WRITES, DUE = 200, 40, 500
STATUS_MS, REPORT_MS, PAGE_MS, WRITE_MS = 50.0, 500.0, 300.0, 100.0
SWEEP_EVERY, OUTBOX, ALERT_SECONDS = 20.0, 5.0, 60.0
PATH = "/api/v1/enterprise/onboarding"
STEPS = ("documentation_access", "training_schedule", "support_channel_setup")


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.onboarding_stored")
    parser.add_argument("--quick", action="store_true", help="fewer flows")
    parser.add_argument("--only", choices=["sqlite", "postgresql"], help="one database")
    chosen = parser.parse_args()
    if chosen.only is None:
        return database.on_both("tests.benchmarks.onboarding_stored", sys.argv[1:])
    report = Report("Stored onboarding benchmark")
    with database.database():
        logging.disable(logging.INFO)  # the line of each request goes to a file elsewhere
        run(report, QUICK if chosen.quick else FLOWS)
    return report.exit_code


def run(report: Report, count: int) -> None:
    from django.db import connection  # noqa: PLC0415 - Django is set up only now

    report.say(f"# {report.title}, {connection.vendor}, {count:,} active flows")
    ids = fill(count)
    caller = database.api_client("all")
    chosen = ids[:: max(1, len(ids) // CALLS)][:CALLS]
    report.section("Reading")
    for name, asked, paths in (
        ("status", STATUS_MS, [f"{PATH}/{each}/status" for each in chosen]),
        ("report", REPORT_MS, [f"{PATH}/{each}/report" for each in chosen[: CALLS // 4]]),
        ("list of 50", STATUS_MS * 2, [f"{PATH}?limit=50"] * (CALLS // 10)),
    ):
        judge(report, name, asked, [partial(reads, caller, path) for path in paths])
    judge(report, "page of all", PAGE_MS, [page()] * (CALLS // 10))
    report.section("Writing")
    paths = [f"{PATH}/{each}/steps/{name}/complete" for each in chosen for name in STEPS]
    judge(
        report, "complete a step", WRITE_MS,
        [partial(writes, caller, path) for path in paths[:WRITES]],
    )  # fmt: skip
    judge(
        report, "create", WRITE_MS,
        [
            partial(writes, caller, f"{PATH}/create", {"company_name": f"New {n}"})
            for n in range(WRITES)
        ],
    )  # fmt: skip
    report.section(f"Sweep: {DUE} clocks are due at the same moment")
    seconds, recorded = sweep()
    report.judge_least("thresholds recorded", recorded, DUE)
    waited = SWEEP_EVERY + seconds + OUTBOX
    report.judge("threshold to message at most, s", waited, ALERT_SECONDS)
    report.say(f"- {seconds:.1f} s for the sweep itself; load average {os.getloadavg()[0]:.1f}")


def fill(count: int) -> list[str]:
    """One flow after the worker has done its part, and copies of its rows."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from enterprise.onboarding import models  # noqa: PLC0415
    from enterprise.onboarding.services import automation, flows  # noqa: PLC0415
    from revenue.customers.models import Customer  # noqa: PLC0415

    first = flows.create(flows.NewCompany("Company 0", 500), timezone.now())
    automation.run_due()
    first.refresh_from_db()
    steps = list(first.steps.all())
    names = [f"Company {place}" for place in range(1, count)]
    customers = Customer.objects.bulk_create(
        Customer(external_id=f"company-{place}", name=name) for place, name in enumerate(names, 1)
    )
    made = models.OnboardingFlow.objects.bulk_create(
        copied(first, company_name=each.name, company_key=each.name.lower(), customer=each)
        for each in customers
    )
    copies = models.OnboardingStep.objects.bulk_create(
        copied(step, flow=flow) for flow in made for step in steps
    )
    clocks(steps, copies)
    return [str(each.onboarding_id) for each in made]


def copied(row: Any, **values: Any) -> Any:
    """A new row with the values of another; ids of its own."""
    kept = {
        field.attname: getattr(row, field.attname)
        for field in row._meta.concrete_fields
        if not field.primary_key and not (field.unique and not field.is_relation)
    }
    made = type(row)(**kept)
    for name, value in values.items():
        setattr(made, name, value)
    return made


def clocks(steps: Sequence[Any], copies: Sequence[Any]) -> None:
    """The clocks of the copied steps, with their events."""
    from enterprise.sla.models import SlaClock, SlaClockEvent  # noqa: PLC0415 - only now

    known = {
        each.subject: (each, list(each.events.all()))
        for each in SlaClock.objects.filter(kind="step")
    }
    by_name: dict[str, Any] = {each.name: known.get(f"onboarding step {each.pk}") for each in steps}
    found = [(step, by_name[step.name]) for step in copies if by_name[step.name]]
    made = SlaClock.objects.bulk_create(
        copied(clock, subject=f"onboarding step {step.pk}") for step, (clock, _) in found
    )
    SlaClockEvent.objects.bulk_create(
        copied(event, clock=clock)
        for clock, (_, (_, events)) in zip(made, found, strict=True)
        for event in events
    )


def page() -> Callable[[], None]:
    from django.contrib.auth import get_user_model  # noqa: PLC0415 - Django is set up only now
    from django.test import Client  # noqa: PLC0415

    client = Client()
    client.force_login(get_user_model().objects.create_superuser("bench", password=None))
    return lambda: good(client.get("/dashboards/onboarding", secure=True))


def reads(caller: Any, path: str) -> None:
    good(caller.get(path))


def writes(caller: Any, path: str, body: Any = None) -> None:
    good(caller.send(path, body))


def good(answer: Any) -> None:
    if answer.status_code not in {200, 201}:
        raise RuntimeError((answer.status_code, answer.content[:300]))


def judge(report: Report, name: str, asked: float, calls: Sequence[Callable[[], Any]]) -> None:
    calls[0]()  # what is loaded once is no part of a call
    spent, cpu = [], []
    for call in calls[1:]:
        began, clock = perf_counter(), process_time()
        call()
        spent.append(perf_counter() - began)
        cpu.append(process_time() - clock)
    report.judge(f"{name}, p95 ms", 1000 * sorted(spent)[int(0.95 * len(spent))], asked)
    report.say(
        f"- {name}: median {1000 * median(spent):.1f} ms, CPU {1000 * median(cpu):.1f} ms a call"
    )


def sweep() -> tuple[float, int]:
    """The seconds in which the thresholds of clocks that are due together are recorded."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from enterprise.sla.models import SlaClock  # noqa: PLC0415
    from enterprise.sla.services import record_due  # noqa: PLC0415

    running = SlaClock.objects.filter(state="running", kind="step").order_by("pk")
    chosen = list(running.values_list("pk", flat=True)[:DUE])
    SlaClock.objects.exclude(pk__in=chosen).update(next_threshold_at=None)
    later = timezone.now() + timedelta(days=14)
    SlaClock.objects.filter(pk__in=chosen).update(next_threshold_at=later)
    began, recorded = perf_counter(), 0
    while found := record_due(later):
        recorded += found
    return perf_counter() - began, recorded


if __name__ == "__main__":
    sys.exit(main())
