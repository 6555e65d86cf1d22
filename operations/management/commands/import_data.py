"""File import: `./manage.py import_data KIND FILE [--map field=column ...]`; all or nothing."""

import getpass
import json
import sys
from argparse import ArgumentParser
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any, BinaryIO

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from aethercrown import paths
from aethercrown.csv import importing, reader
from aethercrown.csv.importing import ImportOptions, ImportReport
from aethercrown.currencies import CODES
from aethercrown.registry import UnknownName
from aethercrown.tabular.dates import ORDERS
from aethercrown.tabular.numbers import FORMATS
from aethercrown.tabular.presets import presets
from operations.imports import services
from operations.imports.registry import import_targets
from operations.imports.services import FileCheck

LISTS = (
    (
        "--map",
        "FIELD=COLUMN",
        "Take a field from this column, or several: spend=ad_*.",
    ),
    ("--set", "FIELD=VALUE", "A value for every row of a file without such a column."),
    (
        "--zero",
        "FIELD",
        "Blank cells of this field mean 0; none: of no field. By default as in the last file.",
    ),
    ("--rate", "CODE=RATE", "Convert amounts of a currency into --currency: EUR=1.08."),
)
OF_ANY_PROGRAM = (  # options of the kinds whose files come from other programs
    *("set", "zero", "rate", "preset", "dates", "numbers", "sheet", "header", "add_up"),
)


