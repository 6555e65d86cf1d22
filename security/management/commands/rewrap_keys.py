"""`manage.py rewrap_keys`: re-wrap every stored secret under the first of ENCRYPTION_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aethercrown.formatting import counted
from security.encryption import services
from security.encryption.reports import WrongKek


class Command(BaseCommand):
    help = (
        "Wrap every data key with the first key of ENCRYPTION_KEYS. The platform may run "
        "meanwhile, and the command may be stopped and run again."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=services.BATCH_ROWS, help="rows a commit")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError(f"--batch is {options['batch']}: must be 1 or more.")
        try:
            for progress in services.rewrap(options["batch"]):
                self.stdout.write(f"{counted(progress.left, 'row')} left")
        except (WrongKek, services.KekExhausted) as error:
            raise CommandError(str(error)) from error
        if progress.unreadable:
            shown = "\n".join(progress.unreadable[:20])
            raise CommandError(
                f"{counted(len(progress.unreadable), 'row')} cannot be decrypted:\n{shown}"
            )
        self.stdout.write(f"{counted(progress.done, 'row')} re-wrapped.")
