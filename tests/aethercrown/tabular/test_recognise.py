"""What is recognised in a file, and what is asked."""

import io
import time
from decimal import Decimal

import openpyxl
import pytest

from aethercrown.csv.reader import RowError
from aethercrown.tabular.errors import TableError
from aethercrown.tabular.opening import open_table
from aethercrown.tabular.presets import header_currency, normalized, recognised
from aethercrown.tabular.recognise import Choices, recognise
from aethercrown.tabular.rows import RowReader
from marketing.channels.csv_columns import PERFORMANCE as COLUMNS
from marketing.channels.presets import KIND

ADS = "Campaign,Day,Cost,Conv. value\n"


def read(content, choices=None, default="USD"):
    """The layout, the good rows as (date, channel, spend, revenue, currency), faults, remarks."""
    file = content if isinstance(content, io.BytesIO) else io.BytesIO(content.encode())
    choices = choices or Choices()
    source = open_table(file)
    layout = recognise(source, KIND, COLUMNS, choices, default)
    reader = RowReader.of(source, COLUMNS, layout, choices, default)
    found = list(reader) if not layout.problems and not layout.questions else []
    faults = [each for each in found if isinstance(each, RowError)]
    rows = [tuple(e.values.values()) for e in found if not isinstance(e, RowError)]
    return layout, [(str(d), c, s, r, u) for d, c, s, r, u in rows], faults, list(reader.remarks())


def test_an_export_is_recognised_by_its_headers_below_title_lines():
    content = (
        'Report\n"Oct 1, 2026 - Oct 31, 2026"\n' + ADS + 'A,2026-10-05,"1,204.55", --\n'
        'Total: all, --,"1,204.55",--\nnote at the end\n'
    )
    layout, rows, faults, remarks = read(content)
    assert layout.preset.name == "google-ads"
    assert layout.notes[2] == "Header on line 3, below: Report; Oct 1, 2026 - Oct 31, 2026."
    assert rows == [("2026-10-05", "Google Ads", Decimal("1204.55"), None, "USD")]
    assert faults == []
    assert remarks[0] == "Line 5 is a total and was skipped; it agrees: spend 1,204.55."
    assert remarks[-1] == "revenue is blank in 1 row (line 4): unknown, not 0."


def test_choices_replace_what_was_recognised():
    content = ADS + "A,2026-10-05,10,\nB,2026-10-05,5,3\n"
    by_campaign = Choices(columns={"channel": "Campaign"}, zero=frozenset({"revenue"}))
    layout, rows, _, remarks = read(content, by_campaign)
    assert [row[1] for row in rows] == ["A", "B"]
    assert rows[0][3] == 0
    assert remarks == ["revenue is blank in 1 row (line 2): counted as 0."]
    assert layout.column_of("channel") == "Campaign"
    assert layout.column_of("currency") == ""
    layout, *_ = read(content, Choices(preset="none", add_up=False))
    assert layout.preset is None
    assert layout.add_up is False
    assert layout.problems[0].startswith("no column for channel; choose one or a value")
    layout, *_ = read(content, Choices(columns={"channel": "Nothing", "revenue": ""}))
    assert layout.problems == ["no column Nothing for channel"]
    layout, rows, *_ = read("x,y\ndate,5\n", Choices(header_line=1, preset="google-ads"))
    assert "no column for date" in layout.problems[0]
    given = Choices(currency="GBP")
    assert read("date,channel,spend\n2026-10-05,a,1\n", given)[1][0][4] == "GBP"
    titled = "Generated Oct 9, 2026\nOct 1, 2026\ndate,channel,spend\n10/5/2026,a,1\n"
    assert read(titled)[0].questions[0].field == "date_order"


def test_a_header_twice_and_a_file_without_rows():
    layout, *_ = read("date,channel,spend,Spend\n2026-10-05,a,1,2\n")
    assert layout.problems == ["spend is in the header twice; rename one of the two"]
    layout, *_ = read("a,b,c\n1,2,3\n4,5,6\n")
    assert layout.header.line == 1
    with pytest.raises(TableError, match="the file is empty"):
        read(",,\n")


def test_two_orders_of_dates_and_two_formats_of_numbers_are_asked():
    content = "date,channel,spend\n10/5/2026,a,1.204\n"
    layout, *_ = read(content)
    assert [each.field for each in layout.questions] == ["number_format", "date_order"]
    layout, rows, *_ = read(content, Choices(date_order="dmy", number_format="comma"))
    assert rows == [("2026-05-10", "a", Decimal(1204), None, "USD")]
    assert "Dates are day first, as you chose." in layout.notes
    assert "Numbers are written as 1.234.567,89." in layout.notes


@pytest.mark.parametrize(
    ("header", "cells", "code", "where"),
    [
        ("spend (EUR)", "5", "EUR", "in the header"),
        ("spend", "5 €", "EUR", "by its symbol"),
        ("spend", "$5", "USD", "the default"),
    ],
)
def test_the_currency_is_read_from_header_or_symbol(header, cells, code, where):
    layout, rows, *_ = read(f"date,channel,{header}\n2026-10-05,a,{cells}\n")
    assert rows[0][4] == code
    assert f"Currency {code} ({where})." in layout.notes


