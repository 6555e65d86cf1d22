"""List jobs, show one, follow it to its end, or cancel it."""

import getpass
import time
from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aethercrown.formatting import percent_text
from aethercrown.text import last_line
from operations.jobs import reports, services

LISTED = 20
WAIT_SECONDS = 0.5


class Command(BaseCommand):
    help = "List jobs, show one, follow it to its end, or cancel it."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("job", type=int, nargs="?", metavar="ID", help="one job")
        parser.add_argument("--all", action="store_true", help="also those that have ended")
        parser.add_argument("--wait", action="store_true", help="follow the job to its end")
        parser.add_argument("--cancel", action="store_true", help="cancel the job")

    def handle(self, *_args: object, **options: Any) -> None:
        number: int | None = options["job"]
        if number is None:
            if options["wait"] or options["cancel"]:
                raise CommandError("Name the job by its number.", returncode=2)
            found = list(reports.jobs()[:LISTED] if options["all"] else reports.open_jobs())
            for each in found:
                self.stdout.write(describe(each))
            if not found:
                self.stdout.write("No job." if options["all"] else "No open job.")
            return
        try:
            self.one(number, wait=options["wait"], cancel=options["cancel"])
        except (reports.Job.DoesNotExist, services.InvalidTransition) as error:
            raise CommandError(str(error)) from error

    def one(self, number: int, *, wait: bool, cancel: bool) -> None:
        if cancel:
            actor = f"command:{getpass.getuser()}"
            services.cancel(number, actor=actor, now=timezone.now())
        last = reports.job(number)
        self.stdout.write(describe(last))
        for last in followed(number) if wait else ():
            self.stdout.write(describe(last))
        if wait and last.state != reports.Job.State.DONE:
            raise CommandError(f"Job {number} is {last.state}.")


def followed(number: int) -> Iterator[reports.Job]:
    """The job each time that it has changed, until it has ended."""
    job = reports.job(number)
    while job.is_open:
        time.sleep(WAIT_SECONDS)
        before, job = describe(job), reports.job(number)
        if describe(job) != before:
            yield job


def describe(job: reports.Job) -> str:
    """One line: number, title, state, and how far it is or why it failed."""
    share = "" if job.percent is None else f", {percent_text(job.percent, 0)}"
    more = last_line(job.error) if job.error else job.note
    return (
        f"{job.pk}  {job.title} {job.subject}".rstrip()
        + f": {job.state}{share}"
        + (f", {more}" if more else "")
    )
