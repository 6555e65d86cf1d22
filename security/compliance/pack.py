"""A zip of tables, each as CSV and as JSON, with a manifest. Pure."""

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
README = "README.txt"


@dataclass(frozen=True, slots=True)
class PackTable:
    """One table; `description` is a sentence about it."""

    name: str
    description: str
    header: Sequence[str]
    rows: Sequence[Sequence[Cell]]

    def files(self) -> Iterator[tuple[str, bytes]]:
        yield f"{self.name}.csv", "".join(csv_lines(self.header, self.rows)).encode()
        content = [dict(zip(self.header, map(json_value, row), strict=True)) for row in self.rows]
        yield f"{self.name}.json", to_json(content)


def build_zip(title: str, at: datetime, by: str, tables: Sequence[PackTable]) -> bytes:
    """The zip: the same rows at the same time give the same bytes."""
    files = dict(each for table in tables for each in table.files())
    files[README] = readme(title, at, by, tables).encode()
    digests = {name: sha256(content).hexdigest() for name, content in sorted(files.items())}
    made = {"title": title, "made_at": at.isoformat(), "made_by": by, "sha256": digests}
    files[MANIFEST] = to_json(made)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, at.timetuple()[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)
    return target.getvalue()


def readme(title: str, at: datetime, by: str, tables: Sequence[PackTable]) -> str:
    """What the pack contains."""
    listed = "\n".join(
        f"{each.name}: {each.description} Rows: {len(each.rows)}." for each in tables
    )
    return (
        f"{title}\nMade at {at.isoformat()} by {by or 'a command'}. No file holds a secret.\n\n"
        f"Each table is there as CSV and as JSON; {MANIFEST} has the SHA-256 of every file.\n\n"
        f"{listed}\n"
    )


def json_value(cell: Cell) -> Any:
    """The cell as a JSON value."""
    if isinstance(cell, date | datetime):
        return cell.isoformat()
    return float(cell) if isinstance(cell, Decimal) else cell


def to_json(content: Any) -> bytes:
    return f"{json.dumps(content, indent=1, ensure_ascii=False)}\n".encode()
