"""Workbooks: stored values, bounded archives, formulas and merged cells."""

import io
import time
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from aethercrown.csv.reader import MAX_CELL_CHARACTERS
from aethercrown.tabular.errors import TableError
from aethercrown.tabular.opening import open_table
from aethercrown.tabular.workbook import Exact, WorkbookSource, written_cell

MONDAY = datetime(2026, 10, 5)  # noqa: DTZ001 - a workbook has no time zones


def workbook(*rows, sheet="Spend", merged="", then=lambda _book: None):
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    page.title = sheet
    for row in rows:
        page.append(row)
    if merged:
        page.merge_cells(merged)
    then(book)
    file = io.BytesIO()
    book.save(file)
    return file


def with_stored_result(file, value=b"<v>3</v>"):
    """The workbook as a spreadsheet program saves it: formulas with their results."""
    made = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(
                name,
                old.read(name)
                .replace(b"</f><v></v>", b"</f>" + value)
                .replace(b"</f><v/>", b"</f>" + value)
                .replace(b"</f><v />", b"</f>" + value),
            )
    return made


def archive(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(name, content)
    return file


def test_values_are_read_as_they_are_stored():
    file = workbook(("Week", "Spend", "x"), (MONDAY, 1204.55, None), (None,), ("a", 3, 1))
    source = open_table(file)
    assert list(source.rows()) == [
        (1, ["Week", "Spend", "x"]),
        (2, ["2026-10-05", "1204.55"]),
        (4, ["a", "3", "1"]),
    ]
    assert source.notes == ("Workbook, sheet Spend.",)


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (None, ""),
        (True, "yes"),
        (False, "no"),
        (date(2026, 10, 5), "2026-10-05"),
        (MONDAY.replace(hour=9, minute=30), "2026-10-05 09:30:00"),
        (1e30, "1" + "0" * 30),
        (" text ", "text"),
    ],
)
def test_a_cell_as_text(cell, text):
    assert written_cell(cell) == text


def test_numbers_and_dates_of_a_workbook_are_exact():
    assert isinstance(written_cell(1.204), Exact)
    assert not isinstance(written_cell("1.204"), Exact)


def test_the_first_sheet_with_rows_is_read_and_others_are_named():
    def add(book):
        book.create_sheet("Data").append(("a", "b"))
        book["Data"].append((1, 2))

    file = workbook(then=add, sheet="Cover")
    source = WorkbookSource(file)
    assert source.sheet == "Data"
    assert source.notes == ("Workbook, sheet Data; not read: Cover.",)
    with pytest.raises(TableError, match="no sheet 'x'; the workbook has Cover, Data"):
        WorkbookSource(file, "x")
    with pytest.raises(TableError, match="the workbook is empty"):
        WorkbookSource(workbook())


def test_a_formula_without_a_result_is_refused_and_one_with_it_is_said():
    file = workbook(("a", "b"), (1, "=1+2"))
    with pytest.raises(TableError, match="B2 is a formula without a stored result"):
        WorkbookSource(file)
    source = WorkbookSource(with_stored_result(file))
    assert source.notes[1] == "Stored results of formulas are read, in cells B2."
    assert list(source.rows())[1] == (2, ["1", "3"])


def test_merged_ranges_are_known():
    source = WorkbookSource(workbook(("a", "b"), (1, 2), (3, 4), merged="A2:A3"))
    assert source.merged == [(2, 3, "A2:A3")]


def test_an_archive_that_unpacks_to_a_gigabyte_of_zeros_is_not_unpacked():
    zeros = archive(**{"xl/worksheets/sheet1.xml": b"0" * 25_000_000})
    with pytest.raises(TableError, match=r"unpacks from [\d,]+ to 25,000,000 bytes"):
        open_table(zeros)


def test_damaged_and_other_archives_are_refused():
    with pytest.raises(TableError, match="damaged archive"):
        open_table(io.BytesIO(b"PK\x03\x04rest"))
    with pytest.raises(TableError, match=r"no \.xlsx workbook"):
        open_table(archive(**{"a.csv": b"a,b"}))
    with pytest.raises(TableError, match="the workbook is damaged"):
        open_table(archive(**{"xl/workbook.xml": b"<x"}))


def test_a_sheet_that_breaks_off_is_damaged():
    file = workbook(("a", "b"), (1, 2), (3, 4))
    cut = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(cut, "w") as new:
        for name in old.namelist():
            content = old.read(name)
            new.writestr(name, content[:-60] if name.endswith("sheet1.xml") else content)
    with pytest.raises(TableError, match="the workbook is damaged"):
        list(WorkbookSource(cut).rows())


def test_empty_cells_at_the_end_of_a_row_are_left_out():
    file = workbook(["date", "spend", ""], ["2026-10-05", 1, "  "])
    assert [len(cells) for _, cells in open_table(file).rows()] == [2, 2]


@pytest.mark.parametrize(
    "hostile",
    [b"<c ", b"<mergeCell ", b'<c r="A1" ', b'<c r="A1" r="A1"><f', b"<f><f "],
)
def test_what_is_no_sheet_holds_nobody_up(hostile):
    """The first rows are good, so that the sheet is chosen; openpyxl reads no further then."""
    file, made = workbook(("Week", "Spend"), ("a", 3)), io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            more = hostile * (300_000 // len(hostile)) if name.endswith("sheet1.xml") else b""
            new.writestr(name, old.read(name).replace(b"</sheetData>", more + b"</sheetData>"))
    began = time.process_time()
    with pytest.raises(TableError, match="damaged"):
        list(WorkbookSource(made).rows())
    assert time.process_time() - began < 1


def test_a_long_cell_is_cut_before_anything_is_recognised_in_it():
    file = workbook(("Week", "Spend"), ("a", "1" * 20_000))
    assert len(list(open_table(file).rows())[1][1][1]) == MAX_CELL_CHARACTERS + 1
