"""Reminders go in steps, each once; what they bring is told with an honest interval."""

from datetime import date, timedelta
from random import Random

import pytest

from revenue.documents.reminder_steps import SentReminder, due_step, expected_paid

DUE = date(2026, 5, 4)
STEPS = (3, 10, 20)


def day(count: int) -> date:
    return DUE + timedelta(days=count)


def sent(*pairs: tuple[int, int]) -> list[SentReminder]:
    return [SentReminder(step, day(on)) for step, on in pairs]


@pytest.mark.parametrize(
    ("today", "before", "step"),
    [
        (2, (), None),
        (3, (), 3),
        (40, (), 3),  # after a pause one step at a time
        (9, ((3, 3),), None),
        (10, ((3, 3),), 10),
        (41, ((3, 40),), None),  # seven days between the two, as between their steps
        (47, ((3, 40),), 10),
        (99, ((3, 3), (10, 10), (20, 20)), None),  # the cap
    ],
)
def test_the_next_step_is_due_on_its_day_and_the_gap_is_kept(today, before, step):
    assert due_step(DUE, STEPS, sent(*before), day(today)) == step


def test_without_steps_nobody_is_reminded():
    assert due_step(DUE, (), [], day(99)) is None


def test_a_step_that_came_into_the_list_later_waits_a_day():
    assert due_step(DUE, (2, 3), sent((3, 3)), day(3)) is None
    assert due_step(DUE, (2, 3), sent((3, 3)), day(4)) == 2


@pytest.mark.parametrize(
    ("asked", "paid", "before", "found"),
    [(1, 0, 0, (0.5, 0, 1)), (10, 0, 0, (5.0, 0, 10)), (0, 3, 4, (0.0, 0, 0))],
)
def test_the_expected_count_follows_what_was_seen(asked, paid, before, found):
    assert expected_paid(asked, paid, before) == pytest.approx(found)


def test_the_interval_holds_nine_of_ten_outcomes():
    draw, inside = Random(5), 0  # noqa: S311 - a simulation
    for _each in range(400):
        share = draw.random()
        paid = sum(draw.random() < share for _ in range(30))
        _, low, high = expected_paid(40, paid, 30)
        inside += low <= sum(draw.random() < share for _ in range(40)) <= high
    assert 0.87 <= inside / 400 <= 0.96  # whole numbers: at least 90 %