def test_currencies_of_a_column_are_counted_and_converted_by_a_rate():
    content = "date,channel,spend,currency\n2026-10-05,a,10,eur\n2026-10-05,b,5,USD\n"
    layout, rows, *_ = read(content)
    assert "Several currencies: EUR in 1 rows, USD in 1 rows." in layout.notes
    assert [row[4] for row in rows] == ["EUR", "USD"]
    _, rows, *_ = read(content, Choices(rates={"EUR": Decimal("1.08")}))
    assert [row[2:5] for row in rows] == [
        (Decimal("10.80"), None, "USD"),
        (Decimal("5.00"), None, "USD"),
    ]
    mixed = "date,channel,spend (EUR),revenue (USD)\n2026-10-05,a,1,2\n"
    layout, *_ = read(mixed)
    assert layout.problems == ["mixed currencies: EUR, USD; choose one"]
    layout, rows, *_ = read(mixed, Choices(constants={"currency": "EUR"}))  # as on the page
    assert (layout.problems, rows[0][4]) == ([], "EUR")
    layout, rows, *_ = read(mixed, Choices(currency="GBP"))
    assert rows[0][4] == "GBP"


def test_every_bad_cell_is_named():
    content = (
        "date,channel,spend,revenue\n2026-10-05,,x,1\n2026-10-05,a," + "9" * 10_001 + ",1\n"
        "2026-99-05,a,1,1\n2026-10-05,a,1,1,more\n2026-10-05,a,1\n2026-10-05,Total,1,1\n"
        "2026-10-05,b,1" + "0" * 30 + ",\n"
    )
    _, rows, faults, _ = read(content)
    assert rows == []
    assert [(each.row, each.column) for each in faults] == [
        *((2, "channel"), (2, "spend"), (3, "spend"), (4, "date"), (5, ""), (6, "")),
        *((7, "channel"), (8, "spend")),
    ]
    assert faults[6].reason == "'Total' looks like a total with a date; remove the row"
    assert "must be at most" in faults[7].reason


def test_a_total_in_the_middle_is_skipped_and_compared():
    content = (
        "date,channel,spend\n2026-10-05,a,1\nSubtotal,,1\n2026-10-06,a,2\nSubtotal,,2\n"
        ",,3\nTotal,,99\nTotal,--,\n"
    )
    _, rows, faults, remarks = read(content)
    assert len(rows) == 2
    assert faults == []
    assert remarks == [
        "Line 3 is a total and was skipped; it agrees: spend 1.",
        "Line 5 is a total and was skipped; it agrees: spend 2.",
        "Line 6 is a total and was skipped; it agrees: spend 3.",
        "Line 7 is a total and was skipped: spend 99; the rows add up to spend 3.00.",
        "Line 8 has no date and no amount and was skipped: Total",
    ]


def test_amounts_without_a_date_that_are_no_total_are_an_error():
    _, _, faults, _ = read("date,channel,spend\n2026-10-05,a,1\n,,7\n,b,7\n")
    assert (
        faults
        == [
            RowError(4, "date", "is empty"),
            RowError(3, "date", "is empty, and the amounts are no total"),
        ]
        or len(faults) == 2
    )


def test_many_totals_are_counted():
    totals = "".join(f"Total,,{n}\n" for n in range(1, 112))
    _, _, _, remarks = read("date,channel,spend\n" + totals)
    assert remarks[-1] == "100 totals were skipped in all."


def test_a_workbook_s_numbers_are_exact_and_merged_cells_are_refused():
    book = openpyxl.Workbook()
    page = book.worksheets[0]
    for row in (("date", "channel", "spend"), ("2026-10-05", "a", 1.204), ("2026-10-06", "a", "x")):
        page.append(row)
    file = io.BytesIO()
    book.save(file)
    _, rows, faults, _ = read(file)
    assert rows[0][2] == Decimal("1.20")
    assert faults[0].row == 3
    page["C3"] = "2026"
    page.merge_cells("B2:B3")
    page.insert_rows(1)
    page.merge_cells("A1:C1")
    book.save(file)
    layout, *_ = read(file)
    assert len(layout.problems) == 1
    assert layout.problems[0].startswith("cells B2:B3 are merged")


def test_names_of_headers_are_compared_without_currency_and_case():
    assert normalized(" Amount  spent (USD)") == "amount spent"
    assert normalized("Start Date (UTC)") == "start date (utc)"
    assert header_currency("Spend [€]") == "EUR"
    assert header_currency("Spend (xyz)") == ""
    assert recognised(["a"], [KIND]) is None


@pytest.mark.parametrize("part", ["1", " ", "a ", "1,", "1.", "-", "(", "Fr.", "2026-", "$"])
def test_a_cell_of_100_000_characters_is_refused_before_any_pattern(part):
    cell = f"1{part * (100_000 // len(part))}x"
    content = f'{ADS}A,2026-10-05,"{cell}",1\nB,2026-10-05,5,3\n'
    began = time.process_time()
    _layout, _rows, faults, _remarks = read(content, Choices(columns={"channel": "Campaign"}))
    assert time.process_time() - began < 0.5
    assert [each.reason for each in faults] == ["has more than 10,000 characters"]
