"""Runs automations from Python: the class that the contract names."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from threading import Event

from operations.automations import reports, services
from operations.automations.registry import automation_registry
from operations.automations.run_rules import RunResult

Progress = Callable[[str, int, int], None]


class AutomationRunner:
    """Runs what is due, as the scheduled tasks do."""

    def __init__(self, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
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
        """Run once through all automations by name; a failure of one does not stop the others.

        Runs every automation that is on and due; with `force` each that is on, due or not; with
        `only` exactly those named (UnknownName before anything runs). `progress` is called
        before each begins, with its name, its place from 1, and how many there are.
        """
        for name in only:
            automation_registry.get(name)
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
        """Each `check_interval_minutes` until `stop`: run all tasks, `report` the results."""
        while not self._over.is_set():
            report(self.run_all_tasks())
            self._over.wait(check_interval_minutes * 60)

    def stop(self) -> None:
        """End after the current automation; safe in a signal handler."""
        self._over.set()
