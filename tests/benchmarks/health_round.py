"""Stored rounds of 1,000 components: `python -m tests.benchmarks.health_round [--quick]`.

Ten hosts on loopback, each with parents and their children, are checked and recorded as the
platform does it, with parents, witnesses, incidents and alerts: all answer; a third of the parents
hang with all their children; and all hang, as without a network. On PostgreSQL where DATABASE_URL
names one, else on SQLite. Times are wall time.
"""

import argparse
import logging
import sys
from collections import Counter
from datetime import timedelta
from time import perf_counter, process_time

from tests.benchmarks import database
from tests.benchmarks.health import (
    DEADLINE_SECONDS,
    MAX_EXTRA_SECONDS,
    SLOWEST_MS,
    delays,
    load,
    serving,
)
from tests.benchmarks.report import Report

COMPONENTS, QUICK = 1_000, 200
CHILDREN = 9  # of each parent
FAILING = 3  # every third parent
HOSTS = tuple(f"127.0.0.{number}" for number in range(1, 11))
NETWORKS = "127.0.0.0/8"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.health_round")
    parser.add_argument("--quick", action="store_true", help="fewer components")
    chosen = parser.parse_args()
    report = Report("Stored health rounds")
    with serving(*HOSTS) as (port, _), database.database():
        logging.disable(logging.INFO)  # the alerts' lines go to a file elsewhere
        run(report, port, QUICK if chosen.quick else COMPONENTS)
    return report.exit_code


def run(report: Report, port: int, count: int) -> None:
    from django.conf import settings  # noqa: PLC0415 - Django is set up only now
    from django.db import connection  # noqa: PLC0415 - the same

    from operations.alerts.models import Alert  # noqa: PLC0415 - the same
    from operations.health.models import Component  # noqa: PLC0415 - the same

    settings.HEALTH_CHECK_TIMEOUT_SECONDS = DEADLINE_SECONDS
    report.say(f"# {report.title}, {connection.vendor}")
    create(count, port)
    slowest = SLOWEST_MS / 1000
    checked(report, f"{count:,} that answer", slowest)
    checked(report, f"{count:,} that answer, again", slowest)
    report.judge("not healthy", count - Component.objects.filter(status="healthy").count(), 0)

    report.section("Every third parent hangs, with its children")
    down = fail(port)
    for number in range(3):
        checked(report, f"failure {number + 1}", DEADLINE_SECONDS)
    found = set(Component.objects.filter(state="down").values_list("pk", flat=True))
    report.judge("false downs", len(found - down), 0)
    report.judge("down and not found", len(down - found), 0)
    told = Counter(Alert.objects.values_list("kind", flat=True))
    parents = Component.objects.filter(pk__in=down, parent=None).count()
    report.judge_between("alerts, of the parents that failed", told.total(), parents, parents)

    report.section("All hang")
    fail(port, every=1)
    checked(report, "with the witnesses asked", 2 * DEADLINE_SECONDS)
    still = set(Component.objects.filter(state="down").values_list("pk", flat=True))
    report.judge("more downs than before", len(still - found), 0)
    network = Alert.objects.filter(kind="network", state="open").count()
    report.judge_between("alerts of the checker's own network", network, 1, 1)
    report.say(f"- load average {load():.1f}")


def create(count: int, port: int) -> None:
    """The components, each parent on one host with its children."""
    from operations.health.models import Component  # noqa: PLC0415 - Django is set up only now

    parent: Component | None = None
    for number, milliseconds in enumerate(delays(count)):
        place = number % (CHILDREN + 1)
        made = Component(
            name=f"component {number}",
            target=target(number, port, f"d/{milliseconds}"),
            networks=NETWORKS,
            parent=parent if place else None,
        )
        made.save()
        parent = parent if place else made


def target(number: int, port: int, path: str) -> str:
    host = HOSTS[number // (CHILDREN + 1) % len(HOSTS)]
    return f"http://{host}:{port}/{path}"


def fail(port: int, every: int = FAILING) -> set[int]:
    """Let every third parent hang, with its children; all of them."""
    from operations.health.models import Component  # noqa: PLC0415 - Django is set up only now

    down = set()
    for number, each in enumerate(Component.objects.order_by("pk")):
        if number // (CHILDREN + 1) % every == 0:
            each.target = target(number, port, "hang")
            each.save(update_fields=["target"])
            down.add(each.pk)
    return down


def checked(report: Report, words: str, slowest: float) -> None:
    """One round over all of them, checked and recorded."""
    from django.utils import timezone  # noqa: PLC0415 - Django is set up only now

    from operations.health.concurrent_checks import CheckRunner  # noqa: PLC0415 - the same
    from operations.health.models import Component  # noqa: PLC0415 - the same
    from operations.health.services import run_checks  # noqa: PLC0415 - the same

    Component.objects.update(checked_at=timezone.now() - timedelta(hours=1))
    begun, clock = perf_counter(), process_time()
    run_checks.check_components(Component.objects.all(), timezone.now, CheckRunner())
    spent, cpu = perf_counter() - begun, process_time() - clock
    report.judge(f"{words}: a stored round, s", spent, slowest + MAX_EXTRA_SECONDS)
    report.say(f"- CPU of this process {cpu:.2f} s; load average {load():.1f}")


if __name__ == "__main__":
    sys.exit(main())
