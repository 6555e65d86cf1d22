"""Each bad file of issue 12: a clear word, nothing stored, nothing lost."""

import io
import zipfile
from datetime import UTC, datetime

import pytest

from aethercrown.tabular.errors import TableError
from marketing.channels.models import Channel, Performance
from operations.imports import services
from operations.imports.models import DataImport
from tests.aethercrown.tabular.test_workbook import archive, workbook

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HEADER = "date,channel,spend,revenue,currency\n"
SHEET = "xl/worksheets/sheet1.xml"
pytestmark = pytest.mark.django_db


def refused(content, **given):
    """The first word about a file that cannot be stored, and what an upload of it leaves."""
    raw = content if isinstance(content, bytes) else f"{HEADER}{content}".encode()
    record = services.create_draft(
        "budget-performance", "a.csv", io.BytesIO(raw), actor="user:ann", now=NOW
    )
    if given:
        services.choose(record, given)
    with services.check_draft(record, NOW) as found:
        assert not found.is_storable
        said = found.findings.faults[0].reason
    assert not Performance.objects.exists()
    assert not Channel.objects.exists()
    assert bytes(DataImport.objects.get().content or b"")  # the file is still there to be mended
    return said


def test_a_file_that_cannot_be_read_any_more_while_it_is_stored_says_so():
    """The block's own error comes out of it, and not one about the block."""
    file = io.BytesIO(f"{HEADER}2026-10-05,Search,1,2,USD\n".encode())
    block = services.check_file(file, "budget-performance", {}, NOW.date())
    assert block.__enter__().is_storable
    error = TableError("changed meanwhile")
    assert not block.__exit__(TableError, error, None)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("03/04/2026,Search,1,2,USD\n05/06/2026,Search,1,2,USD\n", "The dates fit two orders"),
        ("2026-10-05,Search,1,2,USD\n2026-10-12,Search,1,2,EUR\n", "EUR"),
        ("2026-10-05,Search,1,2,USD\n2026-10-06,Total,1,2,USD\n", "looks like a total"),
        (f"2026-10-05,Search,{10**30},2,USD\n", "must be at most 999999999999.99"),
        (f"2026-10-05,Search,1,{10**30},USD\n", "must be at most 999999999999.99"),
        ("2026-12-05,Search,1,2,USD\n", "is in the future"),
        ("2026-10-05,Search,-1,2,USD\n", "-1"),
        ("", "no row"),
    ],
)
def test_a_bad_file_is_refused_in_words(content, said):
    assert said in refused(content)


def test_two_date_orders_are_asked_and_an_answer_settles_it():
    rows = "03/04/2026,Search,1,2,USD\n"
    assert "The dates fit two orders" in refused(rows)
    record = DataImport.objects.get()
    services.choose(record, {"date_order": "dmy"})
    with services.check_draft(record, NOW) as found:
        assert found.is_storable


def replaced(file: io.BytesIO, content: bytes) -> bytes:
    """The workbook with another content of its sheet."""
    made = io.BytesIO()
    with zipfile.ZipFile(file) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, content if name == SHEET else old.read(name))
    return made.getvalue()


def test_a_gigabyte_of_zeros_in_a_zip_is_not_unpacked():
    entry = zipfile.ZipInfo("zeros")
    entry.compress_type = zipfile.ZIP_DEFLATED
    file = io.BytesIO()
    piece = bytes(1 << 20)
    with (
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as made,
        made.open(entry, "w") as sheet,
    ):
        for _ in range(64):
            sheet.write(piece)
    raw = file.getvalue()
    size = (64 << 20).to_bytes(4, "little")
    assert size in raw
    said = refused(raw.replace(size, (1 << 30).to_bytes(4, "little")))
    assert "1,073,741,824 bytes: not read" in said


def test_a_sheet_that_says_it_is_small_and_is_not_is_damaged():
    raw = replaced(
        workbook(("date", "spend"), ("2026-10-05", 1)), b"<worksheet>" + b"0" * 3_000_000
    )
    size = len(b"<worksheet>" + b"0" * 3_000_000).to_bytes(4, "little")
    said = refused(raw.replace(size, (2_000).to_bytes(4, "little")))
    assert "damaged" in said


def test_a_cell_without_an_end_is_damaged():
    endless = b'<worksheet><sheetData><row r="1"><c r="A1"><v>' + b"12" * 3_000_000
    assert "damaged" in refused(replaced(workbook(("date", "spend"), ("2026-10-05", 1)), endless))


def test_a_sheet_with_a_formula_without_its_result_or_merged_cells_is_refused():
    formula = (("date", "channel", "spend"), ("2026-10-05", "Search", "=1+1"))
    assert "formula without a stored result" in refused(workbook(*formula).getvalue())
    DataImport.objects.all().delete()
    rows = (("date", "channel", "spend"), ("2026-10-05", "Search", 1), ("2026-10-12", None, 1))
    assert "merged" in refused(workbook(*rows, merged="B2:B3").getvalue())


def test_an_archive_of_something_else_is_named():
    assert "no .xlsx workbook" in refused(archive(**{"a.csv": "date,spend\n"}).getvalue())
