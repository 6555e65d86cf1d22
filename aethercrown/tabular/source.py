"""Open a file by its content: a workbook, or text of any encoding and delimiter."""

import codecs
import csv
import io
from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import BinaryIO, Protocol

from charset_normalizer import from_bytes

from aethercrown.csv.reader import MAX_CELL_CHARACTERS
from aethercrown.tabular.errors import TableError

SAMPLE_BYTES, SAMPLE_LINES = 256 * 1024, 60
MAX_LINE_CHARACTERS = 1_000_000
READ_CHARACTERS = MAX_CELL_CHARACTERS + 1  # of a cell, before any pattern; then it is too long
DELIMITERS = (",", ";", "\t", "|")
DELIMITER_NAMES = {",": "comma", ";": "semicolon", "\t": "tab", "|": "vertical bar"}
BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
OTHER_FILES = (
    (b"\xd0\xcf\x11\xe0", "an old .xls workbook; save it as .xlsx or CSV"),
    (b"\x1f\x8b", "packed with gzip; unpack it first"),
    (b"%PDF", "a PDF; export CSV or .xlsx instead"),
)
# Spreadsheets write one of these where it is not Unicode; a longer list confuses short files.
LEGACY_ENCODINGS = ["cp1252", "cp1250", "cp1251", "shift_jis", "gb18030", "big5", "euc_kr"]


class Source(Protocol):
    """A table; `notes` say how it is read, `is_padded` whether every row has all its cells."""

    notes: tuple[str, ...]
    is_padded: bool

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Each row that is not blank, with its line number. Raises TableError."""


class TextSource:
    """A text file of separated values."""

    is_padded = True

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        file.seek(0)
        sample = file.read(SAMPLE_BYTES)
        self.encoding = detect_encoding(sample)
        self.declared = ""
        self.delimiter = self._detect_delimiter()
        known = {"utf-8": "UTF-8", "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-32": "UTF-32"}
        named = known.get(self.encoding, self.encoding)
        guess = "" if self.encoding in known else " (recognised by its letters)"
        self.notes: tuple[str, ...] = (
            f"Encoding {named}{guess}, {DELIMITER_NAMES[self.delimiter]} separated.",
        )

    def _lines(self) -> Iterator[str]:
        self._file.seek(0)
        errors = "strict" if self.encoding.startswith("utf-") and self.encoding[4] != "8" else ""
        text = io.TextIOWrapper(self._file, self.encoding, errors or "surrogateescape", newline="")
        try:
            at = 0
            while line := text.readline(MAX_LINE_CHARACTERS):
                at += 1
                if len(line) == MAX_LINE_CHARACTERS:
                    raise TableError(f"has {MAX_LINE_CHARACTERS:,} characters or more", at)
                yield line
        except UnicodeError as error:
            raise TableError(f"is not {self.encoding} text: {error}", at + 1) from error
        finally:
            text.detach()

    def _detect_delimiter(self) -> str:
        lines = list(islice(self._lines(), SAMPLE_LINES))
        if lines and lines[0].lower().startswith("sep=") and lines[0].strip()[4:] in DELIMITERS:
            self.declared = lines[0]
            return lines[0].strip()[4:]
        return max(DELIMITERS, key=lambda each: delimiter_score(lines, each))

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        lines = self._lines()
        reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
        at = 1
        try:
            for cells in reader:
                line, at = at, reader.line_num + 1
                if line == 1 and self.declared:
                    continue
                stripped = [cell.strip()[:READ_CHARACTERS] for cell in cells]
                if any(stripped):
                    yield line, stripped
        except csv.Error as error:
            raise TableError(f"cannot be read as CSV: {error}", at) from error
        finally:
            lines.close()  # type: ignore[attr-defined]  # a generator


def delimiter_score(lines: list[str], delimiter: str) -> int:
    """How many delimiters there are in rows of the most frequent number of cells."""
    widths: Counter[int] = Counter()
    try:
        for cells in csv.reader(lines, delimiter=delimiter):
            widths[len(cells)] += 1
    except csv.Error:
        return 0
    return max((count * (width - 1) for width, count in widths.items()), default=0)


def detect_encoding(sample: bytes) -> str:
    """The encoding of text. Raises TableError for what is no text."""
    for mark, encoding in BYTE_ORDER_MARKS:
        if sample.startswith(mark):
            return encoding
    for start, what in OTHER_FILES:
        if sample.startswith(start):
            raise TableError(f"the file is {what}")
    if not sample.strip():
        raise TableError("the file is empty")
    if b"\0" in sample:
        return _without_mark(sample)
    try:
        codecs.getincrementaldecoder("utf-8")().decode(sample)
    except UnicodeDecodeError:
        best = from_bytes(sample, cp_isolation=LEGACY_ENCODINGS).best()
        return best.encoding if best else "cp1252"
    return "utf-8"


def _without_mark(sample: bytes) -> str:
    """UTF-16 without a byte order mark: every other byte of Latin text is 0."""
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) / 2
    if odd > 0.4 * half and even < 0.1 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.1 * half:
        return "utf-16-be"
    raise TableError("the file is not text: it has zero bytes in it")
