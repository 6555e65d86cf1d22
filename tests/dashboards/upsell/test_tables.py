"""Opportunities as figures and tables."""

from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest

from dashboards.upsell import tables
from revenue.upsell.offer_sums import OfferSum

NOW = datetime(2026, 4, 1, 4, tzinfo=UTC)


def counts_of(**changes):
    usual = {
        "kind": "plan_fit",
        "active": 2,
        "offered": 1,
        "gain": Decimal(154),
        "expected_gain": 92.4,
        "accepted": 3,
        "declined": 1,
        "expired": 2,
    }
    return SimpleNamespace(**{**usual, **changes})


def acceptance(realised):
    decision = SimpleNamespace(get_verdict_display=lambda: "" if realised is None else "inside")
    opportunity = row(decided_at=NOW, acceptance=decision)
    expected = {"estimate": 77.0, "low": 60.0, "high": 91.0}
    return opportunity, expected, realised and {"value": realised}


def row(**changes):
    usual = {
        "pk": 4,
        "customer": SimpleNamespace(name="Acme"),
        "kind": "growth",
        "state": "open",
        "current_plan": "starter",
        "recommended_plan": "professional",
        "gain": Decimal(77),
        "gain_low": Decimal(60),
        "gain_high": Decimal(91),
        "confidence": 0.6,
        "owner": "Ada",
        "outcome": "",
        "found_at": NOW,
        "decided_at": None,
        "decided_by": "",
    }
    return SimpleNamespace(**{**usual, **changes})


def test_a_share_has_its_interval_and_none_without_answers():
    low, part, high = tables.acceptance_interval(3, 4) or (0, 0, 0)
    assert part == 75
    assert (round(low, 1), round(high, 1)) == (35.6, 94.2)
    assert tables.acceptance_interval(0, 0) is None
    assert (tables.acceptance_interval(4, 4) or (0, 0, 0))[2] == pytest.approx(100)


def test_figures_say_what_is_open_answered_and_gained():
    found = tables.summary_figures([counts_of()], [acceptance(70.0), acceptance(None)], "USD")
    assert [each.value for each in found] == ["2", "$154", "75%", "+$70"]
    assert found[1].note == "$92 weighted by confidence"
    assert found[3].note == "+$77 expected, 1 acceptance measured"


def test_what_is_not_known_is_a_dash_with_its_reason():
    found = tables.summary_figures([counts_of(accepted=0, declined=0)], [acceptance(None)], "USD")
    assert [each.missing for each in found] == [False, False, True, True]
    assert found[2].note == "No offer was answered yet"


def test_tables_hold_their_rows_and_lead_to_each():
    pipeline = tables.pipeline([row()], "USD")
    assert pipeline.lines()[0][0].path == "/dashboards/upsell/4"
    assert [each.text for each in pipeline.lines()[0]][1:9] == [
        "Growth",
        "Open",
        "starter",
        "professional",
        "+$77.00",
        "+$60.00",
        "+$91.00",
        "60%",
    ]
    over = tables.ended_opportunities(
        [row(state="declined", decided_at=NOW, outcome="too dear")], "USD"
    )
    assert over.rows[0][-1] == "too dear"
    assert [e.text for e in tables.expected_and_realised([acceptance(None)], "USD").lines()[0]][
        -2:
    ] == [
        "\N{EN DASH}",
        "not measured yet",
    ]
    answers = tables.answers_by_kind(
        [counts_of(), counts_of(kind="other", accepted=0, declined=0)], "USD"
    )
    assert answers.rows[0][6] == 75
    assert answers.rows[1][-3:] == (None, None, None)


def test_costs_and_use_are_shown_with_their_intervals():
    span = {"low": "31.90", "estimate": "31.90", "high": "37.70"}
    assert tables.plan_costs({"starter": span}, "USD").rows[0][3] == Decimal("37.70")
    told = {"usage_data": {"api_calls": "3000"}}
    inputs = {"now": told, "ahead": {"low": told, "estimate": told, "high": {"usage_data": {}}}}
    assert tables.usage_table(inputs).rows == [("api_calls", 3000, 3000, 3000, None)]
    assert tables.usage_table({}).rows == []


def test_sums_of_offers_say_whether_they_lie_inside():
    sums = [OfferSum(10.0, 60.0, 110.0, 77.0), OfferSum(10.0, 60.0, 110.0, 0.0)]
    found = tables.sums_of_offers(sums, "USD")
    assert [line[0].text for line in found.lines()] == ["1 to 20", "21 to 40"]
    assert [line[-1].text for line in found.lines()] == ["inside", "outside"]
