"""Kinds of files whose rows an importer checks and stores in one transaction."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from django.db import IntegrityError, transaction

from aethercrown.csv.importing import Importer, ImportOptions
from aethercrown.csv.reader import CSVRow, RowError
from aethercrown.formatting import counted
from aethercrown.tabular.rows import RowReader
from operations.imports.registry import CheckOptions, Findings, ImportTarget, Progress

BATCH_SIZE = 1_000
MAX_ROWS = 200_000  # they are held in memory
Describe = Callable[[Sequence[CSVRow], CheckOptions, Findings], None]


class CheckedRows:
    """The rows of a file; see CheckedFile."""

    def __init__(
        self,
        importer: Importer,
        rows: RowReader,
        options: CheckOptions,
        describe: Describe | None = None,
    ) -> None:
        self.findings = Findings()
        self._importer = importer
        self._options = ImportOptions(rows.rate_currency, options.update, options.today)
        self._rows = list(self._read(rows))
        self.findings.rows = self.findings.records = len(self._rows)
        for batch in batches(self._rows):
            for fault in importer.clashes(batch, self._options):
                self.findings.blame(fault)
        self.findings.consequences.append(f"{counted(len(self._rows), 'row')} are stored.")
        self.findings.totals["rows"] = str(len(self._rows))
        if describe and self._rows:
            describe(self._rows, options, self.findings)

    def _read(self, rows: RowReader) -> Iterator[CSVRow]:
        seen: dict[tuple[object, ...], int] = {}
        for each in rows:
            if isinstance(each, RowError):
                self.findings.blame(each)
                continue
            if "currency" in each.values and not each.values["currency"]:
                each.values["currency"] = rows.rate_currency
            key = tuple(each.values[name] for name in self._importer.key)
            first = seen.setdefault(key, each.row)
            if first != each.row:
                what = ", ".join(str(part) for part in key)
                reason = f"{what} is in row {first} already"
                self.findings.blame(RowError(each.row, self._importer.key[0], reason))
            elif len(seen) > MAX_ROWS:
                self.findings.blame(RowError(each.row, "", f"is beyond {MAX_ROWS:,} rows"))
                return
            else:
                yield each

    def store(self, import_id: int, progress: Progress) -> None:
        """Store every row in one transaction."""
        created = updated = 0
        options = replace(self._options, import_id=import_id)
        try:
            with transaction.atomic():
                for done, batch in enumerate(batches(self._rows)):
                    progress(done * BATCH_SIZE, len(self._rows), "Storing rows")
                    counts = self._importer.save(batch, options)
                    created, updated = created + counts.created, updated + counts.updated
        except IntegrityError as error:
            raise ValueError("Other rows were stored at the same time; import again.") from error
        self.findings.records, self.findings.replaced = created + updated, updated

    def close(self) -> None:
        self._rows.clear()


def batches(rows: Sequence[CSVRow]) -> Iterator[list[CSVRow]]:
    """Lists of at most BATCH_SIZE rows."""
    every = iter(rows)
    while batch := list(islice(every, BATCH_SIZE)):
        yield batch


def plain_target(
    importer: Importer,
    sample: Sequence[Sequence[str]],
    describe: Describe | None = None,
    undo: Callable[[int], None] | None = None,
) -> ImportTarget:
    """A target that stores through an importer."""
    return ImportTarget(
        importer.kind,
        importer.title,
        importer.columns,
        lambda rows, options: CheckedRows(importer, rows, options, describe),
        sample,
        undo=undo,
    )
