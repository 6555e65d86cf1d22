"""`./manage.py evidence_pack`: the compliance evidence pack, a zip for an auditor."""

from argparse import ArgumentParser
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aethercrown import data_dir, paths
from security.compliance import services


class Command(BaseCommand):
    help = "Write the compliance evidence pack, a zip of tables without secrets."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--to",
            metavar="PATH",
            help="a file, or a folder that gets a file named by its time; by default the folder"
            " evidence in the data folder",
        )
        parser.add_argument("--force", action="store_true", help="replace a file that exists")

    def handle(self, *args: Any, **options: Any) -> None:
        now, force = timezone.now(), options["force"]
        given = options["to"] or f"{settings.DATA_DIR}/evidence/"
        write = data_dir.replace_private if force else data_dir.write_private
        try:
            target = paths.new_file(given, services.file_name(now), force=force)
            _name, content = services.build_pack(now, actor="command:evidence_pack")
            write(target, content)
        except OSError as error:
            raise CommandError(f"Cannot write {error.filename}: {error.strerror}.") from error
        self.stdout.write(f"The evidence pack is in {target} ({target.stat().st_size:,} bytes).")
