"""One input, one name."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

from marketing.budget.planner.digest import digest, seed
from marketing.budget.planner.request import LiftTest, Limit, Question, Row

QUESTION = Question(
    Decimal(100),
    (Row("a", 1, 2, date(2026, 1, 5)), Row("b", 3, 4)),
    constraints={"a": Limit(Decimal(1), None)},
    lift_tests=(LiftTest("a", 1, 2, 3),),
)


def test_the_order_of_rows_and_the_writing_of_numbers_do_not_matter():
    same = replace(
        QUESTION,
        total=Decimal("100.00"),
        rows=(Row("b", 3.0, 4.0), Row("a", 1.0, 2.0, date(2026, 1, 5))),
    )
    assert digest(same) == digest(QUESTION)
    assert len(digest(QUESTION)) == 64


def test_any_change_gives_another_name_and_seed():
    others = [
        replace(QUESTION, total=Decimal(101)),
        replace(QUESTION, rows=QUESTION.rows[:1]),
        replace(QUESTION, constraints={"a": Limit(Decimal(2), None)}),
        replace(QUESTION, total_revenue=((date(2026, 1, 5), 1.0),)),
    ]
    names = {digest(each) for each in [QUESTION, *others]}
    assert len(names) == 5
    assert len({seed(each) for each in names}) == 5
