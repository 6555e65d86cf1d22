"""Run many checks at once, each with its own deadline; all end soon after it.

Every check has a thread: it may block, nothing waits for one that hangs, and a hanging check is
not started a second time. A sampler measures how long threads had to wait for the processor,
because a timeout then says nothing about the target.
"""

import queue
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Self

from operations.health.state_machine import UNHEALTHY, UNKNOWN, Observation

MAX_THREADS = 1000
GRACE_SECONDS = 0.25  # after the deadline, in which a check may still return
SAMPLE_SECONDS = 0.05
STALLED_SHARE = 0.1  # of the deadline: with more waiting than that a timeout is unknown
CheckFunction = Callable[[float], Observation]  # within the seconds that it is given


class StallSampler:
    """Sleeps in short steps and adds up by how much it wakes too late."""

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
        while not self._over.wait(SAMPLE_SECONDS):
            now = self._clock()
            self.add_step(now - before)
            before = now

    def add_step(self, took: float) -> None:
        """Add one step of `took` seconds; up to twice SAMPLE_SECONDS is not a stall."""
        if took > 2 * SAMPLE_SECONDS:
            self.seconds += took - SAMPLE_SECONDS


class CheckRunner:
    """Runs checks in threads; remembers by name until when those may take that are running."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[str, float] = {}  # by the monotonic clock

    def run(
        self, jobs: Mapping[str, CheckFunction], seconds: float, *, max_threads: int = MAX_THREADS
    ) -> dict[str, Observation]:
        """The observation of each job, at the latest GRACE_SECONDS after `seconds`.

        Without those that another caller is running at this moment.
        """
        waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        done: queue.SimpleQueue[tuple[str, Observation | None]] = queue.SimpleQueue()
        found: dict[str, Observation | None] = {}
        started: set[str] = set()
        for name in jobs:
            waiting.put(name)

        def work() -> None:
            while True:
                try:
                    name = waiting.get_nowait()
                except queue.Empty:
                    return
                started.add(name)
                done.put((name, self._observed(name, jobs[name], seconds)))

        ends = time.monotonic() + seconds + GRACE_SECONDS
        with StallSampler() as stalls:
            threads = min(len(jobs), max_threads)
            start_threads(work, threads, until=lambda: waiting.empty() or time.monotonic() > ends)
            with suppress(queue.Empty):
                while len(found) < len(jobs):
                    found |= [done.get(timeout=max(0.0, ends - time.monotonic()))]
            with suppress(queue.Empty):  # jobs that have not started
                while True:
                    waiting.get_nowait()
        is_stalled = stalls.seconds > STALLED_SHARE * seconds
        return judged(jobs, found, started, is_stalled=is_stalled)

    def _observed(self, name: str, check: CheckFunction, seconds: float) -> Observation | None:
        """What the check says; None while another one of it still has time."""
        began = time.monotonic()
        with self._lock:
            if name in self._running:
                is_hung = began > self._running[name]
                return timed_out("The previous check has not returned yet.") if is_hung else None
            self._running[name] = began + seconds
        try:
            seen = check(seconds)
        except Exception as error:  # noqa: BLE001 - any failure of a check is reported
            words = f"The check itself failed: {type(error).__name__}."
            return Observation(UNHEALTHY, error_kind="error", error=words)
        finally:
            with self._lock:
                del self._running[name]
        took_ms = (time.monotonic() - began) * 1000
        return replace(seen, response_ms=took_ms) if seen.works else seen


def start_threads(
    work: Callable[[], None],
    count: int,
    *,
    until: Callable[[], bool],
    thread: Callable[..., threading.Thread] = threading.Thread,
) -> None:
    """Start up to `count` threads, one after another, until `until` is true.

    Each runs before the next starts: a thousand threads that want the interpreter at once spend
    more time on switching than on checks. If the system refuses another, those started suffice.
    """
    for _ in range(count):
        if until():
            return
        try:
            thread(target=work, name="health", daemon=True).start()
        except RuntimeError:
            return


def timed_out(words: str) -> Observation:
    return Observation(UNHEALTHY, error_kind="timeout", error=words)


def judged(
    jobs: Iterable[str],
    found: Mapping[str, Observation | None],
    started: Collection[str],
    *,
    is_stalled: bool,
) -> dict[str, Observation]:
    """What counts of each job, but of those of which nothing was found out."""
    return {
        name: final_observation(found.get(name), was_started=name in started, is_stalled=is_stalled)
        for name in jobs
        if found.get(name, name) is not None
    }


def final_observation(
    seen: Observation | None, *, was_started: bool, is_stalled: bool
) -> Observation:
    """What counts of a check: a timeout only if the target caused it, not this machine."""
    if seen is None and not was_started:
        return Observation(UNKNOWN, error_kind="late", error="There was no time left to check it.")
    seen = seen or timed_out("There was no answer in time.")
    if seen.error_kind == "timeout" and is_stalled:
        words = "This machine was too busy to tell a timeout from its own delay."
        return Observation(UNKNOWN, error_kind="stalled", error=words)
    return seen


runner = CheckRunner()
