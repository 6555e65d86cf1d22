"""Planned amounts beside what was spent."""

from decimal import Decimal

from marketing.budget.measurement.followed import compare, sentences

REST = ", has no rows in the others, and"


def test_a_tenth_is_followed_and_what_was_not_is_said():
    rows = compare(
        {"a": Decimal(100), "b": Decimal(100), "c": Decimal(50)},
        {
            "a": [Decimal(80), Decimal(100)],
            "b": [Decimal(60), Decimal(60)],
            "d": [Decimal(5)],
            "e": [Decimal(0)],
        },
        2,
    )
    assert [(each.channel, each.spent, each.is_followed) for each in rows] == [
        ("a", 90, True),
        ("b", 60, False),
        ("c", None, None),
        ("d", 5, False),
    ]
    assert list(sentences(rows, "USD")) == [
        "b spent $60.00 a week over 2 weeks, and $100.00 a week is in force.",
        "c has no rows in 2 weeks, and $50.00 a week is in force.",
        f"d spent $5.00 a week in 1 of 2 weeks{REST} $0.00 a week is in force.",
    ]


def test_a_week_without_rows_is_unknown_and_leaves_open_whether_a_plan_was_followed():
    """1,000 a week in force, 1,000 spent in one week of four, nothing known of three."""
    planned = {"a": Decimal(1000), "ended": Decimal(0), "paused": Decimal(0)}
    spent = {"a": [Decimal(1000)], "paused": [Decimal(0)]}
    rows = compare(planned, spent, 4)
    assert [each.is_followed for each in rows] == [None, True, True]
    assert [*sentences(rows, "USD")] == [
        f"a spent $1,000.00 a week in 1 of 4 weeks{REST} $1,000.00 a week is in force."
    ]
