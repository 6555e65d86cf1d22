"""Numbers of any country: one format a file, asked where two are plausible."""

import pytest

from aethercrown.tabular.numbers import BY_NAME, FormatEvidence, is_none, symbols, undecorated


def decided(*cells):
    evidence = FormatEvidence()
    for cell in cells:
        evidence.add(cell)
    found = evidence.decided()
    return found.name if found else evidence.question()


@pytest.mark.parametrize(
    ("name", "cell", "plain"),
    [
        ("point", "1,234,567.89", "1234567.89"),
        ("comma", "1.234.567,89", "1234567.89"),
        ("space", "1\u202f234\u202f567,89", "1234567.89"),
        ("space", "1\u00a0234,5", "1234.5"),
        ("apostrophe", "1'234'567.89", "1234567.89"),
        ("apostrophe", "1\u2019234.5", "1234.5"),
        ("lakh", "12,34,567.89", "1234567.89"),
        ("point", "1.5E+3", "1.5E+3"),
        ("point", "-.5", "-.5"),
        ("point", "1,23", None),
        ("point", "12,34,567", None),
        ("comma", "1,204.55", None),
        ("point", "x", None),
        ("point", "", None),
    ],
)
def test_a_number_in_its_format(name, cell, plain):
    assert BY_NAME[name].plain(cell) == plain


@pytest.mark.parametrize(
    ("cells", "name"),
    [
        ((), "point"),
        (("12", "1204"), "point"),
        (("1,204.55", "402.9"), "point"),
        (("1.204", "998,10"), "comma"),
        (("1.204", "12.5"), "point"),
        (("1,20,455.50",), "lakh"),
        (("abc", "998,10"), "comma"),
        (("1,204", "1,305"), "Is 1,204 1,204.0 or 1.204?"),
        (("1.204",), "Is 1.204 1.204 or 1,204.0?"),
    ],
)
def test_the_format_is_decided_over_all_cells_or_asked(cells, name):
    assert decided(*cells) == name


@pytest.mark.parametrize(
    ("cell", "bare"),
    [
        ("$1,210.40", "1,210.40"),
        ("1.204,55 €", "1.204,55"),
        ("USD 12.50", "12.50"),
        ("(12.50)", "-12.50"),
        ("12.50-", "-12.50"),
        ("\u221212", "-12"),
        (" 4.31% ", "4.31"),
    ],
)
def test_currencies_and_signs_around_a_number(cell, bare):
    assert undecorated(cell) == bare


def test_marks_for_none_and_symbols_of_one_currency():
    assert all(map(is_none, ("", "--", "-", "N/A", "\u2014", "null")))
    assert not is_none("0")
    assert symbols(["$5", "5 €", "£5"]) == {"EUR", "GBP"}
