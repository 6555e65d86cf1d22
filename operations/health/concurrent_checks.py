"""Many looks at once, each with its own deadline, all ended soon after it.

Every look has a thread: it may block as it likes, nobody waits for one that hangs, and what
hangs is not started a second time. A watcher notes how long threads had to wait for the
processor, because then a timeout says nothing about the target.
"""

import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Self

from operations.health.state_machine import UNHEALTHY, UNKNOWN, Observation

MOST = 1000  # looks at the same moment
GRACE = 0.25  # seconds after the deadline in which a look may still hand in its result
SAMPLE = 0.05
STALLED_SHARE = 0.1  # of the deadline: more waiting than that makes a timeout unknown
Look = Callable[[float], Observation]


@dataclass(frozen=True, slots=True)
class Job:
    """A name, and what looks at it within the seconds it is given."""

    name: str
    look: Look


class Stalls:
    """Sleeps in short steps and adds up by how much it woke too late."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.seconds = 0.0
        self._clock = clock
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, name="health stalls", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()

    def _sample(self) -> None:
        before = self._clock()
        while not self._over.wait(SAMPLE):
            now = self._clock()
            self.note(now - before)
            before = now

    def note(self, took: float) -> None:
        """One step that should have taken SAMPLE; a step twice as long is still no stall."""
        if took > 2 * SAMPLE:
            self.seconds += took - SAMPLE


class Countdown:
    """Counts down from `left`; `over` is set at zero, so that whoever waits wakes up once."""

    def __init__(self, left: int) -> None:
        self.over = threading.Event()
        self._left = left
        self._lock = threading.Lock()
        if not left:
            self.over.set()

    def tick(self) -> None:
        with self._lock:
            self._left -= 1
            if not self._left:
                self.over.set()


class Board:
    """The looks under way in this process, by name, and what they hand in."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._busy: set[str] = set()

    def perform(
        self, jobs: Sequence[Job], seconds: float, *, most: int = MOST
    ) -> dict[str, Observation]:
        """What each job saw; done at the latest a quarter of a second after `seconds`.

        A look still under way then timed out, and one that found no free thread is unknown.
        """
        waiting: queue.SimpleQueue[Job] = queue.SimpleQueue()
        found: dict[str, Observation] = {}
        begun: set[str] = set()
        left = Countdown(len(jobs))
        for job in jobs:
            waiting.put(job)

        def work() -> None:
            while True:
                try:
                    job = waiting.get_nowait()
                except queue.Empty:
                    return
                begun.add(job.name)
                found[job.name] = self._looked(job, seconds)
                left.tick()

        ends = time.monotonic() + seconds + GRACE
        with Stalls() as stalls:
            start(work, min(len(jobs), most), until=lambda: waiting.empty() or late_by(ends) > 0)
            left.over.wait(max(0.0, -late_by(ends)))
            drain(waiting)
        is_stalled = stalls.seconds > STALLED_SHARE * seconds
        return {
            job.name: judged(found.get(job.name), begun=job.name in begun, is_stalled=is_stalled)
            for job in jobs
        }

    def _looked(self, job: Job, seconds: float) -> Observation:
        with self._lock:
            if job.name in self._busy:
                return late("The look before this one has not returned yet.")
            self._busy.add(job.name)
        began = time.monotonic()
        try:
            seen = job.look(seconds)
        except Exception as error:  # noqa: BLE001 - whatever fails is what is to be reported
            words = f"The check itself failed: {type(error).__name__}."
            return Observation(UNHEALTHY, kind="error", error=words)
        finally:
            with self._lock:
                self._busy.discard(job.name)
        return replace(seen, ms=(time.monotonic() - began) * 1000) if seen.works else seen


def start(
    work: Callable[[], None],
    count: int,
    *,
    until: Callable[[], bool],
    thread: Callable[..., threading.Thread] = threading.Thread,
) -> None:
    """Begin up to `count` threads, as long as there is need and time for one more.

    Each runs before the next begins: a thousand that want the interpreter at once spend
    more time on taking turns than on looking. Where the system gives no more, those there suffice.
    """
    for _ in range(count):
        if until():
            return
        try:
            thread(target=work, name="health", daemon=True).start()
        except RuntimeError:
            return


def late_by(ends: float) -> float:
    return time.monotonic() - ends


def late(words: str) -> Observation:
    return Observation(UNHEALTHY, kind="timeout", error=words)


def judged(seen: Observation | None, *, begun: bool, is_stalled: bool) -> Observation:
    """The observation that counts: a timeout only where it was the target's doing."""
    if seen is None and not begun:
        return Observation(UNKNOWN, kind="late", error="There was no time left to look at it.")
    seen = seen or late("There was no answer in time.")
    if seen.kind == "timeout" and is_stalled:
        words = "This machine was too busy to tell a timeout from its own delay."
        return Observation(UNKNOWN, kind="stalled", error=words)
    return seen


def drain(waiting: "queue.SimpleQueue[Job]") -> None:
    """Take away what nobody has begun."""
    while True:
        try:
            waiting.get_nowait()
        except queue.Empty:
            return


board = Board()
