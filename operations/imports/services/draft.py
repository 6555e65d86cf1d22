"""Files that were uploaded and not stored yet."""

import gzip
import hashlib
import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any, BinaryIO

from aethercrown.text import storable_text
from operations.imports.models import DataImport, RepeatingImport
from operations.imports.registry import import_targets
from operations.imports.services.check import FileCheck, check_file, choices_of

MAX_FILE_BYTES = 20 * 1024 * 1024
MAX_LIGHT_BYTES = 100_000  # about 2,500 rows; a worker checks longer files
WORKBOOK = b"PK"  # how a .xlsx begins: however short, it may hold much
FAST = 1  # of gzip: six times as fast as usual, for a file that is kept for days


class FileTooLarge(ValueError):
    """The file is too large for the page; the command has no limit."""


def create_draft(
    kind: str,
    file_name: str,
    file: BinaryIO,
    *,
    actor: str,
    now: datetime,
    repeating: RepeatingImport | None = None,
) -> DataImport:
    """Keep an uploaded file. Raises FileTooLarge, and UnknownName for the kind."""
    target = import_targets.get(kind)
    content = file.read(MAX_FILE_BYTES + 1)
    if len(content) > MAX_FILE_BYTES:
        raise FileTooLarge(
            f"The file has more than {MAX_FILE_BYTES:,} bytes; use ./manage.py import_data "
            f"{target.kind}, which has no limit."
        )
    return DataImport.objects.create(
        kind=kind,
        file_name=storable_text(file_name)[:255] or "file",
        digest=hashlib.sha256(content).hexdigest(),
        content=gzip.compress(content, FAST, mtime=0),
        created_by=actor,
        created_at=now,
        repeating=repeating,
        choices={"zero": [], **repeating.choices} if repeating else {},
    )


def choose(draft: DataImport, given: Mapping[str, Any]) -> None:
    """Keep the choices about a draft. Raises InvalidChoices."""
    choices_of(draft.kind, given)
    DataImport.objects.filter(pk=draft.pk, state=DataImport.State.DRAFT).update(choices=given)
    draft.choices = dict(given)


def file_of(draft: DataImport) -> BinaryIO:
    if draft.content is None:
        return io.BytesIO()
    return io.BytesIO(gzip.decompress(bytes(draft.content)))


def is_long(draft: DataImport) -> bool:
    """Whether checking the file would hold a page too long."""
    content = bytes(draft.content or b"")
    size = int.from_bytes(content[-4:], "little")  # gzip keeps it there
    if size > MAX_LIGHT_BYTES:
        return True
    with file_of(draft) as file:
        return file.read(len(WORKBOOK)) == WORKBOOK


@contextmanager
def check_draft(draft: DataImport, now: datetime) -> Iterator[FileCheck]:
    """Check a draft's file by its choices."""
    with check_file(file_of(draft), draft.kind, draft.choices, now.date()) as found:
        yield found
