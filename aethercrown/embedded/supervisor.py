"""The loop that reads the children's output, restarts them and stops them in order."""

import contextlib
import os
import selectors
import signal
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from aethercrown.embedded.children import Child, fork
from aethercrown.embedded.prefixed_output import PrefixedOutput, print_lines

TICK_SECONDS = 1.0
HURRIED_TICK_SECONDS = 0.02
MAX_EXITS = 5  # within WINDOW_SECONDS: then it gives up
WINDOW_SECONDS = 60.0
FIRST_PAUSE_SECONDS = 0.5
LONGEST_PAUSE_SECONDS = 30.0


class StopRequested(Exception):
    """A stop was requested, by Ctrl-C or SIGTERM."""


class RestartLimitReached(Exception):
    """A child ended too often; the message has its name and its last lines."""


@dataclass(slots=True)
class RestartPolicy:
    """The recent exits of one child, and the pause before the first restart."""

    times: deque[float] = field(default_factory=deque)
    first_pause: float = FIRST_PAUSE_SECONDS

    def note(self, now: float) -> None:
        """Record an exit, and drop those older than the window."""
        self.times.append(now)
        while self.times[0] <= now - WINDOW_SECONDS:
            self.times.popleft()

    def gave_up(self) -> bool:
        """Whether it ended five times within a minute."""
        return len(self.times) >= MAX_EXITS

    def pause(self) -> float:
        """The wait before the next start, doubled with each recent exit."""
        doubled = self.first_pause * 2.0 ** (len(self.times) - 1)
        return min(doubled, LONGEST_PAUSE_SECONDS) if self.times else 0.0


@dataclass(slots=True)
class SupervisedProcess:
    """A child that is restarted when it ends, and how many seconds it may take to stop."""

    name: str
    run: Callable[[], object]
    grace: float
    printer: PrefixedOutput
    restarts: RestartPolicy
    child: Child | None = None
    start_at: float = 0.0


@dataclass(slots=True)
class Supervisor:
    """The children of one data folder. Everything happens in the main thread."""

    logs: Path
    closed: tuple[int, ...] = ()
    processes: list[SupervisedProcess] = field(default_factory=list)
    stop_requests: int = 0
    selector: selectors.BaseSelector = field(default_factory=selectors.DefaultSelector)
    clock: Callable[[], float] = time.monotonic

    @contextlib.contextmanager
    def listening(self) -> Iterator[None]:
        """Let signals wake the loop, until the end of the block."""
        woken, waker = os.pipe()
        for each in (woken, waker):
            os.set_blocking(each, False)
        self.closed = (*self.closed, woken, waker)
        self.selector.register(woken, selectors.EVENT_READ)
        former_waker = signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
        former = {
            number: signal.signal(number, handler)
            for number, handler in {
                signal.SIGINT: self.request_stop,
                signal.SIGTERM: self.request_stop,
                signal.SIGHUP: self.request_stop,
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

    def request_stop(self, _number: int, _frame: object) -> None:
        self.stop_requests += 1

    def run_once(self, name: str, run: Callable[[], object], closed: tuple[int, ...] = ()) -> Child:
        """Start a child that is not restarted; `finish` waits for its end."""
        return self.start(name, run, self.printer(name), closed)

    def finish(self, child: Child) -> int:
        """Wait for the child's end; its status. Raises StopRequested."""
        while not child.ended():
            self.read_output(TICK_SECONDS)
            if self.stop_requests:
                child.kill()
                raise StopRequested
        self.read_rest(child)
        return child.status or 0

    def supervise(
        self,
        name: str,
        run: Callable[[], object],
        *,
        grace: float,
        first_pause: float = FIRST_PAUSE_SECONDS,
    ) -> None:
        """Start a child that is restarted after a pause whenever it ends."""
        restarts = RestartPolicy(first_pause=first_pause)
        process = SupervisedProcess(
            name=name, run=run, grace=grace, printer=self.printer(name), restarts=restarts
        )
        self.processes.append(process)
        process.child = self.start(name, run, process.printer)

    def printer(self, name: str) -> PrefixedOutput:
        return PrefixedOutput(name=name, log=self.logs / f"{name}.log")

    def start(
        self,
        name: str,
        run: Callable[[], object],
        printer: PrefixedOutput,
        closed: tuple[int, ...] = (),
    ) -> Child:
        outputs = tuple(key.fd for key in self.selector.get_map().values() if key.data)
        child = fork(name, run, (*self.closed, *outputs, *closed))
        self.selector.register(child.output, selectors.EVENT_READ, printer)
        return child

    def tick(self, seconds: float) -> None:
        """Read output for at most `seconds`, then restart the children whose pause is over.

        Raises StopRequested, or RestartLimitReached where a child ended too often.
        """
        self.read_output(seconds)
        if self.stop_requests:
            raise StopRequested
        for process in self.processes:
            if process.child and process.child.ended():
                self.handle_exit(process)
            if not process.child and self.clock() >= process.start_at:
                process.child = self.start(process.name, process.run, process.printer)

    def read_output(self, seconds: float) -> None:
        """Read what the children print, until a signal comes or the time is over."""
        for key, _events in self.selector.select(seconds):
            try:
                received = os.read(key.fd, 65536)
            except BlockingIOError:
                continue
            if key.data and received:
                key.data.write(received)
            elif key.data:
                self.close_output(key.fd, key.data)

    def read_rest(self, child: Child) -> None:
        """Read what an ended child printed last, and close its pipe."""
        heard = self.selector.get_map().get(child.output)
        if not heard:
            return
        with contextlib.suppress(BlockingIOError):
            while received := os.read(child.output, 65536):
                heard.data.write(received)
        self.close_output(child.output, heard.data)

    def close_output(self, output: int, printer: PrefixedOutput) -> None:
        printer.end()
        self.selector.unregister(output)
        os.close(output)

    def handle_exit(self, process: SupervisedProcess) -> None:
        """Record an exit, kill the rest of the group, and set the time of the next start."""
        child = process.child
        if not child:
            return
        child.kill()
        self.read_rest(child)
        process.child = None
        process.restarts.note(self.clock())
        how = f"{process.name} ended with status {child.status}"
        if process.restarts.gave_up():
            last = "\n".join([*process.printer.last, f"(log: {process.printer.log})"])
            raise RestartLimitReached(
                f"{how}, for the {len(process.restarts.times)}th time within a minute.\n{last}"
            )
        pause = process.restarts.pause()
        process.start_at = self.clock() + pause
        print_lines([f"{how}; it starts again in {pause:g} s."])

    def stop(self) -> None:
        """Stop the children one by one, last started first; a second request kills all."""
        enough = self.stop_requests + 1
        for process in reversed(self.processes):
            child = process.child
            if not child or child.ended():
                continue
            child.send_signal(signal.SIGTERM)
            give_up = self.clock() + process.grace
            while not child.ended() and self.clock() < give_up and self.stop_requests < enough:
                self.read_output(0.1)
        for process in self.processes:
            if child := process.child:
                child.kill()
                while not child.ended():
                    self.read_output(0.05)
                self.read_rest(child)
                process.child = None
