"""Tables: worded for people, raw for the CSV, a dash where there is nothing."""

from datetime import UTC, date, datetime
from decimal import Decimal

from aethercrown.charts.figures import PERCENT, money
from dashboards.tables import Cell, Column, Table, shown

USD = Column("Total", money("USD"))
DASH = "\N{EN DASH}"


def test_a_number_is_worded_with_its_unit_and_set_to_the_right():
    assert shown(Decimal("1234.5"), USD) == Cell("$1,234.50", "number")


def test_a_change_shows_its_direction():
    assert shown(1.25, Column("Lift", PERCENT, signs=True)).text == "+1.2%"


def test_no_figure_is_a_dash_and_zero_is_zero():
    assert shown(None, USD) == Cell(DASH, "number")
    assert shown(0, USD).text == "$0.00"
    assert shown("", Column("Note")).text == DASH
    assert shown(None, Column("Note")).text == DASH


def test_days_and_times_read_as_people_write_them():
    assert shown(date(2026, 1, 5), Column("On")).text == "5 Jan 2026"
    assert shown(datetime(2026, 1, 5, 3, 7, tzinfo=UTC), Column("At")).text == "5 Jan 2026, 03:07"


def test_words_in_a_column_of_figures_stay_words():
    assert shown("no data", USD) == Cell("no data", "number")


def test_sentences_may_run_over_lines():
    assert shown("Because.", Column("Why", prose=True)).kind == "reason"


def test_the_first_cells_of_rows_lead_to_their_pages():
    table = Table("a", "A", (Column("Name"), USD), [("x", 1), ("y", 2)], ["/x"])
    assert [line[0].path for line in table.lines()] == ["/x", ""]
    assert table.header == ["Name", "Total"]
    assert [cell.kind for cell in table.headings()] == ["", "number"]
