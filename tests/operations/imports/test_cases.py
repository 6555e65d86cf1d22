"""Files as other programs write them, each read right at first, with nothing chosen."""

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from operations.imports import services

CASES = Path(__file__).with_name("cases")
TODAY = date(2026, 11, 20)
pytestmark = pytest.mark.django_db


def checked(name, kind):
    with (CASES / name).open("rb") as file, services.check_file(file, kind, {}, TODAY) as found:
        assert found.is_storable, found.findings.faults
        return found.findings, " ".join(found.layout.notes if found.layout else ())


@pytest.mark.parametrize(
    ("name", "spend", "revenue", "channels", "said"),
    [
        ("google_ads.csv", "3382.67", "14329.20", 1, "is a total and was skipped; it agrees"),
        ("google_ads_utf16.csv", "3382.67", "14329.20", 1, "Encoding UTF-16, tab separated"),
        ("meta.csv", "2043.55", "4741.41", 1, "Currency USD (in the header)"),
        ("linkedin.csv", "2390.40", "2400.00", 1, "within the report's period"),
        ("ga4.csv", "3643.12", "15649.40", 2, "is a total and was skipped; it agrees"),
        ("ga4_grandtotal.csv", "1204.55", "6310.20", 1, "is a total and was skipped"),
        ("spend.xlsx", "3643.12", "15649.40", 2, "Workbook, sheet"),
        ("excel_de_utf8.csv", "2202.65", "10410.20", 1, "1.234.567,89"),
        ("case.csv", "22.00", "41.00", 1, ""),
        ("nfd.csv", "22.00", "41.00", 1, ""),
    ],
)
def test_spend_is_read_right_at_first(name, spend, revenue, channels, said):
    found, notes = checked(name, "budget-performance")
    totals = {name: Decimal(each) for name, each in found.totals.items()}
    assert totals == {"spend in USD": Decimal(spend), "revenue in USD": Decimal(revenue)}
    assert len(found.new_names) == channels
    assert said in notes
    assert len(found.warnings) == (name in {"case.csv", "nfd.csv"})


@pytest.mark.parametrize(
    ("name", "totals", "lines"),
    [
        (
            "stripe.csv",
            {"MRR in EUR": "99.000000", "MRR in JPY": "0", "MRR in USD": "99.000000"},
            [("EUR", "1", "0", "0"), ("JPY", "1", "0", "1"), ("USD", "2", "1", "0")],
        ),
        (
            "mrr_export.csv",
            {"MRR in EUR": "99.000000", "MRR in USD": "1140.666667"},
            [("EUR", "1", "0", "0"), ("USD", "3", "0", "1")],
        ),
    ],
)
def test_subscriptions_are_read_right_at_first(name, totals, lines):
    found, _ = checked(name, "subscriptions-export")
    assert {key: each for key, each in found.totals.items() if key != "rows"} == totals
    assert [(*each[:2], *each[3:]) for each in found.lines] == lines
