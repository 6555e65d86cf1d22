"""Open a file as a source of rows, by its first bytes."""

from typing import BinaryIO

from aethercrown.tabular.source import Source, TextSource
from aethercrown.tabular.workbook import WorkbookSource

ARCHIVE = b"PK\x03\x04"


def open_table(file: BinaryIO, sheet: str = "") -> Source:
    """Raises TableError for what is neither text nor a workbook."""
    file.seek(0)
    if file.read(len(ARCHIVE)) == ARCHIVE:
        return WorkbookSource(file, sheet)
    return TextSource(file)
