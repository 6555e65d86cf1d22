"""Tables: worded for people, raw for the CSV, a dash where there is nothing."""

from datetime import UTC, date, datetime
from decimal import Decimal

from aethercrown.formatting import COUNT, PERCENT, money
from dashboards.tables import Cell, Column, Table, UnitNumber, format_cell

USD = Column("Total", money("USD"))
DASH = "\N{EN DASH}"


def test_a_number_is_worded_with_its_unit_and_set_to_the_right():
    assert format_cell(Decimal("1234.5"), USD) == Cell("$1,234.50", "number", label="Total")


def test_a_change_shows_its_direction():
    assert format_cell(1.25, Column("Lift", PERCENT, signs=True)).text == "+1.2%"


def test_rows_of_one_column_may_have_units_of_their_own():
    column = Column("Expected", COUNT, signs=True)
    rows = [
        [UnitNumber(8662.5, money("USD"))],
        [UnitNumber(6.4, PERCENT)],
        [UnitNumber(None, PERCENT)],
    ]
    table = Table("kinds", "By type", (column,), rows)
    assert [line[0].text for line in table.lines()] == ["+$8,662.50", "+6.4%", DASH]
    assert {line[0].kind for line in table.lines()} == {"number"}
    assert table.csv_rows() == [[8662.5], [6.4], [None]]


def test_no_figure_is_a_dash_and_zero_is_zero():
    assert format_cell(None, USD) == Cell(DASH, "number", label="Total")
    assert format_cell(0, USD).text == "$0.00"
    assert format_cell("", Column("Note")).text == DASH
    assert format_cell(None, Column("Note")).text == DASH


def test_days_and_times_read_as_people_write_them():
    assert format_cell(date(2026, 1, 5), Column("On")).text == "5 Jan 2026"
    assert (
        format_cell(datetime(2026, 1, 5, 3, 7, tzinfo=UTC), Column("At")).text
        == "5 Jan 2026, 03:07 UTC"
    )


def test_words_in_a_column_of_figures_stay_words():
    assert format_cell("no data", USD) == Cell("no data", "number", label="Total")


def test_sentences_may_run_over_lines():
    assert format_cell("Because.", Column("Why", prose=True)).kind == "reason"
    assert format_cell("", Column("Why", prose=True)).kind == "reason none"


def test_the_first_cells_of_rows_lead_to_their_pages():
    table = Table("a", "A", (Column("Name"), USD), [("x", 1), ("y", 2)], ["/x"])
    assert [line[0].path for line in table.lines()] == ["/x", ""]
    assert table.header == ["Name", "Total"]
    assert [cell.kind for cell in table.headings()] == ["", "number"]


def test_a_word_with_a_meaning_has_its_colour_and_a_missing_one_has_none():
    status = Column("Status", badge=True)
    assert format_cell("Rolled back", status).badge == "badge bad"
    assert format_cell("healthy", status).badge == "badge good"
    assert format_cell("whatever", status).badge == "badge"
    assert format_cell("", status).badge == ""


def test_what_stands_aside_is_in_the_csv_alone():
    columns = (Column("Name"), Column("Seen", csv_only=True), USD)
    table = Table("a", "A", columns, [("x", "now", 1)])
    assert table.header == ["Name", "Seen", "Total"]
    assert [cell.text for cell in table.lines()[0]] == ["x", "$1.00"]
    assert [cell.text for cell in table.headings()] == ["Name", "Total"]


def test_only_a_table_that_is_too_wide_for_a_phone_stands_upright():
    few = tuple(Column(name) for name in "abc")
    assert not Table("a", "A", few, []).stacks
    assert Table("a", "A", (*few, USD), []).stacks


def test_sentences_make_three_columns_too_wide_for_a_phone():
    columns = (Column("Guardrail"), Column("Result"), Column("Finding", prose=True))
    assert Table("a", "A", columns, []).stacks


def test_three_columns_stand_upright_on_a_phone_where_two_are_moments():
    columns = (Column("Started"), Column("Status"), Column("Go-live"))
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    assert Table("t", "T", columns, [(at, "done", at)]).stacks
    assert not Table("t", "T", columns, [(at.date(), "done", at)]).stacks
    assert not Table("t", "T", columns, []).stacks
