"""Why a bill differs from the month before."""

from decimal import Decimal

from dashboards.revenue.bill_change import changes
from revenue.pricing.rating.rate import PriceLine


def line(description, amount, kind="usage"):
    return PriceLine(kind, description, Decimal(1), Decimal(amount), Decimal(amount))


def test_lines_are_matched_by_their_words_and_the_largest_change_stands_first():
    before = [line("Base price", 99, "base"), line("api_calls of 1000: x 1.1", 10), line("Old", 5)]
    after = [
        line("Base price", 99, "base"),
        line("api_calls of 50,000: x 1.3", 30),
        line("New, 3 days", 7),
        line("New, 4 days", 1),
    ]
    table = changes(before, after, "USD", "March 2026")
    assert [each.name for each in table.columns][1] == "March 2026"
    assert table.rows == [
        ("api calls of 50,000: x 1.3", Decimal(10), Decimal(30), Decimal(20)),
        ("New, 3 days", None, Decimal(8), Decimal(8)),
        ("Old", Decimal(5), None, Decimal(-5)),
    ]


def test_the_same_lines_are_no_change():
    lines = [line("Base price", 99)]
    assert changes(lines, lines, "USD", "March 2026").rows == []
