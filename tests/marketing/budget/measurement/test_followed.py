"""Planned amounts beside what was spent."""

from decimal import Decimal

from marketing.budget.measurement.followed import compare, sentences


def test_a_tenth_is_followed_and_what_was_not_is_said():
    rows = compare(
        {"a": Decimal(100), "b": Decimal(100), "c": Decimal(50)},
        {
            "a": [Decimal(80), Decimal(100)],
            "b": [Decimal(60)],
            "d": [Decimal(5)],
            "e": [Decimal(0)],
        },
    )
    assert [(each.channel, each.spent, each.is_followed) for each in rows] == [
        ("a", 90, True),
        ("b", 60, False),
        ("c", None, False),
        ("d", 5, False),
    ]
    assert list(sentences(rows, 2, "USD")) == [
        "b spent $60.00 a week over 2 weeks, and $100.00 a week is in force.",
        "c has no rows in 2 weeks, and $50.00 a week is in force.",
        "d spent $5.00 a week over 2 weeks, and $0.00 a week is in force.",
    ]
