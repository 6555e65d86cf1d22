"""Back up everything into one file for `restore`."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aethercrown import paths
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
            metavar="PATH",
            help="a file, or a folder (such as backups/) that gets a file named by its time; by"
            " default BACKUP_FOLDER",
        )
        parser.add_argument("--force", action="store_true", help="replace a file that exists")
        parser.add_argument(
            "--keep-all",
            action="store_true",
            help="delete none; by default 7 daily, 4 weekly and 12 monthly ones are kept",
        )

    def handle(self, *_args: object, **options: Any) -> None:
        now = timezone.now()
        given: str = options["to"] or f"{settings.BACKUP_FOLDER}/"
        is_folder = paths.is_folder(given)
        try:
            target = paths.new_file(given, create.file_name(now), force=options["force"])
            path = create.create(target, settings.BACKUP_KEY, now)
        except OSError as error:
            reason = f"{error.filename or given}: {error.strerror or error}."
            raise CommandError(f"No back-up was made: {reason}") from error
        except (ToolFailed, ArchiveDamaged) as error:
            raise CommandError(f"No back-up was made: {error}") from error
        self.stdout.write(f"{path} ({path.stat().st_size:,} bytes)")
        if not settings.BACKUP_KEY:
            self.stderr.write("It is not encrypted: set BACKUP_KEY (32 random characters).")
        if is_folder and not options["keep_all"]:
            for deleted in create.apply_retention(path.parent):
                self.stdout.write(f"Deleted {deleted.name}: a newer one covers its period.")
