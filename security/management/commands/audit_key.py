"""`./manage.py audit_key FILE`: the key of the anchors, to verify them on another machine."""

import getpass
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from aethercrown import data_dir, paths
from aethercrown.history import audit_hooks
from security.audit import reports

FILE_NAME = "audit.key"


class Command(BaseCommand):
    help = (
        "Write the key of the audit's anchors into a new file (mode 0600), for "
        "`verify_audit --key-file` on another machine. An audit event records it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "file", metavar="FILE", help=f"a file, or a folder that gets {FILE_NAME}"
        )
        parser.add_argument("--force", action="store_true", help="replace a file that exists")

    def handle(self, *args: Any, **options: Any) -> None:
        force = options["force"]
        write = data_dir.replace_private if force else data_dir.write_private
        with transaction.atomic():
            actor = f"command:{getpass.getuser()}"
            audit_hooks.record(
                stream="admin", event="audit.key_taken", subject="audit", actor=actor
            )
            try:
                path = paths.new_file(options["file"], FILE_NAME, force=force)
                write(path, reports.audit_key() + "\n")
            except OSError as error:
                raise CommandError(f"Cannot write {error.filename}: {error.strerror}.") from None
        self.stdout.write(f"{path}: do not show it to anybody who may write to the database.")
