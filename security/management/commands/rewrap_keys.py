"""`manage.py rewrap_keys`: every stored secret moves to the first of ENCRYPTION_KEYS."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aethercrown.crypto.keyring import UnknownKek
from security.encryption import services


class Command(BaseCommand):
    help = (
        "Wrap every data key by the first key of ENCRYPTION_KEYS. Runs beside everything else, "
        "and may be stopped and run again at any time: what was done stays done."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--batch", type=int, default=services.BATCH, help="rows a commit")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["batch"] < 1:
            raise CommandError(f"--batch is {options['batch']}: must be 1 or more.")
        try:
            for state in services.rewrap(options["batch"]):
                self.stdout.write(f"{state.left} rows left")
        except (services.WrongKek, services.WornOut, UnknownKek) as error:
            raise CommandError(str(error)) from error
        if state.unreadable:
            shown = "\n".join(state.unreadable[:20])
            raise CommandError(f"{len(state.unreadable)} rows cannot be opened:\n{shown}")
        self.stdout.write(f"{state.done} rows were re-wrapped.")
