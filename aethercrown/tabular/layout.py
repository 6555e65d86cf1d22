"""Where the table is in a file: its header, the lines above it, and rows that are totals."""

import re
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from aethercrown.tabular.presets import normalized

HEADER_LINES = 40
TOTAL = re.compile(
    r"(grand |sub-?|report |overall |account )?totals?( général)?(\s*[:\-\u2013].*)?"
    r"|(gesamt|zwischen)?summe|gesamt(summe|ergebnis)?|totale|totaal|suma|итого|合計|总计",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Header:
    """The header, its line, and the title lines above it as text."""

    line: int
    names: tuple[str, ...]
    titles: tuple[str, ...]


def find_header(
    rows: Sequence[tuple[int, list[str]]], known: Collection[str], line: int = 0
) -> Header | None:
    """The row with most known names, or the one on `line`; without any the first of full width."""
    top = rows[:HEADER_LINES]
    if not top:
        return None
    at = next((n for n, row in enumerate(top) if row[0] == line), None)
    if at is None:
        scores = [sum(normalized(cell) in known for cell in cells) for _, cells in top]
        at = scores.index(max(scores)) if max(scores) else _first_of_full_width(top)
    titles = tuple(" ".join(filter(None, cells)).lstrip("# ") for _, cells in top[:at])
    return Header(top[at][0], tuple(top[at][1]), tuple(filter(None, titles)))


def _first_of_full_width(rows: Sequence[tuple[int, list[str]]]) -> int:
    widths = Counter(len(cells) for _, cells in rows)
    usual = max(widths, key=lambda width: (widths[width], width))
    return next(at for at, (_, cells) in enumerate(rows) if len(cells) == usual)


def names_total(cell: str) -> bool:
    """Whether a cell says that its row is a total."""
    return bool(TOTAL.fullmatch(cell.strip()))
