"""CSV import: check every row first, then store all of them in one transaction, or none.

Apps register what can be imported. The file is read twice in batches, so memory use is constant but
for one hash for each row, to find duplicates.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import BinaryIO

from django.db import IntegrityError, transaction

from aethercrown.csv.reader import CSVColumn, CSVReader, CSVRow, RowError
from aethercrown.registry import Registry

BATCH = 1000
FAULTS_LISTED = 200
PREVIEW = 5


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Choices for an import: the currency of amounts, and whether to replace stored rows.

    `today` is the day of the file, for rows that count from it; None is now. `import_id` is the
    import that stores it, for rows that say whence they are.
    """

    currency: str
    update: bool = False
    today: date | None = None
    import_id: int | None = None


@dataclass(frozen=True, slots=True)
class ImportCounts:
    """How many rows a batch created and replaced, and the names of other things it created."""

    created: int = 0
    updated: int = 0
    also: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Importer:
    """One kind of file.

    `key` names the fields that together identify a row. `clashes` returns conflicts of a batch with
    the database; `save` stores it within the transaction. `remark` says what is worth knowing of a
    row before it is stored: those of one text are counted.
    """

    kind: str
    title: str
    columns: tuple[CSVColumn, ...]
    key: tuple[str, ...]
    clashes: Callable[[Sequence[CSVRow], ImportOptions], Sequence[RowError]]
    save: Callable[[Sequence[CSVRow], ImportOptions], ImportCounts]
    remark: Callable[[CSVRow, ImportOptions], str] = lambda _row, _options: ""

    @property
    def name(self) -> str:
        return self.kind


@dataclass(slots=True)
class ImportReport:
    """The result of an import or of its check."""

    kind: str
    rows: int = 0
    created: int = 0
    updated: int = 0
    stored: bool = False
    faults: list[RowError] = field(default_factory=list)  # the first FAULTS_LISTED
    fault_count: int = 0
    preview: list[CSVRow] = field(default_factory=list)
    also: list[str] = field(default_factory=list)

    def blame(self, fault: RowError) -> None:
        self.fault_count += 1
        if len(self.faults) < FAULTS_LISTED:
            self.faults.append(fault)


importers = Registry[Importer]("import")
register, named, kinds = importers.register, importers.get, importers.names


def load(
    importer: Importer,
    file: BinaryIO,
    wanted: Mapping[str, Sequence[str]],
    options: ImportOptions,
    *,
    dry_run: bool = False,
) -> ImportReport:
    """Check the whole file; store it if it has no errors and this is no dry run."""
    report = ImportReport(importer.kind)
    _check(importer, CSVReader(file, importer.columns, wanted), options, report)
    if dry_run or report.fault_count:
        return report
    try:
        with transaction.atomic():
            _store(importer, CSVReader(file, importer.columns, wanted), options, report)
    except IntegrityError:
        report.blame(RowError(0, "", "other rows were stored at the same time; import again"))
        report.created = report.updated = 0
        return report
    report.stored = True
    return report


def _check(
    importer: Importer, sheet: CSVReader, options: ImportOptions, report: ImportReport
) -> None:
    seen: dict[int, int] = {}  # hash of the key: row; 64 bits tell 10^6 keys apart
    for fault in sheet.faults:
        report.blame(fault)
    if sheet.faults:
        return
    for batch in _batches(sheet, options, report):
        report.rows += len(batch)
        report.preview.extend(batch[: PREVIEW - len(report.preview)])
        for fault in (*_repeats(importer, batch, seen), *importer.clashes(batch, options)):
            report.blame(fault)
    if not report.rows and not report.fault_count:
        report.blame(RowError(0, "", "there is no row below the header"))


def _batches(
    sheet: CSVReader, options: ImportOptions, report: ImportReport
) -> Iterator[list[CSVRow]]:
    """Good rows in batches; an empty `currency` becomes the chosen one."""
    batch: list[CSVRow] = []
    for each in sheet:
        if isinstance(each, RowError):
            report.blame(each)
            continue
        if "currency" in each.values:
            each.values["currency"] = each.values["currency"] or options.currency
        batch.append(each)
        if len(batch) == BATCH:
            yield batch
            batch = []
    if batch:
        yield batch


def _repeats(
    importer: Importer, batch: Sequence[CSVRow], seen: dict[int, int]
) -> Iterator[RowError]:
    for record in batch:
        key = tuple(record.values[name] for name in importer.key)
        first = seen.setdefault(hash(key), record.row)
        if first != record.row:
            what = ", ".join(str(part) for part in key)
            yield RowError(record.row, importer.key[0], f"{what} is in row {first} already")


def _store(
    importer: Importer, sheet: CSVReader, options: ImportOptions, report: ImportReport
) -> None:
    for batch in _batches(sheet, options, report):
        tally = importer.save(batch, options)
        report.created += tally.created
        report.updated += tally.updated
        report.also.extend(each for each in tally.also if each not in report.also)