class Command(BaseCommand):
    help = "Import a file. Every row is checked first; nothing is stored unless all are good."

    def add_arguments(self, parser: ArgumentParser) -> None:
        add = parser.add_argument
        add("kind", help=f"One of: {', '.join(importing.kinds())}.")
        add("file", help="A CSV or .xlsx file with a header.")
        for option, metavar, text in LISTS:
            add(option, action="append", default=[], metavar=metavar, help=text)
        add("--preset", choices=[*presets.names(), "none"], help="By default recognised.")
        add("--dates", choices=ORDERS, help="Where dates fit two orders: day or month first.")
        add("--numbers", choices=[each.name for each in FORMATS], help="By default recognised.")
        add("--sheet", default="", help="The sheet of a workbook; by default the first with rows.")
        add("--header", type=int, default=0, metavar="LINE", help="By default recognised.")
        add("--add-up", action="store_true", default=None, help="Add up rows of one key.")
        add("--currency", default="", help="ISO 4217; by default recognised, else the default.")
        day_help = "The day of the file, such as 2026-01-31; by default today."
        add("--today", type=date.fromisoformat, help=day_help)
        add("--update", action="store_true", help="Replace rows stored already.")
        add("--dry-run", action="store_true", help="Check and preview only.")
        add("--json", action="store_true", help="Print the report as JSON.")

    def handle(self, *_arguments: Any, **options: Any) -> None:
        if options["currency"] and options["currency"] not in CODES:
            raise CommandError(f"{options['currency']!r} is not an ISO 4217 currency code.")
        try:
            importing.named(options["kind"])
            reader.mapping([*options["map"], *options["set"], *options["rate"]])
            with paths.resolved(options["file"]).open("rb") as file:
                if options["kind"] in import_targets:
                    self._import_any(file, options)
                else:
                    self._import_plain(file, options)
        except (UnknownName, ValueError) as error:
            raise CommandError(str(error)) from error
        except OSError as error:
            raise CommandError(f"Cannot read {options['file']}: {error.strerror}.") from error

    def _import_any(self, file: BinaryIO, options: dict[str, Any]) -> None:
        """Import a file of any program, through the services of the page."""
        given = given_choices(options)
        today = options["today"] or timezone.localdate()
        with services.check_file(file, options["kind"], given, today) as found:
            stored = found.is_storable and not options["dry_run"]
            if stored:
                services.store_file(
                    file,
                    found,
                    name=Path(options["file"]).name,
                    given=given,
                    actor=f"command:{getpass.getuser()}",
                    progress=lambda _done, _total, _note: None,
                )
        if options["json"]:
            self.stdout.write(json.dumps(report_of(found, stored=stored), default=str))
        else:
            self._print_check(found, stored=stored)
        if found.findings.fault_count:
            sys.exit(1)

    def _print_check(self, found: FileCheck, *, stored: bool) -> None:
        findings, layout = found.findings, found.layout
        for note in layout.notes if layout else ():
            self.stdout.write(note)
        if layout and layout.places:
            pairs = [f"{name} from {layout.column_of(name)}" for name in layout.places]
            pairs += [f"{name} {value}" for name, value in layout.constants.items()]
            self.stdout.write(f"Fields: {'; '.join(pairs)}.")
        for line in (*findings.warnings, *findings.consequences):
            self.stdout.write(line)
        for cells in findings.lines:
            titled = zip(findings.header[1:], cells[1:], strict=True)
            self.stdout.write(f"  {cells[0]}: {', '.join(f'{t.lower()} {c}' for t, c in titled)}")
        self._print_faults(findings.faults, findings.fault_count)
        if findings.fault_count:
            return
        if not stored:
            self.stdout.write(f"{findings.rows} rows are good; nothing was stored (dry run).")
            return
        created = findings.records - findings.replaced
        self._print_stored(findings.rows, created, findings.replaced, findings.new_names)

    def _import_plain(self, file: BinaryIO, options: dict[str, Any]) -> None:
        """Import a UTF-8 CSV file with columns by pattern. Raises ValueError."""
        if any(options[name] for name in OF_ANY_PROGRAM):
            listed = ", ".join(f"--{name.replace('_', '-')}" for name in OF_ANY_PROGRAM)
            raise ValueError(f"{options['kind']} files are plain: {listed} do not apply.")
        report = importing.load(
            importing.named(options["kind"]),
            file,
            reader.mapping(options["map"]),
            ImportOptions(
                options["currency"] or settings.DEFAULT_CURRENCY,
                options["update"],
                options["today"],
            ),
            dry_run=options["dry_run"],
        )
        if options["json"]:
            self.stdout.write(json.dumps(_plain(report), default=str))
        else:
            self._print(report, dry_run=options["dry_run"])
        if report.fault_count:
            sys.exit(1)

    def _print_faults(self, faults: Sequence[reader.RowError], count: int) -> None:
        for row, column, reason in faults:
            place = f"row {row}" if row else "file"
            self.stderr.write(f"{place}, {column}: {reason}" if column else f"{place}: {reason}")
        if count:
            more = f" ({count - len(faults)} more)" if count > len(faults) else ""
            self.stderr.write(f"{count} errors{more}; nothing was stored.")

    def _print(self, report: ImportReport, *, dry_run: bool) -> None:
        self._print_faults(report.faults, report.fault_count)
        if report.fault_count:
            return
        for row, values in report.preview if dry_run else []:
            self.stdout.write(f"row {row}: {_words(values)}")
        if dry_run:
            self.stdout.write(f"{report.rows} rows are good; nothing was stored (dry run).")
            return
        self._print_stored(report.rows, report.created, report.updated, report.also)

    def _print_stored(self, rows: int, created: int, replaced: int, names: Sequence[str]) -> None:
        made = f"; new: {', '.join(names)}" if names else ""
        self.stdout.write(f"{rows} rows read: {created} records stored, {replaced} replaced{made}.")


def given_choices(options: dict[str, Any]) -> dict[str, Any]:
    """The choices of the command line as the page has them. Raises ValueError."""
    pairs = {
        name: {
            field: "\n".join(values) for field, values in reader.mapping(options[option]).items()
        }
        for name, option in (("columns", "map"), ("constants", "set"), ("rates", "rate"))
    }
    chosen = {
        **pairs,
        "preset": options["preset"] or "",
        "date_order": options["dates"] or "",
        "number_format": options["numbers"] or "",
        "currency": options["currency"],
        "header_line": options["header"],
        **{name: options[name] for name in ("sheet", "zero", "add_up", "update")},
    }
    found = {name: value for name, value in chosen.items() if value}
    return found | ({"zero": []} if options["zero"] == ["none"] else {})


def report_of(found: FileCheck, *, stored: bool) -> dict[str, Any]:
    """The result as JSON."""
    findings = found.findings
    return {
        "kind": found.target.kind,
        "rows": findings.rows,
        "created": findings.records - findings.replaced if stored else 0,
        "updated": findings.replaced if stored else 0,
        "stored": stored,
        "also": findings.new_names,
        "error_count": findings.fault_count,
        "errors": [fault._asdict() for fault in findings.faults],
        "recognised": found.layout.notes if found.layout else [],
        "consequences": [*findings.warnings, *findings.consequences],
    }


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
