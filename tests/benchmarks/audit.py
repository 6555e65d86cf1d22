"""The audit's chain: how long a link takes, how fast a million events are verified, what is found.

Beside it stand two peers on the same million rows: Django's own log of the admin, which has
nothing to verify with, and the plain way to re-read a table with json and sha256 a row, without
a chain. Run: `python -m tests.benchmarks.audit [--quick]`.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

EVENTS, QUICK = 1_000_000, 50_000
STREAMS = 40
ASKED_SECONDS, ASKED_LINK = 60.0, 16.0
CHANGES = 200
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)


def main() -> int:
    """Everything on a SQLite file of its own; 1 where a figure missed its mark."""
    folder = Path(tempfile.mkdtemp(prefix="aethercrown-audit-"))
    os.environ.update(DATA_DIR=str(folder), DATABASE_URL="", HTTPS="False")
    os.environ["DJANGO_SETTINGS_MODULE"] = "aethercrown.settings"
    try:
        return measured(QUICK if "--quick" in sys.argv else EVENTS)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def measured(count: int) -> int:
    import django  # noqa: PLC0415 - the environment comes first

    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - after set-up

    from tests.benchmarks.report import Report  # noqa: PLC0415 - the same

    call_command("migrate", verbosity=0)
    report = Report("Audit")
    report.say(f"# Audit: {count:,} events in {STREAMS} streams, {os.cpu_count()} cores")
    report.judge(
        "microseconds of CPU for one link (hash and canonical JSON)", link_hash(), ASKED_LINK
    )
    write(count)
    asked = ASKED_SECONDS * count / EVENTS
    wall, processor = verify()
    report.say(f"- {wall:.1f} s went by, on a machine with a load of {os.getloadavg()[0]:.1f}")
    what = f"seconds of CPU to verify {count:,} events (SQLite runs within the process)"
    report.judge(what, processor, asked, aim=asked / 2)
    found = tampered()
    report.judge(f"of {CHANGES} changes not found by the chain", CHANGES - found, 0)
    peers(report, count)
    return report.exit_code


def link_hash() -> float:
    """The least mean of five runs of 20,000 links, in microseconds of CPU."""
    from security.audit.chain import GENESIS, ChainEntry, link_hash  # noqa: PLC0415 - after set-up

    entry = ChainEntry("key:17", 1, NOON, "key.rotated", "payments", "user:anna", '{"version":12}')
    best = float("inf")
    for _ in range(5):
        began, previous = time.process_time(), GENESIS
        for _ in range(20_000):
            previous = link_hash(previous, entry)
        best = min(best, (time.process_time() - began) / 20_000 * 1e6)
    return best


def write(count: int) -> None:
    from security.audit import services  # noqa: PLC0415 - after set-up

    for start in range(0, count, 10_000):
        said = [
            services.AuditEntry(
                f"key:{number % STREAMS}",
                "key.rotated",
                f"key {number}",
                "user:anna",
                {"n": number},
            )
            for number in range(start, min(start + 10_000, count))
        ]
        services.record_all(said, NOON + timedelta(seconds=start))
    services.anchor(NOON)


def verify() -> tuple[float, float]:
    """Seconds by the clock and of CPU, for the whole chain."""
    from security.audit import reports  # noqa: PLC0415 - after set-up

    began, used = time.perf_counter(), time.process_time()
    faults = reports.chain_faults()
    took = time.perf_counter() - began, time.process_time() - used
    if faults:
        raise SystemExit(f"A whole chain was found to be broken: {faults[0]}")
    return took


def tampered() -> int:
    """How many changes of one value are found, looking at the changed stream alone."""
    from random import Random  # noqa: PLC0415 - after set-up

    from security.audit import reports  # noqa: PLC0415 - after set-up
    from security.audit.verify import Link  # noqa: PLC0415 - the same
    from tests.security.audit.tampering import first_fault  # noqa: PLC0415 - the same

    random = Random(1)  # noqa: S311 - reproducible, not secret
    links = list(reports.links("key:1"))[:2_000]
    found = 0
    for _ in range(CHANGES):
        place = random.randrange(len(links))
        old = links[place]
        entry = type(old.entry)(*_fields(old.entry, actor=f"user:{random.randrange(10**6)}"))
        other = Link(old.row, entry, old.previous, old.hash)
        fault = first_fault("key:1", [*links[:place], other, *links[place + 1 :]], _end(links[-1]))
        found += fault is not None and fault.seq == place + 1
    return found


def _fields(entry, **changes):
    return [changes.get(name, getattr(entry, name)) for name in entry.__slots__]


def _end(last):
    from security.audit.verify import StreamEnd  # noqa: PLC0415 - after set-up

    return StreamEnd(last.entry.seq, last.hash)


def peers(report, count: int) -> None:
    """The same rows read the plain way, and Django's log, which notices nothing."""
    from django.contrib.admin.models import LogEntry  # noqa: PLC0415 - after set-up

    from security.audit.models import Event  # noqa: PLC0415 - the same

    began = time.perf_counter()
    for row in Event.objects.order_by("pk").values().iterator(chunk_size=5_000):
        sha256(json.dumps(row, sort_keys=True, default=str).encode()).hexdigest()
    naive = time.perf_counter() - began
    names = {field.name for field in LogEntry._meta.get_fields()}
    noticed = len(names & {"hash", "digest", "previous", "signature"})
    report.section("Peers")
    report.table(
        ["", "seconds", "changes noticed"],
        [
            [
                "every row re-read with json and sha256, no chain",
                f"{naive:.1f}",
                "edits only",
            ],
            ["Django's LogEntry: columns to verify with", "-", noticed],
        ],
    )


if __name__ == "__main__":
    sys.exit(main())
