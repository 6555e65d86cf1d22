"""`manage.py evidence_pack FILE`: the compliance evidence pack, a zip for an auditor."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from security.compliance import services

FILE_MODE = 0o600


class Command(BaseCommand):
    help = "Write the compliance evidence pack, a zip of tables without secrets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "target", type=Path, nargs="?", default=Path(), help="a file, or a folder (here)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name, content = services.build_pack(timezone.now(), actor="command:evidence_pack")
        given: Path = options["target"]
        target = given / name if given.is_dir() else given
        try:
            target.touch(mode=FILE_MODE, exist_ok=False)
            target.write_bytes(content)
        except OSError as error:
            raise CommandError(f"{target} cannot be written: {error.strerror}.") from error
        self.stdout.write(str(target))
