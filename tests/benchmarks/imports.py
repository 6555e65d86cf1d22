"""An import of 500,000 rows: seconds, memory, the longest write transaction.

`python -m tests.benchmarks.imports`: 200 channels, each row a record of its own; `--quick`: 20,000.
"""

import argparse
import resource
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path
from time import perf_counter, process_time

from tests.benchmarks.database import database
from tests.benchmarks.report import Report

ROWS, QUICK, CHANNELS = 500_000, 20_000, 200
TODAY = date(2026, 11, 20)
SECONDS, LOCK_MILLISECONDS, GROWTH_MIB = 60, 100, 64


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.imports")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK:,} rows")
    rows = QUICK if parser.parse_args().quick else ROWS
    report = Report("Import benchmark")
    report.say(f"# {report.title}")
    with database(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "spend.csv"
        write_file(path, rows)
        run(report, path, rows)
    return report.exit_code


def write_file(path: Path, rows: int) -> None:
    first = TODAY - timedelta(days=rows // CHANNELS + 1)
    with path.open("w", encoding="utf-8") as file:
        file.write("Campaign performance report\nDay,Channel,Cost,Conv. value\n")
        for n in range(rows):
            day = first + timedelta(days=n // CHANNELS)
            file.write(f'{day},channel {n % CHANNELS},"1,{n % 1000:03}.50",{n % 977}.25\n')


def memory_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def run(report: Report, path: Path, rows: int) -> None:
    from aethercrown.db.sqlite import base  # noqa: PLC0415 - Django is set up only now
    from marketing.channels.models import Performance  # noqa: PLC0415
    from operations.imports import services  # noqa: PLC0415

    held: list[float] = []
    base.observers.append(held.append)
    before, begun, cpu = memory_mib(), perf_counter(), process_time()
    with (
        path.open("rb") as file,
        services.check_file(file, "budget-performance", {}, TODAY) as found,
    ):
        checked = perf_counter() - begun
        services.store_file(
            file,
            found,
            name=path.name,
            given={},
            actor="command:benchmark",
            progress=lambda *_: None,
        )
    seconds, cpu = perf_counter() - begun, process_time() - cpu
    records = Performance.objects.count()
    report.say(f"{records:,} records in {seconds:.1f} s ({cpu:.1f} s CPU); check {checked:.1f} s")
    report.say(f"{before:.0f} MiB before, {memory_mib():.0f} MiB at most")
    report.judge_least("records", records, rows)
    report.judge("CPU seconds for 500,000 rows", cpu * ROWS / rows, SECONDS)
    report.judge("memory grows by MiB", memory_mib() - before, GROWTH_MIB)
    report.judge("longest write transaction, ms", 1000 * max(held, default=0), LOCK_MILLISECONDS)


if __name__ == "__main__":
    sys.exit(main())
