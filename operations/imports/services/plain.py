"""Kinds of files whose rows an importer checks and stores in one transaction."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

from django.db import IntegrityError, transaction

from aethercrown.csv.importing import Importer, ImportOptions
from aethercrown.csv.reader import CSVRow, RowError
from aethercrown.formatting import counted
from aethercrown.tabular.rows import RowReader
from operations.imports.registry import CheckOptions, Findings, ImportTarget, Progress, Undo

BATCH_SIZE = 1_000
MAX_DESCRIBED = 200_000  # rows that are held in memory, to say what they would change
PREVIEWED = 5
Describe = Callable[[Sequence[CSVRow], CheckOptions, Findings], None]


class CheckedRows:
    """The rows of a file; see CheckedFile.

    With `describe` they are held in memory, at most `most`; without, the file is read again to be
    stored, and only a hash of each key is held.
    """

    is_staged = False

    def __init__(
        self,
        importer: Importer,
        rows: RowReader,
        options: CheckOptions,
        describe: Describe | None = None,
        most: int = MAX_DESCRIBED,
        *,
        names_people: bool = False,
    ) -> None:
        self.findings = Findings()
        self._importer, self._reader, self._names_people = importer, rows, names_people
        self._options = ImportOptions(rows.rate_currency, options.update, options.today)
        self._held: list[CSVRow] | None = [] if describe else None
        self._remarks: Counter[str] = Counter()
        seen: dict[int, int] = {}
        for batch in batches(self._good(rows, seen)):
            self._check(batch)
            if self.findings.rows > most and describe:
                self.findings.blame(RowError(batch[-1].row, "", f"is beyond {most:,} rows"))
                break
        self.findings.records = self.findings.rows
        self.findings.consequences.append(f"{counted(self.findings.rows, 'row')} are stored.")
        self.findings.totals["rows"] = str(self.findings.rows)
        for remark, count in self._remarks.items():
            self.findings.warnings.append(f"{counted(count, 'row')} {remark}.")
        if describe and self._held:
            describe(self._held, options, self.findings)

    def _check(self, batch: Sequence[CSVRow]) -> None:
        findings = self.findings
        if not findings.rows and not self._names_people:
            self._preview(batch[:PREVIEWED])
        findings.rows += len(batch)
        if self._held is not None:
            self._held += batch
        said = (self._importer.remark(each, self._options) for each in batch)
        self._remarks.update(each for each in said if each)
        for fault in self._importer.clashes(batch, self._options):
            findings.blame(fault)

    def _preview(self, rows: Sequence[CSVRow]) -> None:
        """The first rows as they were read; what names people is not kept with a job's result."""
        self.findings.header = ("Line", *(each.name for each in self._importer.columns))
        self.findings.lines = [
            (str(row), *(_shown(values[each.name]) for each in self._importer.columns))
            for row, values in rows
        ]

    def _good(self, rows: Iterable[CSVRow | RowError], seen: dict[int, int]) -> Iterator[CSVRow]:
        """Rows with the currency that holds where theirs is empty, but for those of a key twice."""
        for each in rows:
            if isinstance(each, RowError):
                self.findings.blame(each)
                continue
            self._fill(each)
            key = tuple(each.values[name] for name in self._importer.key)
            first = seen.setdefault(hash(key), each.row)
            if first != each.row:
                what = ", ".join(str(part) for part in key)
                reason = f"{what} is in row {first} already"
                self.findings.blame(RowError(each.row, self._importer.key[0], reason))
            else:
                yield each

    def _fill(self, row: CSVRow) -> None:
        if "currency" in row.values and not row.values["currency"]:
            row.values["currency"] = self._options.currency

    def _rows(self) -> Iterator[CSVRow]:
        """Every row once more. Raises ValueError for a fault that the check did not find."""
        if self._held is not None:
            yield from self._held
            return
        for each in self._reader.again():
            if isinstance(each, RowError):
                reason = f"Line {each.row} was changed since the check: {each.reason}."
                raise ValueError(reason)  # noqa: TRY004 - the file is wrong, not a type
            self._fill(each)
            yield each

    def store(self, import_id: int, progress: Progress) -> None:
        """Store every row in one transaction."""
        created = updated = 0
        also: dict[str, None] = {}
        options = replace(self._options, import_id=import_id)
        try:
            with transaction.atomic():
                for done, batch in enumerate(batches(self._rows())):
                    progress(done * BATCH_SIZE, self.findings.rows, "Storing rows")
                    counts = self._importer.save(batch, options)
                    created, updated = created + counts.created, updated + counts.updated
                    also |= dict.fromkeys(counts.also)
        except IntegrityError as error:
            raise ValueError("Other rows were stored at the same time; import again.") from error
        self.findings.records, self.findings.replaced = created + updated, updated
        self.findings.new_names = self.findings.new_names or list(also)

    def close(self) -> None:
        self._held = None


def _shown(value: Any) -> str:
    """A value of a preview; those of a field of many columns with their names."""
    if isinstance(value, dict):
        return ", ".join(f"{name} {_shown(each)}" for name, each in value.items())
    return "" if value is None else str(value)


def batches(rows: Iterable[CSVRow]) -> Iterator[list[CSVRow]]:
    """Lists of at most BATCH_SIZE rows."""
    every = iter(rows)
    while batch := list(islice(every, BATCH_SIZE)):
        yield batch


def plain_target(
    importer: Importer,
    sample: Sequence[Sequence[str]],
    describe: Describe | None = None,
    undo: Undo | None = None,
    most: int = MAX_DESCRIBED,
    *,
    names_people: bool = False,
    **after: Callable[[int], None],
) -> ImportTarget:
    """A target that stores through an importer; `after` are further steps of ImportTarget."""
    return ImportTarget(
        importer.kind,
        importer.title,
        importer.columns,
        lambda rows, options: CheckedRows(
            importer, rows, options, describe, most, names_people=names_people
        ),
        sample,
        undo=undo,
        **after,
    )
