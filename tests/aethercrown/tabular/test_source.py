"""Text of any encoding and delimiter."""

import io

import pytest

from aethercrown.tabular.errors import TableError
from aethercrown.tabular.opening import open_table
from aethercrown.tabular.source import MAX_LINE_CHARACTERS, TextSource

GERMAN = (
    "Datum;Kosten;Kanal\r\n05.10.2026;1.204,55;Büro für Anzeigen\r\n06.10.2026;998,10;Größe\r\n"
)


def rows(content):
    return list(open_table(io.BytesIO(content)).rows())


@pytest.mark.parametrize(
    "encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "cp1252"]
)
def test_one_table_in_any_encoding(encoding):
    source = TextSource(io.BytesIO(GERMAN.encode(encoding)))
    assert list(source.rows())[1] == (2, ["05.10.2026", "1.204,55", "Büro für Anzeigen"])
    assert source.notes[0].endswith("semicolon separated.")


@pytest.mark.parametrize("mark", [",", ";", "\t", "|"])
def test_the_delimiter_is_what_most_rows_have(mark):
    lines = ["A report, with a comma, in its title", mark.join("abcd"), mark.join("1234")]
    assert rows("\n".join(lines).encode())[2] == (3, ["1", "2", "3", "4"])


def test_a_spreadsheet_may_declare_its_delimiter():
    assert rows(b"sep=;\na;b,c\n1;2,3\n") == [(2, ["a", "b,c"]), (3, ["1", "2,3"])]


def test_blank_lines_count_and_quoted_cells_hold_lines():
    assert rows(b'a,b\n\n,\n"x\ny",1\n2,3\n') == [
        (1, ["a", "b"]),
        (4, ["x\ny", "1"]),
        (6, ["2", "3"]),
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xd0\xcf\x11\xe0rest", "old .xls"),
        (b"\x1f\x8brest", "gzip"),
        (b"%PDF-1.7", "a PDF"),
        (b"a\0\0\0b,c", "zero bytes"),
        (b'a,b\n"1,2\n', "cannot be read as CSV"),
        (b"a,b\n" + b"1" * (MAX_LINE_CHARACTERS + 1), "characters or more"),
        ("a,b\n1,2".encode("utf-16") + b"\x00\xd8", "is not utf-16 text"),
    ],
)
def test_what_is_no_table_is_refused_in_words(content, words):
    with pytest.raises(TableError, match=words):
        rows(content)


def test_cells_that_no_csv_can_hold_count_as_no_delimiter():
    assert rows(b"a;b\n1;\r2\n"[:7]) == [(1, ["a", "b"]), (2, ["1", ""])]
    wide = b"a;" + b"x" * 140_000 + b"\n"
    with pytest.raises(TableError, match="cannot be read as CSV"):
        rows(wide)
