"""CSV export: `manage.py export_data KIND [--output FILE]`; import_data reads it."""

import os
import sys
from argparse import ArgumentParser
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from aethercrown.csv import export


class Command(BaseCommand):
    help = "Export rows as CSV, to the standard output or a file."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", help=f"One of: {', '.join(export.kinds())}.")
        parser.add_argument("--output", help="A file that does not exist yet.")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        try:
            exporter = export.named(options["kind"])
        except export.UnknownExport as error:
            raise CommandError(str(error)) from error
        export.note("rows", exporter.kind)
        lines = export.csv_lines(exporter.header, exporter.rows())
        if not options["output"]:
            self.print_all(lines)
            return
        try:
            with Path(options["output"]).open("x", encoding="utf-8", newline="") as file:
                file.writelines(lines)
        except OSError as error:
            raise CommandError(f"Cannot write {options['output']}: {error.strerror}.") from error

    def print_all(self, lines: Iterable[str]) -> None:
        """Write until the reader closes the pipe, as with `| head`."""
        try:
            for line in lines:
                self.stdout.write(line, ending="")
            self.stdout.flush()
        except BrokenPipeError:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
