"""A zip of tables, each as CSV and as JSON, with a list of what is in it."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from hashlib import sha256
from typing import Any

from aethercrown.csv.export import Cell, csv_lines

MANIFEST = "manifest.json"
NOTES = "README.txt"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table; `words` say what it shows."""

    name: str
    words: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def files(self) -> Iterator[tuple[str, bytes]]:
        yield f"{self.name}.csv", "".join(csv_lines(self.header, self.rows)).encode()
        content = [dict(zip(self.header, map(plain, row), strict=True)) for row in self.rows]
        yield f"{self.name}.json", written(content)


def zipped(title: str, at: datetime, by: str, sheets: Sequence[Sheet]) -> bytes:
    """The pack: the same rows at the same time give the same bytes."""
    files = dict(each for sheet in sheets for each in sheet.files())
    files[NOTES] = notes(title, at, by, sheets).encode()
    digests = {name: sha256(content).hexdigest() for name, content in sorted(files.items())}
    made = {"title": title, "made_at": at.isoformat(), "made_by": by, "sha256": digests}
    files[MANIFEST] = written(made)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, at.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target.getvalue()


def notes(title: str, at: datetime, by: str, sheets: Sequence[Sheet]) -> str:
    """What the pack is, for whoever opens it."""
    listed = "\n".join(f"{each.name}: {each.words} {len(each.rows)} rows." for each in sheets)
    return (
        f"{title}\nMade at {at.isoformat()} by {by or 'a command'}. No file holds a secret.\n\n"
        f"Each table is there as CSV and as JSON; {MANIFEST} has the SHA-256 of every file.\n\n"
        f"{listed}\n"
    )


def plain(cell: Cell) -> Any:
    """As JSON has it."""
    if isinstance(cell, date | datetime):
        return cell.isoformat()
    return float(cell) if isinstance(cell, Decimal) else cell


def written(content: Any) -> bytes:
    return f"{json.dumps(content, indent=1, ensure_ascii=False)}\n".encode()
