"""Rows with spend and no known revenue."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pytest

from marketing.budget.model import unknown_revenue
from marketing.budget.model.by_channel import fit_rows
from marketing.budget.model.fitted_model import roi_percent
from marketing.budget.model.history import build_history
from marketing.budget.planner.digest import request_digest
from marketing.budget.planner.planning import plan
from marketing.budget.planner.request import BudgetRequest, PerformanceRow

MONDAY = date(2026, 1, 5)


def weekly(channel, revenues, spend=100.0):
    return [
        PerformanceRow(
            channel, spend + at % 7, each, MONDAY + timedelta(weeks=at), is_unknown=each is None
        )
        for at, each in enumerate(revenues)
    ]


def of(*rows):
    return BudgetRequest(Decimal(200), tuple(row for some in rows for row in some))


def test_the_spend_of_an_unknown_revenue_counts_as_spend_and_not_in_the_roi():
    history, _ = build_history(weekly("a", [None, 200.0, None, 206.0]), [], {})
    assert history.spend.tolist() == [[100, 101, 102, 103]]
    assert history.usable.tolist() == [[False, True, False, True]]
    assert history.present_spend().tolist() == [101.5]
    assert roi_percent(history) == pytest.approx([100 * (406 / 204 - 1)])


def test_the_answer_says_how_much_is_unknown_and_what_zeros_would_mean():
    losing = [None, None, 400.0, 400.0]
    rows = weekly("display", losing, 97.0), weekly("search", [300.0] * 4)
    found = plan(of(*rows))
    assert found.warnings[-1] == (
        "Revenue is unknown in 2 of 4 rows of display, which spent $195.00 of $394.00: its ROI "
        "is 302.0% without them, and 103.0% if they earned nothing."
    )
    assert "Revenue is unknown in rows of display." in found.reasons_against
    assert not found.auto_applicable


def test_a_channel_whose_every_revenue_is_unknown_is_not_taken_to_earn_nothing():
    found = plan(of(weekly("print", [None] * 4), weekly("search", [300.0] * 4)))
    assert "its ROI is not known, and -100.0% if they earned nothing." in found.warnings[
        -1
    ].replace("\u2212", "-")
    assert not any("without any revenue" in each for each in found.warnings)
    assert {each.channel: each.marginal_roi_now > 0 for each in found.channels} == {
        "print": True,
        "search": True,
    }


@pytest.mark.parametrize(
    ("blanks", "grades"),
    [(0, ("high", "medium", "low")), (3, ("medium", "medium", "low")), (4, ("low", "low", "low"))],
)
def test_evidence_is_lowered_with_the_share_that_is_unknown(blanks, grades):
    revenues = [None] * blanks + [300.0] * (35 - blanks)
    history, _ = build_history([row for c in "abc" for row in weekly(c, revenues)], [], {})
    assert unknown_revenue.lowered(("high", "medium", "low"), history) == grades


def test_periods_with_an_unknown_revenue_are_no_part_of_the_backtest():
    known = [300.0 + at % 5 for at in range(30)]
    fitted = fit_rows(of(weekly("a", [None, *known[1:]]), weekly("b", known)))
    complete = fitted.history.complete()
    assert len(complete.dates) == 29
    assert not np.isnan(complete.revenue).any()
    assert complete.complete() is complete
    undated, _ = build_history([PerformanceRow("a", 1, None, is_unknown=True)], [], {})
    assert undated.complete().spend.shape == (1, 0)


def test_an_unknown_revenue_is_another_request_than_a_revenue_of_zero():
    unknown, zero = of(weekly("a", [None, 3.0])), of(weekly("a", [0.0, 3.0]))
    assert request_digest(unknown) != request_digest(zero)
