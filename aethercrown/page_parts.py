"""Small parts of pages: empty state, confirm step, progress, undo notice. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class EmptyState:
    """What a page or card shows instead of rows: why, how to fill it, and where."""

    title: str
    text: str
    link: str = ""
    link_text: str = ""
    command: str = ""  # of manage.py, to copy


@dataclass(frozen=True, slots=True)
class Confirmation:
    """The step before something is done: it repeats the amounts and the guardrails that failed.

    The form posts `fields`, those of a Django `form` to fill and, with `note`, a text to write
    under that label, to `action`; a GET of the page changes nothing.
    """

    question: str
    verb: str
    action: str
    back: str
    amounts: Sequence[tuple[str, str]] = ()
    failed_guardrails: Sequence[str] = ()
    fields: Mapping[str, str | Sequence[str]] = field(default_factory=dict)
    form: Iterable[Any] = ()
    note: str = ""
    note_text: str = ""  # what was written already

    @property
    def hidden(self) -> list[tuple[str, str]]:
        """The fields as pairs; one with several values has a pair for each."""
        return [
            (name, value)
            for name, given in self.fields.items()
            for value in ([given] if isinstance(given, str) else given)
        ]


@dataclass(frozen=True, slots=True)
class JobProgress:
    """How far a job is; `total` is None while it is not known. `path` has this part alone."""

    key: str
    title: str
    state: str
    done: int
    total: int | None
    path: str
    note: str = ""
    is_over: bool = False

    @property
    def percent(self) -> int | None:
        return None if not self.total else min(100, 100 * self.done // self.total)


@dataclass(frozen=True, slots=True)
class UndoNotice:
    """What was done, and the form that undoes it until a time; `value` is what its button sends."""

    text: str
    action: str
    until: datetime | None = None
    verb: str = "Undo"
    value: str = "yes"
