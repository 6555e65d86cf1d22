"""The runner: tasks a second beside a plain Celery loop, what one run costs, and the sweep.

Real processes on a data folder of their own: a Valkey, and one worker with two processes. The
plain loop is the same broker and worker with acknowledgement at once and as many messages
prefetched as Celery likes: what a queue does that promises nothing.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import redis

from tests import rig
from tests.benchmarks.report import Report
from tests.faults.crew import Crew, wait_for

COUNT, QUICK = 8_000, 1_500
ANCHOR = 206.0  # tasks a second at a load of ten, with the same settings, as measured before
CPU_MS = 3.5  # of worker CPU for one empty task; 2.61 were measured
RUN_MS = 15.0  # for one run through the ledger: claim, lease, work, note


def main() -> int:
    parser = argparse.ArgumentParser(prog="automation", description=__doc__)
    parser.add_argument("--quick", action="store_true")
    count = QUICK if parser.parse_args().quick else COUNT
    report = Report("Automation")
    report.say(
        f"# Automation ({count} tasks, load {os.getloadavg()[0]:.1f}, {os.cpu_count()} cores)"
    )
    with tempfile.TemporaryDirectory(prefix="aethercrown-automation-") as place:
        crew = Crew(Path(place) / "data", works=1, every=3600, seconds=(0.0,))
        try:
            crew.set_up()
            compare(report, crew, count)
            ledger(report, crew)
        finally:
            crew.end()
    return report.exit_code


def compare(report: Report, crew: Crew, count: int) -> None:
    """Empty tasks through our settings and through Celery's plain ones, on one broker."""
    report.section("Empty tasks")
    ours = drained(crew, count, ["--prefetch-multiplier", "1"], acks_late=True)
    plain = drained(crew, count, ["--prefetch-multiplier", "4"], acks_late=False)
    report.table(
        ("settings", "tasks/s", "CPU ms each", "two free cores could do", "load"),
        [
            ("acks late, prefetch 1 (ours)", *told(ours)),
            ("acks early, prefetch 4 (plain Celery)", *told(plain)),
        ],
    )
    report.say(f"- Guide: 800/s on two idle cores; {ANCHOR:.0f}/s at a load of ten.")
    report.judge("CPU of an empty task, ms", ours[1], CPU_MS)


def told(found: tuple[float, float]) -> tuple[str, str, str, str]:
    """Tasks a second as they were, and as many as their CPU alone allows on two cores."""
    rate, cpu = found
    return f"{rate:.0f}", f"{cpu:.2f}", f"{2000 / cpu:.0f}", f"{os.getloadavg()[0]:.1f}"


def drained(crew: Crew, count: int, flags: list[str], *, acks_late: bool) -> tuple[float, float]:
    """Tasks a second and CPU milliseconds a task, from a full queue to an empty one."""
    script = (
        "from tests.faults import noop; import sys;"
        " noop.fill(int(sys.argv[1]), late=sys.argv[2] == 'True')"
    )
    crew.call("-c", script, str(count), str(acks_late))
    with redis.Redis.from_url(crew.address.url) as client:
        quiet = ["--without-gossip", "--without-mingle", "-l", "ERROR"]
        crew.start("bench", "worker", "-c", "2", "-Q", "bench",
                   "-n", "bench@%h", *flags, *quiet, app="tests.faults.noop")  # fmt: skip
        wait_for(lambda: int(client.get("noop") or 0) > 50, 120)
        begun, cpu = int(client.get("noop") or 0), spent(crew)
        began = time.monotonic()
        wait_for(lambda: int(client.get("noop") or 0) >= count, 300)
        seconds = time.monotonic() - began
        used = spent(crew) - cpu
        crew.kill("bench")
        client.delete("noop")
    done = count - begun
    return done / seconds, 1000 * used / done


def spent(crew: Crew) -> float:
    """CPU seconds of the worker and its children."""
    ticks = os.sysconf("SC_CLK_TCK")
    total = 0
    for pid in rig.family(crew.at_work["bench"].pid):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / ticks


def ledger(report: Report, crew: Crew) -> None:
    """What a run costs that can neither be lost nor doubled: rows, a claim, a lease."""
    report.section("Runs through the ledger, in one process")
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.noop"], cwd=rig.ROOT, env=crew.environment(),
        check=True, capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    told = json.loads(done.stdout.splitlines()[-1])
    report.table(("what", "ms"), [(name, f"{value:.2f}") for name, value in told.items()])
    report.judge("one run through the ledger, ms of CPU", told["run, CPU"], RUN_MS)


if __name__ == "__main__":
    sys.exit(main())
