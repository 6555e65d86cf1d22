"""How fast the platform starts, and how much memory the whole of it takes.

Real processes on a data folder of their own; times are from the start of the command to the
first 200 of /readyz, memory is the proportional share (PSS) summed over every process.
"""

import argparse
import http.client
import json
import os
import sys
import tempfile
import time
from pathlib import Path

from tests import rig

WARM_SECONDS = 3.0
PSS_MB = 400.0
SETTLED_SECONDS = 10.0


def main(argv: list[str]) -> int:
    options = argparse.ArgumentParser(prog="stack", description=__doc__)
    options.add_argument("--repeat", type=int, default=3, help="warm starts to measure")
    options.add_argument("--quick", action="store_true", help="one warm start")
    options.add_argument("--json", action="store_true")
    chosen = options.parse_args(argv)
    repeat = 1 if chosen.quick else chosen.repeat
    with tempfile.TemporaryDirectory(prefix="aethercrown-stack-") as place:
        measured = figures(Path(place) / "data", repeat)
    print(json.dumps(measured) if chosen.json else table(measured))  # noqa: T201 - its output
    return int(not measured["met"])


def figures(folder: Path, repeat: int) -> dict[str, object]:
    """One first start with the demo company, then warm ones; memory in the last of them."""
    first = rig.start(folder, DEMO="1")
    try:
        seconds_first = first_answer(first)
        first.wait_until_ready()
        first.stop()
    finally:
        first.end()

    warm, stops, memory = [], [], 0.0
    for _ in range(repeat):
        stack = rig.start(folder, DEMO="1")
        try:
            warm.append(first_answer(stack))
            stack.wait_until_whole()
            time.sleep(SETTLED_SECONDS)
            memory = sum(pss(pid) for pid in stack.living())
            began = time.monotonic()
            stack.stop()
            stops.append(time.monotonic() - began)
        finally:
            stack.end()
    return {
        "first_start_seconds": round(seconds_first, 2),
        "warm_start_seconds": [round(each, 2) for each in warm],
        "stop_seconds": [round(each, 2) for each in stops],
        "pss_mb": round(memory, 1),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        "met": min(warm) <= WARM_SECONDS and memory <= PSS_MB,
    }


def first_answer(stack: rig.Stack) -> float:
    """Seconds from now, just after its start, to the first 200."""
    began = time.monotonic()
    while not answers(stack.port):
        if stack.process.poll() is not None:
            raise RuntimeError(stack.printed())
        time.sleep(0.01)
    return time.monotonic() - began


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", "/readyz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def pss(pid: int) -> float:
    """Megabytes: a page that several processes share counts as its fraction in each."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1000


def table(measured: dict[str, object]) -> str:
    targets = {"warm_start_seconds": f"<= {WARM_SECONDS:g} (best)", "pss_mb": f"<= {PSS_MB:g}"}
    return "\n".join(
        f"{name:<22}{value!s:<28}{targets.get(name, '')}" for name, value in measured.items()
    )


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
