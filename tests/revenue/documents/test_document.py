"""Tax, numbers and terms of documents, and their PDF."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from revenue.documents import document, pdf, reports
from revenue.documents.document import (
    ApplicableRate,
    DocumentContent,
    DocumentLine,
    Party,
    content_from_json,
)

ON = date(2026, 4, 20)
RATES = [
    ApplicableRate(country, customers, date(year, 1, 1), "VAT", Decimal(percent), "")
    for country, customers, year, percent in (
        ("DE", "all", 2020, "16"),
        ("DE", "all", 2021, "19"),
        ("DE", "all", 2027, "20"),
        ("AT", "all", 2020, "20"),
        ("AT", "with_tax_id", 2020, "0"),
        ("", "with_tax_id", 2020, "1"),
        ("", "all", 2025, "2"),
    )
]
CONTENT = DocumentContent(
    "INV-2026-000001",
    "Invoice",
    ON,
    date(2026, 5, 4),
    "March 2026",
    Party("Crown GmbH", "Hauptstra\u00dfe 1", "DE", "DE123"),
    Party("\u0141\u00f3d\u017a Sp. z o.o.", "Rynek 1", "PL", ""),
    "IBAN DE00",
    "EUR",
    (DocumentLine("Professional " * 20, Decimal("99.00")), DocumentLine("Credit", Decimal(-9))),
    Decimal("90.00"),
    "VAT",
    Decimal("0.0000"),
    Decimal("0.00"),
    "Reverse charge: the customer owes the tax.",
    Decimal("90.00"),
)


@pytest.mark.parametrize(
    ("country", "has_tax_id", "percent"),
    [
        ("DE", False, 19),
        ("DE", True, 19),
        ("AT", False, 20),
        ("AT", True, 0),
        ("US", False, 2),
        ("US", True, 1),
    ],
)
def test_the_rate_is_that_of_country_tax_number_and_day(country, has_tax_id, percent):
    found = document.rate_for(RATES, country, has_tax_id=has_tax_id, on=ON)
    assert found is not None
    assert found.percent == percent


def test_without_a_row_there_is_no_rate():
    assert document.rate_for(RATES, "US", has_tax_id=False, on=date(2019, 1, 1)) is None


@pytest.mark.parametrize(
    ("net", "percent", "currency", "tax"),
    [
        ("10.50", "19", "EUR", "2.00"),  # 1.995, half up
        ("-10.50", "19", "EUR", "-2.00"),
        ("1050", "10", "JPY", "105"),
        ("1.005", "5", "KWD", "0.050"),
    ],
)
def test_tax_is_rounded_once_to_the_currency(net, percent, currency, tax):
    assert document.tax_of(Decimal(net), Decimal(percent), currency) == Decimal(tax)


def test_a_further_note_of_an_over_credited_invoice_credits_no_tax():
    """Notes of before, each taxed by itself, may have credited a cent too much."""
    earlier = [(Decimal("-0.03"), Decimal("-0.02"))]
    assert document.tax_of_note(Decimal("-0.01"), earlier, Decimal(19), "USD") == 0
    assert document.tax_of_note(Decimal(-10), [], Decimal(19), "USD") == Decimal("-1.90")


def test_numbers_terms_and_lines():
    assert document.number_text("INV", 2026, 7) == "INV-2026-000007"
    assert document.number_text("", 2026, 1_000_000) == "2026-1000000"
    assert document.due_day(ON, 14) == date(2026, 5, 4)
    assert document.retained_until(ON, 10) == date(2036, 12, 31)
    lines = [("Fee", Decimal(9)), ("Nothing", Decimal("0.00"))]
    assert document.document_lines(lines) == (("Fee", Decimal(9)),)


def test_content_is_read_back_as_it_was():
    assert content_from_json(CONTENT.as_json()) == CONTENT
    note = replace(CONTENT, due_on=None, refers_to="INV-2026-000001")
    assert content_from_json(note.as_json()) == note


def test_the_same_content_is_the_same_pdf_in_any_script():
    drawn = pdf.draw(CONTENT, reports.font_folder())
    assert drawn.startswith(b"%PDF-")
    assert drawn == pdf.draw(CONTENT, reports.font_folder())
    long = replace(CONTENT, lines=CONTENT.lines * 30, due_on=None, refers_to="X", tax_note="")
    assert pdf.draw(long, reports.font_folder()).count(b"/Type /Page\n") > 1
