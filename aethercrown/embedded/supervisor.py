"""The loop that keeps children running: hears them, starts them again, and stops them in order."""

import contextlib
import os
import selectors
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aethercrown.embedded.children import Child, fork
from aethercrown.embedded.prefixed_output import PrefixedOutput, print_lines
from aethercrown.embedded.restart_policy import FIRST_PAUSE_SECONDS, RestartPolicy

TICK_SECONDS = 1.0
HURRIED_TICK_SECONDS = 0.02


class StopRequested(Exception):
    """Somebody wants everything to stop: Ctrl-C, or SIGTERM."""


class RestartLimitReached(Exception):
    """A child ended too often; the message names it and carries its last lines."""


@dataclass(slots=True)
class SupervisedProcess:
    """A child to be kept running, and how long it may take to stop."""

    name: str
    run: Callable[[], object]
    grace: float
    voice: PrefixedOutput
    deaths: RestartPolicy
    child: Child | None = None
    start_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """The children of one data folder. Everything happens in the main thread."""

    logs: Path
    closed: tuple[int, ...] = ()
    kept: list[SupervisedProcess] = field(default_factory=list)
    asked: int = 0
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    clock: Callable[[], float] = time.monotonic

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Turn signals into a wake-up of the loop, until the end of the block."""
        woken, waker = os.pipe()
        for each in (woken, waker):
            os.set_blocking(each, False)
        self.closed = (*self.closed, woken, waker)
        self.selector.register(woken, selectors.EVENT_READ)
        former_waker = signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        former = {
            number: signal.signal(number, handler)
            for number, handler in {
                signal.SIGINT: self.ask,
                signal.SIGTERM: self.ask,
                signal.SIGHUP: self.ask,
                signal.SIGCHLD: lambda _number, _frame: None,
            }.items()
        }
        try:
            yield
        finally:
            for number, handler in former.items():
                signal.signal(number, handler)
            signal.set_wakeup_fd(former_waker)
            self.selector.unregister(woken)
            os.close(woken)
            os.close(waker)

    def ask(self, _number: int, _frame: object) -> None:
        self.asked += 1

    def begin(self, name: str, run: Callable[[], object], closed: tuple[int, ...] = ()) -> Child:
        """Start a child that runs once; it is waited for by `finish`."""
        return self.start(name, run, self.voice(name), closed)

    def finish(self, child: Child) -> int:
        """Wait for the child's end and give its status; Asked if a stop is asked for meanwhile."""
        while not child.ended():
            self.hear(TICK_SECONDS)
            if self.asked:
                child.kill()
                raise StopRequested
        self.hear_out(child)
        return child.status or 0

    def keep(
        self,
        name: str,
        run: Callable[[], object],
        *,
        grace: float,
        first_pause: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        """Start a child that is started again whenever it ends, the first time after a pause."""
        deaths = RestartPolicy(first_pause=first_pause)
        kept = SupervisedProcess(
            name=name, run=run, grace=grace, voice=self.voice(name), deaths=deaths
        )
        self.kept.append(kept)
        kept.child = self.start(name, run, kept.voice)

    def voice(self, name: str) -> PrefixedOutput:
        return PrefixedOutput(name=name, log=self.logs / f"{name}.log")

    def start(
        self,
        name: str,
        run: Callable[[], object],
        voice: PrefixedOutput,
        closed: tuple[int, ...] = (),
    ) -> Child:
        outputs = tuple(key.fd for key in self.selector.get_map().values() if key.data)
        child = fork(name, run, (*self.closed, *outputs, *closed))
        self.selector.register(child.output, selectors.EVENT_READ, voice)
        return child

    def tick(self, seconds: float) -> None:
        """Hear the children for at most `seconds`, then see who ended and who is due again.

        Asked when a stop was asked for; GaveUp when a child ended too often.
        """
        self.hear(seconds)
        if self.asked:
            raise StopRequested
        for kept in self.kept:
            if kept.child and kept.child.ended():
                self.mourn(kept)
            if not kept.child and self.clock() >= kept.start_at:
                kept.child = self.start(kept.name, kept.run, kept.voice)

    def hear(self, seconds: float) -> None:
        """Wait until something is printed, a signal comes, or the time is over."""
        for key, _events in self.selector.select(seconds):
            try:
                received = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if key.data and received:
                key.data.hear(received)
            elif key.data:
                self.forget(key.fd, key.data)

    def hear_out(self, child: Child) -> None:
        """Take what an ended child printed last."""
        heard = self.selector.get_map().get(child.output)
        if not heard:
            return
        with contextlib.suppress(BlockingIOError):
            while received := os.read(child.output, 65536):
                heard.data.hear(received)
        self.forget(child.output, heard.data)

    def forget(self, output: int, voice: PrefixedOutput) -> None:
        voice.end()
        self.selector.unregister(output)
        os.close(output)

    def mourn(self, kept: SupervisedProcess) -> None:
        """Note a death, take the rest of its group along, and set the time of the next start."""
        child = kept.child
        if not child:
            return
        child.kill()
        self.hear_out(child)
        kept.child = None
        kept.deaths.note(self.clock())
        how = f"{kept.name} ended with status {child.status}"
        if kept.deaths.are_too_many():
            last = "\n".join([*kept.voice.last, f"(log: {kept.voice.log})"])
            raise RestartLimitReached(
                f"{how}, for the {len(kept.deaths.times)}th time within a minute.\n{last}"
            )
        pause = kept.deaths.pause()
        kept.start_at = self.clock() + pause
        print_lines([f"{how}; it starts again in {pause:g} s."])

    def stop(self) -> None:
        """Stop one child after the other, last kept first; a second request kills all."""
        enough = self.asked + 1
        for kept in reversed(self.kept):
            child = kept.child
            if not child or child.ended():
                continue
            child.tell(signal.SIGTERM)
            give_up = self.clock() + kept.grace
            while not child.ended() and self.clock() < give_up and self.asked < enough:
                self.hear(0.1)
        for kept in self.kept:
            if kept.child:
                self.bury(kept.child)
                kept.child = None

    def bury(self, child: Child) -> None:
        """Make sure that a child and its group are gone, and hear its last words."""
        child.kill()
        while not child.ended():
            self.hear(0.05)
        self.hear_out(child)
