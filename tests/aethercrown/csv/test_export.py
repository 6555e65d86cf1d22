"""What leaves as CSV is safe to open and can be read back."""

import io
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from aethercrown.csv import export, reader
from aethercrown.registry import UnknownName


@pytest.mark.parametrize(
    ("cell", "written"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (3, "3"),
        (-2.5, "-2.5"),
        (1e-7, "0.0000001"),
        (1e22, "10000000000000000000000"),
        (float("nan"), ""),
        (float("-inf"), ""),
        (Decimal("NaN"), ""),
        (Decimal("0E-8"), "0.00000000"),
        (Decimal("-0.10"), "-0.10"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 1, 5), "2026-01-05"),
        (datetime(2026, 1, 5, 3, tzinfo=UTC), "2026-01-05T03:00:00+00:00"),
        ("plain", "plain"),
        ("=HYPERLINK()", "'=HYPERLINK()"),
        ("@cmd", "'@cmd"),
        ("'=1", "''=1"),
        ("' =1", "'' =1"),
        ("Acme;=1+1;x", "Acme;'=1+1;x"),
        ("Acme|-1\t@x", "Acme|'-1\t'@x"),
        ("two\r\n+1", "two\r\n'+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("a; \uff0b1;\uff0d1;\uff20", "a;' \uff0b1;'\uff0d1;'\uff20"),
        ("a-b;c=d", "a-b;c=d"),
    ],
)
def test_a_cell_is_written_so_that_no_spreadsheet_runs_it(cell, written):
    assert export.written(cell) == written


def test_lines_are_quoted_where_needed_and_end_as_the_standard_says():
    lines = list(export.csv_lines(["a", "b"], [['x "y"', "1,2"]]))
    assert lines == ["a,b\r\n", '"x ""y""","1,2"\r\n']


def test_a_download_has_a_name_and_a_type():
    response = export.csv_response("channels", ["a"], [["b"]])
    assert response["Content-Disposition"] == 'attachment; filename="channels.csv"'
    assert response.getvalue() == b"\xef\xbb\xbfa\r\nb\r\n"


def test_a_download_says_that_it_is_utf_8_as_excel_needs_it_and_our_import_reads_it():
    response = export.csv_response("channels", ["name"], [["Zürich €"]])
    content = response.getvalue()
    assert content == "\ufeffname\r\nZürich €\r\n".encode()
    found = reader.CSVReader(io.BytesIO(content), [reader.CSVColumn("name", reader.text)])
    assert list(found) == [reader.CSVRow(2, {"name": "Zürich €"})]


def test_an_unknown_kind_is_answered_with_those_there_are():
    with pytest.raises(UnknownName, match=r"Known: .*channels"):
        export.named("nothing")
