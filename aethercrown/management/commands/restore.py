"""Restore a back-up, or check that it can be restored."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aethercrown import paths
from aethercrown.backup import last_restore_test, restore
from aethercrown.backup.postgres import ToolFailed
from aethercrown.backup.stream import ArchiveDamaged, NotEncrypted
from aethercrown.embedded.servers import ServerUnavailable
from aethercrown.formatting import duration_text


class Command(BaseCommand):
    help = (
        "Restore a back-up: it is checked first, restored beside, and swapped in last. Then"
        " automation is paused until a person calls resume_automation."
    )
    requires_system_checks = []  # an empty database has nothing to check yet

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("path", metavar="FILE", help="a back-up")
        parser.add_argument(
            "--check",
            action="store_true",
            help="restore into a temporary database, compare every table, and delete it",
        )
        parser.add_argument(
            "--unencrypted",
            action="store_true",
            help="accept a file that is not encrypted although BACKUP_KEY is set",
        )
        parser.add_argument(
            "--replace", action="store_true", help="replace a database that has rows"
        )

    def handle(self, *_args: object, **options: Any) -> None:
        path = paths.resolved(options["path"])
        plain = options["unencrypted"]
        try:
            if options["check"]:
                done = restore.check(path, settings.BACKUP_KEY, accept_plain=plain)
                last_restore_test.record(path.name, done, timezone.now())
            else:
                done = restore.restore(
                    path,
                    settings.BACKUP_KEY,
                    timezone.now(),
                    replace=options["replace"],
                    accept_plain=plain,
                )
        except (
            restore.RestoreRefused,
            ArchiveDamaged,
            NotEncrypted,
            ToolFailed,
            ServerUnavailable,
        ) as error:
            raise CommandError(f"{path.name}: {error}") from error
        except OSError as error:
            reason = error.strerror or error
            raise CommandError(f"Cannot restore {error.filename or path}: {reason}.") from error
        tables = done.contents.tables
        rows = sum(each.rows for each in tables.values())
        verb = "Checked" if options["check"] else "Restored"
        self.stdout.write(
            f"{verb} {len(tables)} tables with {rows:,} rows as of {done.contents.made_at}, each "
            f"equal to its digest, in {duration_text(done.seconds)}."
        )
        for note in done.notes:
            self.stdout.write(f"- {note}")
