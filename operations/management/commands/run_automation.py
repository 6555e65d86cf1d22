"""Run automations from the command line, as the scheduled tasks do."""

import signal
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aethercrown.formatting import counted
from aethercrown.registry import UnknownName
from operations.automations import run_rules
from operations.automations.run_rules import RunResult
from operations.automations.runner import AutomationRunner


class Command(BaseCommand):
    help = (
        "Run every automation that is on and due, by name, and print what each did."
        " Exit code 1 if one failed, 2 if a name is unknown."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--only",
            action="append",
            default=[],
            metavar="NAME",
            help="run this one, due or not, even where it is off; may be repeated",
        )
        parser.add_argument("--all", action="store_true", help="run all that are on, due or not")
        parser.add_argument(
            "--dry-run",
            action="store_true",
            help="store nothing; runs all that are on unless --only is given",
        )
        parser.add_argument(
            "--continuous",
            action="store_true",
            help="run again every CHECK_INTERVAL_MINUTES, until SIGTERM or Ctrl-C",
        )
        parser.add_argument("--json", action="store_true", help="print results as JSON")

    def handle(self, *_args: object, **options: Any) -> None:
        if not settings.AUTOMATION_ENABLED:
            self.stderr.write("AUTOMATION_ENABLED is False: nothing was run.")
            return
        if options["continuous"] and (options["only"] or options["all"] or options["dry_run"]):
            raise CommandError("--continuous runs what is due: leave out --only, --all, --dry-run.")
        runner = AutomationRunner()
        if options["continuous"]:
            self._keep_running(runner, as_json=options["json"])
            return
        try:
            results = runner.run_all_tasks(
                only=options["only"],
                force=options["all"],
                dry_run=options["dry_run"],
                progress=self._show_progress,
            )
        except UnknownName as error:
            raise CommandError(str(error), returncode=2) from error
        self._print(results, as_json=options["json"])
        if any(each.state == "failed" for each in results):
            sys.exit(1)

    def _show_progress(self, name: str, place: int, count: int) -> None:
        """On a terminal, name the automation that begins."""
        if self.stderr.isatty():
            self.stderr.write(f"{place}/{count} {name} ...", self.style.NOTICE)

    def _keep_running(self, runner: AutomationRunner, *, as_json: bool) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: runner.stop())
        minutes = settings.CHECK_INTERVAL_MINUTES
        self.stderr.write(f"Running due automations every {counted(minutes, 'minute')}.")
        runner.run_continuous(minutes, lambda results: self._print(results, as_json=as_json))
        self.stderr.write("Stopped after the current automation.")

    def _print(self, results: Sequence[RunResult], *, as_json: bool) -> None:
        if as_json:
            self.stdout.write(run_rules.as_json(results))
        elif results:
            self.stdout.write(run_rules.table(results))
        failed = sum(each.state == "failed" for each in results)
        idle = sum(each.state == "not due" for each in results)
        self.stderr.write(
            f"{counted(len(results), 'automation')}: {len(results) - failed - idle} ran,"
            f" {idle} not due, {failed} failed.",
            self.style.ERROR if failed else self.style.SUCCESS,
        )
