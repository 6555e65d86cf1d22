"""One input, one name."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from marketing.budget.planner.digest import draw_seed, request_digest
from marketing.budget.planner.request import (
    BudgetRequest,
    LiftTestResult,
    PerformanceRow,
    SpendLimit,
)

QUESTION = BudgetRequest(
    Decimal(100),
    (PerformanceRow("a", 1, 2, date(2026, 1, 5)), PerformanceRow("b", 3, 4)),
    constraints={"a": SpendLimit(Decimal(1), None)},
    lift_tests=(LiftTestResult("a", 1, 2, 3),),
)


def test_the_order_of_rows_and_the_writing_of_numbers_do_not_matter():
    same = replace(
        QUESTION,
        total=Decimal("100.00"),
        rows=(PerformanceRow("b", 3.0, 4.0), PerformanceRow("a", 1.0, 2.0, date(2026, 1, 5))),
    )
    assert request_digest(same) == request_digest(QUESTION)
    assert len(request_digest(QUESTION)) == 64


def test_any_change_gives_another_name_and_seed():
    alternatives = [
        replace(QUESTION, total=Decimal(101)),
        replace(QUESTION, rows=QUESTION.rows[:1]),
        replace(QUESTION, constraints={"a": SpendLimit(Decimal(2), None)}),
        replace(QUESTION, total_revenue=((date(2026, 1, 5), 1.0),)),
    ]
    names = {request_digest(each) for each in [QUESTION, *alternatives]}
    assert len(names) == 5
    assert len({draw_seed(each) for each in names}) == 5
