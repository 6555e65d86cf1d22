"""`manage.py evidence_pack FILE`: how keys are managed, in one zip for an auditor."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from security.compliance import services

MODE = 0o600


class Command(BaseCommand):
    help = "Write the evidence pack: inventory, policy, history, exceptions, proof. No secrets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "place", type=Path, nargs="?", default=Path(), help="a file, or a folder (here)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, content = services.pack(timezone.now(), actor="command:evidence_pack")
        place: Path = options["place"]
        target = place / name if place.is_dir() else place
        try:
            target.touch(mode=MODE, exist_ok=False)
            target.write_bytes(content)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from error
        self.stdout.write(str(target))
