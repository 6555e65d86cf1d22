"""Back up everything into one file for `restore`."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aethercrown.backup import create
from aethercrown.backup.postgres import ToolFailed
from aethercrown.backup.stream import ArchiveDamaged


class Command(BaseCommand):
    help = (
        "Back up the database and the audit's anchors into one file, encrypted if BACKUP_KEY is"
        " set. The keys that it needs (ENCRYPTION_KEYS, SECRET_KEY"
        " and BACKUP_KEY) are never in it: store them elsewhere."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            type=Path,
            default=None,
            metavar="PATH",
            help="a file, or a folder that gets a file named by its time; BACKUP_FOLDER by default",
        )
        parser.add_argument(
            "--keep-all",
            action="store_true",
            help="delete none; by default 7 daily, 4 weekly and 12 monthly ones are kept",
        )

    def handle(self, *_args: object, **options: Any) -> None:
        to: Path = options["to"] or settings.BACKUP_FOLDER
        if options["to"] is None:
            to.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            path = create.create(to, settings.BACKUP_KEY, timezone.now())
        except (OSError, ToolFailed, ArchiveDamaged) as error:
            raise CommandError(f"No back-up was made: {error}") from error
        self.stdout.write(f"{path} ({path.stat().st_size:,} bytes)")
        if not settings.BACKUP_KEY:
            self.stderr.write("It is not encrypted: set BACKUP_KEY (32 random characters).")
        if to.is_dir() and not options["keep_all"]:
            for gone in create.apply_retention(to):
                self.stdout.write(f"Removed {gone.name}: a newer one covers its day.")
