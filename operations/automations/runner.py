"""The contract's Python form of the runner."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event

from operations.automations import registry, reports, services
from operations.automations.run_rules import RunResult

Progress = Callable[[str, int, int], None]


def now_in_utc() -> datetime:
    return datetime.now(UTC)


class AutomationRunner:
    """Runs what is due, through the same ledger as the schedules.

    `only` names automations to run whether due or not; `report` hears of each pass of
    `run_continuous`.
    """

    def __init__(self, clock: Callable[[], datetime] = now_in_utc) -> None:
        self._clock = clock
        self._over = Event()

    def run_all_tasks(
        self,
        *,
        only: Sequence[str] = (),
        force: bool = False,
        dry_run: bool = False,
        progress: Progress = lambda _name, _place, _count: None,
    ) -> list[RunResult]:
        """One pass in fixed order; a failure of one stops no other.

        Every automation that is on and due runs; with `force` each that is on, due or not; with
        `only` exactly those named (UnknownAutomation before anything runs). `progress` hears of
        each just before it begins: its name, its place from 1, and how many there are.
        """
        for name in only:
            registry.named(name)
        chosen = sorted(set(only)) or reports.switched_on()
        results: list[RunResult] = []
        for place, name in enumerate(chosen, 1):
            if self._over.is_set():
                break
            progress(name, place, len(chosen))
            if dry_run:
                results.append(services.dry_run(name, self._clock()))
            elif only or force:
                results.append(services.run_planned(name, self._clock(), trigger="manual"))
            else:
                done = services.run_due(name, clock=self._clock)
                results.extend(done or [RunResult(name, "not due")])
        return results

    def run_continuous(
        self,
        check_interval_minutes: float = 30,
        report: Callable[[list[RunResult]], None] = lambda _results: None,
    ) -> None:
        """A pass each `check_interval_minutes`, until `stop`; a step once begun is finished."""
        while not self._over.is_set():
            report(self.run_all_tasks())
            self._over.wait(check_interval_minutes * 60)

    def stop(self) -> None:
        """End after the current step; safe in a signal handler."""
        self._over.set()
