"""What can be imported, by kind; each app registers its own when it starts."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from aethercrown.csv.reader import CSVColumn, RowError
from aethercrown.registry import Registry
from aethercrown.tabular.rows import RowReader

FAULTS_LISTED = 200
Progress = Callable[[int, int | None, str], None]
Undo = Callable[[int], list[str]]


@dataclass(frozen=True, slots=True)
class CheckOptions:
    """`update` replaces stored rows; `today` is the day up to which dates may be."""

    today: date
    update: bool = False


@dataclass(slots=True)
class Findings:
    """What a check found. `consequences` say what storing would change; `lines` are a table."""

    rows: int = 0
    records: int = 0
    faults: list[RowError] = field(default_factory=list)
    fault_count: int = 0
    consequences: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)
    new_names: list[str] = field(default_factory=list)
    header: tuple[str, ...] = ()
    lines: list[tuple[str, ...]] = field(default_factory=list)
    replaced: int = 0
    totals: dict[str, str] = field(default_factory=dict)  # amounts, by what they are of

    def blame(self, fault: RowError) -> None:
        self.fault_count += 1
        if len(self.faults) < FAULTS_LISTED:
            self.faults.append(fault)


class UndoRefused(Exception):
    """What an import stored cannot be taken back; the message says why."""


class CheckedFile(Protocol):
    """A file that was read whole, ready to be stored."""

    findings: Findings
    is_staged: bool

    def store(self, import_id: int, progress: Progress) -> None:
        """Stage its rows under the import, in short transactions.

        Without `is_staged` they are in force at once, in the transaction that calls.
        """

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class ImportTarget:
    """One kind of file; `undo` raises UndoRefused where what was stored has changed since.

    `undo` returns what it did, in sentences. `activate` and `undo` run in the transaction that
    changes the state, so they are short; without `undo` what was stored stays. `finish` runs after
    either, in transactions of its own. `discard` removes what was staged. Both may be repeated.
    """

    kind: str
    title: str
    columns: tuple[CSVColumn, ...]
    check: Callable[[RowReader, CheckOptions], CheckedFile]
    sample: Sequence[Sequence[str]]
    activate: Callable[[int], None] = lambda _import_id: None
    undo: Undo | None = None
    discard: Callable[[int], None] = lambda _import_id: None
    finish: Callable[[int], None] = lambda _import_id: None

    @property
    def name(self) -> str:
        return self.kind


import_targets = Registry[ImportTarget]("import")
