"""API keys rotated under load: `python -m tests.benchmarks.apikeys_rotated [--quick]`.

Real web processes on a data folder of their own. Another process rotates one key after the
other; meanwhile callers show the keys over HTTP, the old ones and their successors alike. Within
its grace no call of an old key may be refused; after it, every one must be.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tests import rig
from tests.benchmarks.report import Report

ROTATIONS, QUICK = 1_000, 60
CALLERS = 6
GRACE = 45.0  # seconds that an old key works on
CLOSE = 1.0  # seconds before its end in which a call is not begun: it may arrive too late
CALL = "/api/v1/operational/security/keys/report"
FAST = 1_000_000  # calls at once and a second: not what is measured here


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.apikeys_rotated")
    parser.add_argument("--quick", action="store_true", help="fewer rotations")
    parser.add_argument("--rotate", type=int, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.rotate:
        return rotate(chosen.rotate)
    report = Report("API keys rotated under load")
    with (
        tempfile.TemporaryDirectory(prefix="aethercrown-keys-") as place,
        rig.running(
            Path(place) / "data", API_BURST=str(FAST), API_RATE_PER_SECOND=str(FAST)
        ) as stack,
    ):
        run(report, stack, QUICK if chosen.quick else ROTATIONS)
    return report.exit_code


def rotate(count: int) -> int:
    """In a process of its own: make the keys, then rotate each, a line of JSON a rotation."""
    import django  # noqa: PLC0415 - only this process uses it

    django.setup()
    from datetime import timedelta  # noqa: PLC0415

    from security.apikeys import services  # noqa: PLC0415
    from security.apikeys.models import ApiKey  # noqa: PLC0415

    made = [services.create(f"caller {number}", ["operational:read"]) for number in range(count)]
    for number, issued in enumerate(made):
        say(key=number, text=issued.plaintext)
    for number, issued in enumerate(made):
        begun = time.monotonic()
        new = services.rotate(issued.key.pk, timedelta(seconds=GRACE))
        took = time.monotonic() - begun
        end = ApiKey.objects.get(pk=issued.key.pk).retire_at
        say(key=number, text=new.plaintext, ends=end.timestamp(), took=took)  # type: ignore[union-attr]  # just set
    return 0


def say(**line: object) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


@dataclass
class Ring:
    """Every key that a caller may show, and until when; safe between threads."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    ends: dict[str, float | None] = field(default_factory=dict)  # by text; None: never
    current: dict[int, str] = field(default_factory=dict)
    took: list[float] = field(default_factory=list)
    rotated: int = 0

    def note(self, line: dict[str, object]) -> None:
        number, text = int(str(line["key"])), str(line["text"])
        with self.lock:
            if "ends" in line:
                self.ends[self.current[number]] = float(str(line["ends"]))
                self.took.append(float(str(line["took"])))
                self.rotated += 1
            self.current[number] = text
            self.ends[text] = None

    def one(self, random: Random) -> str | None:
        """A key that works for a while yet; every second one is being replaced, if there is one."""
        now = time.time()
        with self.lock:
            texts = list(self.ends.items())
        for _ in range(20):
            text, end = texts[random.randrange(len(texts))]
            if end is None and random.random() < 0.5:
                continue
            if end is None or now < end - CLOSE:
                return text
        return None


def run(report: Report, stack: rig.Stack, count: int) -> None:
    report.say(f"# {report.title}")
    ring, answers, stop = Ring(), Counter[str](), threading.Event()
    rotator = subprocess.Popen(  # noqa: S603 - our own module
        [sys.executable, "-m", "tests.benchmarks.apikeys_rotated", "--rotate", str(count)],
        env=environment(stack),
        stdout=subprocess.PIPE,
        text=True,
    )
    callers = [
        threading.Thread(target=call, args=(stack.port, ring, answers, stop, seed))
        for seed in range(CALLERS)
    ]
    begun = time.monotonic()
    started = False
    for line in rotator.stdout or ():
        if line.startswith("{") and "text" in line:
            ring.note(json.loads(line))
        if not started and len(ring.current) == count:
            started, begun = True, time.monotonic()
            for each in callers:
                each.start()
    seconds = time.monotonic() - begun
    last = max(end for end in ring.ends.values() if end)
    time.sleep(max(0.0, last - time.time() - CLOSE))
    stop.set()
    for each in callers:
        each.join()
    told(report, ring, answers, seconds, count)
    afterwards(report, stack.port, ring)
    if rotator.wait() != 0:
        raise RuntimeError("The rotating process failed.")


def environment(stack: rig.Stack) -> dict[str, str]:
    """As the platform's own processes have it: its database, its pepper, its broker."""
    mine = {name: text for name, text in os.environ.items() if name not in rig.TEST_VARIABLES}
    mine.update(
        DATA_DIR=str(stack.folder),
        DJANGO_SETTINGS_MODULE="aethercrown.settings",
        LOG_LEVEL="WARNING",
    )
    return mine


def call(port: int, ring: Ring, answers: "Counter[str]", stop: threading.Event, seed: int) -> None:
    """Show keys, one after the other, over one connection."""
    random = Random(seed)  # noqa: S311 - repeatable work, no secret
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    while not stop.is_set():
        text = ring.one(random)
        if text is None:
            continue
        with ring.lock:
            old = ring.ends[text] is not None
        status = shown(connection, text)
        with ring.lock:
            answers[f"{'old' if old else 'current'} {status}"] += 1
    connection.close()


def shown(connection: http.client.HTTPConnection, text: str) -> int:
    try:
        connection.request("GET", CALL, headers={"Authorization": f"Bearer {text}"})
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException):
        connection.close()
        return 0
    return answer.status


def told(report: Report, ring: Ring, answers: "Counter[str]", seconds: float, count: int) -> None:
    calls = sum(answers.values())
    refused = {name: number for name, number in answers.items() if not name.endswith(" 200")}
    report.say(f"- answers: {dict(sorted(answers.items()))}")
    report.say(
        f"- {count:,} keys rotated in {seconds:.1f} s; a rotation took "
        f"{1000 * sorted(ring.took)[len(ring.took) // 2]:.1f} ms at the median; "
        f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    report.judge("rotations that are missing", count - ring.rotated, 0)
    report.judge(f"refused calls of {calls:,} within the grace", sum(refused.values()), 0)


def afterwards(report: Report, port: int, ring: Ring) -> None:
    """Every old key is over, and every successor works.

    A key in use may have had its end put off once, by its grace: those are waited for.
    """
    time.sleep(CLOSE + 1)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    old = [text for text, end in ring.ends.items() if end is not None]
    put_off = [text for text in old if shown(connection, text) != 401]
    if put_off:
        report.say(f"- {len(put_off)} keys in use had their end put off")
        time.sleep(GRACE + CLOSE)
    alive = sum(shown(connection, text) != 401 for text in put_off)
    dead = sum(shown(connection, text) != 200 for text in ring.current.values())
    connection.close()
    report.judge(f"of {len(old):,} old keys that still open after the grace", alive, 0)
    report.judge(f"of {len(ring.current):,} successors that do not open", dead, 0)


if __name__ == "__main__":
    raise SystemExit(main())
