"""Re-wrapping at speed: `python -m tests.benchmarks.envelope [--quick] [--on postgresql|sqlite]`.

A million sealed versions move to a new key-encryption key, killed once on the way; beside it
stands the lower bound, a naive loop that reads and saves one row at a time. On PostgreSQL (of this
run's own, unless DATABASE_URL names one), or on SQLite.
"""

import argparse
import base64
import os
import sys
from time import perf_counter, process_time
from typing import Any

from tests.benchmarks import database
from tests.benchmarks.report import Report
from tests.benchmarks.rotation import run_in_process

ROWS, QUICK = 1_000_000, 20_000
A_KEY = 1_000  # versions
ASKED_MS = 0.2  # a row: 5,000 a second
LOWER_BOUND_ROWS = 2_000
COLUMNS = ("key_id", "state", "reason", "actor", "prefix", "last4", "detail", "tries",
           "created_at", "retire_at", "number", "kek_id", "wrapped", "sealed")  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.envelope")
    parser.add_argument("--quick", action="store_true", help="fewer rows")
    parser.add_argument("--on", choices=["postgresql", "sqlite"], help="only this one, here")
    parser.add_argument("--rows", type=int, default=0, help="another number of rows")
    chosen = parser.parse_args()
    if not chosen.on:
        return run_in_process("tests.benchmarks.envelope", "postgresql", sys.argv[1:])
    report = Report("Re-wrap benchmark")
    with database.database():
        moved(report, chosen.rows or (QUICK if chosen.quick else ROWS))
    return report.exit_code


class Struck(BaseException):
    """The process ended here."""


def moved(report: Report, count: int) -> None:
    from django.conf import settings  # noqa: PLC0415 - Django is set up only now
    from django.db import connection  # noqa: PLC0415

    from security.encryption import reports, services  # noqa: PLC0415

    old = settings.ENCRYPTION_KEYS
    begun = perf_counter()
    fill(count)
    report.say(f"# {report.title}, {connection.vendor}, load {os.getloadavg()[0]:.1f}")
    report.section(f"{count:,} versions, sealed and stored in {perf_counter() - begun:.0f} s")
    settings.ENCRYPTION_KEYS = f"new:{base64.b64encode(b'n' * 32).decode()},{old}"
    begun, cpu = perf_counter(), process_time()
    struck_half_way(services, count)
    *_, state = services.rewrap()
    spent, cpu = perf_counter() - begun, process_time() - cpu
    lower = lower_bound(min(LOWER_BOUND_ROWS, count))
    settings.ENCRYPTION_KEYS = settings.ENCRYPTION_KEYS.partition(",")[0]
    report.judge("rows left under the old key", reports.rows_by_kek().get("tests", 0), 0)
    report.judge("unreadable", len(state.unreadable) + sampled(count), 0)
    report.judge("ms a row", 1000 * spent / count, ASKED_MS)
    report.say(
        f"- {count / spent:,.0f} rows/s (asked 5,000), {spent:.0f} s in all with one stop "
        f"half-way, CPU of this process {1000 * cpu / count:.3f} ms a row; lower bound (a loop) "
        f"{lower:,.0f} rows/s"
    )


def fill(count: int) -> None:
    """Keys with many old versions each."""
    from aethercrown.db import bulk  # noqa: PLC0415 - Django is set up only now
    from security.encryption import services as envelope  # noqa: PLC0415
    from security.encryption.ciphertext import EncryptionContext  # noqa: PLC0415
    from security.rotation.models import SecretVersion  # noqa: PLC0415
    from tests.benchmarks.rotation import create_keys  # noqa: PLC0415

    keys = create_keys(max(1, count // A_KEY), "old")
    now = bulk.stamp(keys[0].created_at)
    for key in keys:
        numbers = range(2, A_KEY + 1)
        places = [
            (f"v{number}", EncryptionContext(key.uuid, number, key.key_type)) for number in numbers
        ]
        sealed = zip(numbers, envelope.seal_many(places), strict=True)
        plain = (key.pk, "retiring", "x", "", "", "", "{}", 0, now, now)
        rows = ((*plain, number, box.kek_id, box.wrapped, box.sealed) for number, box in sealed)
        bulk.insert(SecretVersion, COLUMNS, rows)


def struck_half_way(services, count: int) -> None:
    left = count // services.BATCH_ROWS // 2

    def strike(name: str) -> None:
        nonlocal left
        left -= name == "rewrap.after_batch"
        if left == 0:
            raise Struck

    try:
        for _state in services.rewrap(failpoint=strike):
            pass
    except Struck:
        return


def sampled(count: int) -> int:
    """How many of 1,000 rows do not open under the new key alone."""
    from security.rotation import reports  # noqa: PLC0415 - the same
    from security.rotation.models import SecretVersion  # noqa: PLC0415

    rows = SecretVersion.objects.select_related("key").order_by("pk")[:: max(1, count // 1000)]
    expected = (("first" if each.number == 1 else f"v{each.number}", each) for each in rows)
    return sum(reports.decrypt(each.key, each) != value for value, each in expected)


def lower_bound(count: int) -> float:
    """A row at a time: read, re-wrap, save."""
    from security.encryption import ciphertext, reports  # noqa: PLC0415 - Django is set up only now
    from security.rotation.models import SecretVersion  # noqa: PLC0415

    begun = perf_counter()
    for pk in SecretVersion.objects.values_list("pk", flat=True).order_by("pk")[:count]:
        version: Any = SecretVersion.objects.select_related("key").get(pk=pk)
        version.ciphertext = ciphertext.rewrap(
            version.ciphertext, version.encryption_context(version.key), reports.keyring()
        )
        version.save()
    return count / (perf_counter() - begun)


if __name__ == "__main__":
    sys.exit(main())
