"""CSV export: `./manage.py export_data KIND [--to PATH]`; import_data reads it."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aethercrown import paths
from aethercrown.csv import export
from aethercrown.registry import UnknownName


class Command(BaseCommand):
    help = "Export rows as CSV, to the standard output or a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", help=f"One of: {', '.join(export.kinds())}.")
        parser.add_argument(
            "--to",
            "--output",
            metavar="PATH",
            help="A file, or a folder (such as exports/) that gets KIND.csv.",
        )
        parser.add_argument("--force", action="store_true", help="Replace a file that exists.")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        try:
            exporter = export.named(options["kind"])
        except UnknownName as error:
            raise CommandError(str(error)) from error
        lines = export.csv_lines(exporter.header, exporter.rows())
        if not options["to"]:
            export.note("rows", exporter.kind)
            self.print_all(lines)
            return
        force = options["force"]
        try:
            path = paths.new_file(options["to"], f"{exporter.kind}.csv", force=force)
            with path.open("w" if force else "x", encoding="utf-8", newline="") as file:
                export.note("rows", exporter.kind)
                file.writelines(lines)
        except OSError as error:
            raise CommandError(f"Cannot write {error.filename}: {error.strerror}.") from error

    def print_all(self, lines: Iterable[str]) -> None:
        """Write until the reader closes the pipe, as with `| head`."""
        try:
            for line in lines:
                self.stdout.write(line, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
