"""`manage.py audit_key FILE`: the key of the anchors, to verify them on another machine."""

import getpass
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction

from aethercrown import data_dir
from aethercrown.history import audit_hooks
from security.audit import reports


class Command(BaseCommand):
    help = (
        "Write the key of the audit's anchors into a new file (mode 0600), for "
        "`verify_audit --key-file` on another machine. An audit event records it."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("file", type=Path, metavar="FILE")

    def handle(self, *args: Any, **options: Any) -> None:
        path: Path = options["file"]
        with transaction.atomic():
            actor = f"command:{getpass.getuser()}"
            audit_hooks.record(
                stream="admin", event="audit.key_taken", subject="audit", actor=actor
            )
            try:
                data_dir.write_private(path, reports.audit_key() + "\n")
            except OSError as error:
                raise CommandError(f"{path} was not written: {error.strerror}.") from None
        self.stdout.write(f"{path}: do not show it to anybody who may write to the database.")
