"""Names of one channel in several spellings."""

from datetime import date
from decimal import Decimal

import pytest

from marketing.budget.planner.request import (
    BudgetRequest,
    Infeasible,
    LiftTestResult,
    PerformanceRow,
    SpendLimit,
    unify_names,
)

DAY = date(2026, 1, 5)


def of(*names, **more):
    return BudgetRequest(
        Decimal(100), tuple(PerformanceRow(name, 1.0, 2.0, DAY) for name in names), **more
    )


def test_names_that_differ_in_case_blanks_or_unicode_form_are_the_one_most_rows_have():
    found, spellings = unify_names(
        of(
            *("search", "search", "SEARCH ", "Cafe\u0301", "Caf\u00e9", "Caf\u00e9"),
            new_channels=("Search", "radio"),
            constraints={"SEARCH": SpendLimit(Decimal(1))},
            present={"search": Decimal(5)},
            lift_tests=(LiftTestResult("SEARCH", 1, 1, 1),),
        )
    )
    assert [row.channel for row in found.rows] == ["search"] * 3 + ["Caf\u00e9"] * 3
    assert spellings == {"SEARCH": "search", "Search": "search", "Cafe\u0301": "Caf\u00e9"}
    assert found.new_channels == ("search", "radio")
    assert found.constraints == {"search": SpendLimit(Decimal(1))}
    assert found.present == {"search": Decimal(5)}
    assert found.lift_tests[0].channel == "search"


def test_a_map_that_names_one_channel_twice_is_refused():
    twice = of(
        "a", "A", constraints={"a": SpendLimit(), "A": SpendLimit()}, present={"a ": 1, "a": 2}
    )
    with pytest.raises(Infeasible) as refused:
        unify_names(twice)
    assert [(each.field, each.message) for each in refused.value.problems] == [
        ("constraints.A", "means the same channel as 'a'"),
        ("present.a", "means the same channel as 'a '"),
    ]
