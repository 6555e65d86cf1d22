"""A CSV file is read strictly, and each bad cell gets its row, its column and its reason."""

import io
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aethercrown.csv import export, reader
from aethercrown.csv.reader import CSVColumn, CSVReader, CSVRow, InvalidCSV, RowError

COLUMNS = (
    CSVColumn("date", reader.day),
    CSVColumn("name", reader.text),
    CSVColumn("amount", reader.money, required=False),
)
WIDE = (CSVColumn("date", reader.day), CSVColumn("spend", reader.money, many=True))


def sheet(content, columns=COLUMNS, **wanted):
    raw = content if isinstance(content, bytes) else content.encode()
    return CSVReader(io.BytesIO(raw), columns, wanted)


def read(content, columns=COLUMNS, **wanted):
    found = sheet(content, columns, **wanted)
    assert found.faults == []
    return list(found)


def test_a_good_row_gives_its_values_by_field():
    assert read("date,name,amount\n2026-01-05,a,3.10\n") == [
        CSVRow(2, {"date": date(2026, 1, 5), "name": "a", "amount": Decimal("3.10")})
    ]


def test_byte_order_mark_carriage_returns_and_blank_lines_do_no_harm():
    content = b"\xef\xbb\xbfdate,name,amount\r\n\r\n2026-01-05,a,1\r\n , ,\r\n2026-01-06,b,2\r\n"
    assert [record.row for record in read(content)] == [3, 5]


def test_a_column_is_found_whatever_its_case_and_place():
    [record] = read("Amount,extra,DATE,Name\n1,x,2026-01-05,a\n")
    assert record.values["name"] == "a"


def test_an_optional_cell_may_be_empty_or_its_column_missing():
    assert read("date,name,amount\n2026-01-05,a,\n")[0].values["amount"] is None
    assert read("date,name\n2026-01-05,a\n")[0].values["amount"] is None


def test_a_mapped_column_takes_the_place_of_the_field():
    [record] = read("day,who\n2026-01-05,a\n", date=["day"], name=["who"])
    assert record.values["date"] == date(2026, 1, 5)


def test_a_pattern_takes_many_columns_and_names_them_by_what_the_star_stands_for():
    [record] = read("date,ad_tv,ad_web\n2026-01-05,1,\n", WIDE, spend=["ad_*"])
    assert record.values["spend"] == {"tv": Decimal("1.00")}


def test_many_columns_may_also_be_named_one_by_one():
    [record] = read("date,tv,web\n2026-01-05,1,2\n", WIDE, spend=["tv", "web"])
    assert record.values["spend"] == {"tv": Decimal("1.00"), "web": Decimal("2.00")}


@pytest.mark.parametrize(
    ("content", "wanted", "column", "words"),
    [
        ("", {}, "", "the file is empty"),
        ("a,b\n", {}, "date", "no column date; the file has: a, b"),
        ("date,name\n", {"nam": ["x"]}, "nam", "is not a field of this import"),
        ("date,name\n", {"amount": ["sum"]}, "amount", "no column sum"),
        ("date,name,name\n", {}, "name", "is in the header twice"),
        ("date;name;amount\n", {}, "", "not separated by commas"),
        (b"PK\x03\x04\xff\xfe", {}, "", "byte 0xff is not UTF-8 text"),
    ],
)
def test_a_wrong_header_says_what_is_missing_and_what_was_found(content, wanted, column, words):
    faults = sheet(content, **wanted).faults
    assert any(fault.column == column and words in fault.reason for fault in faults)


@pytest.mark.parametrize(
    ("line", "column", "reason"),
    [
        ("2026-02-30,a,1", "date", "'2026-02-30' is not a date; write it as 2026-03-31"),
        ("05/01/2026,a,1", "date", "'05/01/2026' is not a date; write it as 2026-03-31"),
        (",a,1", "date", "is empty"),
        ("2026-01-05,a,-1", "amount", "must be 0 or more, not -1"),
        ("2026-01-05,a,NaN", "amount", "'NaN' is not a finite number"),
        ("2026-01-05,a,inf", "amount", "'inf' is not a finite number"),
        ("2026-01-05,a,1e13", "amount", "must be at most 999999999999.99, not 1e13"),
        (
            '2026-01-05,a,"1,234.50"',
            "amount",
            "'1,234.50' has separators in it; write it plainly, as 1234.50",
        ),
        (
            "2026-01-05,a,1 234",
            "amount",
            "'1 234' has separators in it; write it plainly, as 1234.50",
        ),
        ('2026-01-05,"a\tb",1', "name", "has a control character in it"),
        (f"2026-01-05,{'x' * 101},1", "name", "has 101 characters; at most 100 fit"),
        ("2026-01-05,a", "", "has 2 cells where the header has 3"),
    ],
)
def test_a_bad_cell_says_why(line, column, reason):
    assert read(f"date,name,amount\n{line}\n") == [RowError(2, column, reason)]


def test_every_bad_cell_of_a_row_is_named():
    assert len(read("date,name,amount\nx,a,y\n")) == 2


def test_a_file_that_stops_being_text_ends_with_a_fault():
    content = b"date,name\n2026-01-05,a\n2026-01-06,caf\xe9\n"
    fault = read(content)[-1]
    assert fault.row == 3
    assert fault.reason == "byte 0xe9 is not UTF-8 text; save the file as UTF-8"


def test_a_broken_quote_is_a_fault():
    assert "cannot be read as CSV" in read('date,name\n2026-01-05,"a"b\n')[0].reason


def test_midnight_after_a_date_is_taken_off():
    assert reader.day("2026-01-05 00:00:00") == date(2026, 1, 5)


@pytest.mark.parametrize(("cell", "value"), [("Yes", True), ("0", False), ("TRUE", True)])
def test_a_flag_has_the_usual_spellings(cell, value):
    assert reader.flag(cell) is value


def test_a_flag_of_another_kind_is_refused():
    with pytest.raises(InvalidCSV, match="neither yes nor no"):
        reader.flag("maybe")


def test_a_currency_is_one_in_use():
    assert reader.currency("EUR") == "EUR"
    with pytest.raises(InvalidCSV, match="not a currency code"):
        reader.currency("ZZZ")


def test_a_mapping_is_read_pair_by_pair():
    assert reader.mapping(["a=b", "a=c", "d = e"]) == {"a": ["b", "c"], "d": ["e"]}


@pytest.mark.parametrize("pair", ["a", "=b", "a="])
def test_a_mapping_without_both_sides_is_refused(pair):
    with pytest.raises(ValueError, match="not of the form"):
        reader.mapping([pair])


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc")), max_size=20))
def test_what_the_export_writes_the_import_reads_back(words):
    assert reader.text(export.written(words)) == words


@given(st.decimals(0, 10**12 - 1, places=2))
def test_an_amount_survives_the_way_out_and_in(amount):
    assert reader.money(export.written(amount)) == amount


def test_the_quote_that_the_export_puts_before_a_formula_is_taken_off_again():
    assert reader.text("'=SUM(A1)") == "=SUM(A1)"
    assert reader.text("'s Gravenhage") == "'s Gravenhage"
