"""CSV import: `./manage.py import_data KIND FILE [--map field=column ...]`; all or nothing."""

import json
import sys
from argparse import ArgumentParser
from datetime import date
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from aethercrown import paths
from aethercrown.csv import importing, reader
from aethercrown.csv.importing import ImportOptions, ImportReport
from aethercrown.currencies import CODES
from aethercrown.registry import UnknownName


class Command(BaseCommand):
    help = "Import a CSV file. Every row is checked first; nothing is stored unless all are good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("kind", help=f"One of: {', '.join(importing.kinds())}.")
        parser.add_argument("file", help="A CSV file, UTF-8, comma separated, with a header.")
        parser.add_argument(
            "--map",
            action="append",
            default=[],
            metavar="FIELD=COLUMN",
            help="Take a field from this column, or several from a pattern: spend=ad_*.",
        )
        parser.add_argument("--currency", default=settings.DEFAULT_CURRENCY, help="ISO 4217.")
        parser.add_argument(
            "--today",
            type=date.fromisoformat,
            help="The day of the file, such as 2026-01-31; by default today.",
        )
        parser.add_argument("--update", action="store_true", help="Replace rows stored already.")
        parser.add_argument("--dry-run", action="store_true", help="Check and preview only.")
        parser.add_argument("--json", action="store_true", help="Print the report as JSON.")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        report = self._load(options)
        if options["json"]:
            self.stdout.write(json.dumps(_plain(report), default=str))
        else:
            self._print(report, dry_run=options["dry_run"])
        if report.fault_count:
            sys.exit(1)

    def _load(self, options: dict[str, Any]) -> ImportReport:
        if options["currency"] not in CODES:
            raise CommandError(f"{options['currency']!r} is not an ISO 4217 currency code.")
        try:
            importer = importing.named(options["kind"])
            wanted = reader.mapping(options["map"])
            with paths.resolved(options["file"]).open("rb") as file:
                return importing.load(
                    importer,
                    file,
                    wanted,
                    ImportOptions(options["currency"], options["update"], options["today"]),
                    dry_run=options["dry_run"],
                )
        except (UnknownName, ValueError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {options['file']}: {error.strerror}.") from error

    def _print(self, report: ImportReport, *, dry_run: bool) -> None:
        for row, column, reason in report.faults:
            place = f"row {row}" if row else "file"
            self.stderr.write(f"{place}, {column}: {reason}" if column else f"{place}: {reason}")
        if report.fault_count:
            listed = len(report.faults)
            more = f" ({report.fault_count - listed} more)" if report.fault_count > listed else ""
            self.stderr.write(f"{report.fault_count} errors{more}; nothing was stored.")
            return
        for row, values in report.preview if dry_run else []:
            self.stdout.write(f"row {row}: {_words(values)}")
        if dry_run:
            self.stdout.write(f"{report.rows} rows are good; nothing was stored (dry run).")
            return
        made = f"; new: {', '.join(report.also)}" if report.also else ""
        self.stdout.write(
            f"{report.rows} rows read: {report.created} records stored, "
            f"{report.updated} replaced{made}."
        )


def _words(values: dict[str, Any]) -> str:
    """A row's values as one line; fields of many columns in brackets."""
    return ", ".join(
        f"{name} ({_words(value)})" if isinstance(value, dict) else f"{name} {value}"
        for name, value in values.items()
        if value not in (None, {})
    )


def _plain(report: ImportReport) -> dict[str, Any]:
    return {
        "kind": report.kind,
        "rows": report.rows,
        "created": report.created,
        "updated": report.updated,
        "stored": report.stored,
        "also": report.also,
        "error_count": report.fault_count,
        "errors": [fault._asdict() for fault in report.faults],
        "preview": [record._asdict() for record in report.preview],
    }
