"""When limits call for a larger plan, and what costs a client's health points."""

from decimal import Decimal

import pytest

from enterprise.usage.analysis import opportunity_rules as rules
from enterprise.usage.analysis.health_score import UsageFacts, usage_health
from enterprise.usage.analysis.opportunity_rules import LimitHistory, PlanCosts
from enterprise.usage.analysis.percentiles import percentile
from enterprise.usage.metering.metric_kinds import SpanTotals, total
from enterprise.usage.metering.months import months_after
from revenue.upsell.opportunities import AmountRange, FoundOpportunity, OpportunityKind
from tests.enterprise.usage.conftest import NOW


def history(*percents, days=None, growing=False):
    return LimitHistory(
        "api_calls", [each if each is None else Decimal(each) for each in percents], days, growing
    )


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (history(80, 10, 81), "in 2 of the last 3 periods"),
        (history(99, 99, 10, 10, 79), ""),
        (history(None, 80, 79), ""),
        (history(days=30), "in 30 days"),
        (history(days=31), ""),
    ],
)
def test_a_limit_is_pressed_on(found, words):
    assert words in rules.pressed(found)
    assert bool(rules.pressed(found)) == bool(words)


def test_growth_counts_only_where_it_reaches_the_limit():
    assert rules.outgrowing(history(days=90, growing=True))
    assert not rules.outgrowing(history(days=91, growing=True))
    assert not rules.outgrowing(history(days=60))


def facts(*percents, days=None, declining=None, failed=None):
    return UsageFacts(declining, percents, failed, days)


def same(amount):
    return AmountRange(*[Decimal(amount)] * 3)


def costs(here, there, *larger):
    return PlanCosts("starter", "USD", {"starter": same(here), "pro": same(there)}, larger)


def test_a_pressed_limit_is_worth_the_difference_of_the_plans():
    (found,) = rules.limit_opportunities([history(days=5)], costs(29, 99, "pro"))
    assert (found.kind, found.gain.estimate) == (OpportunityKind.LIMIT_PRESSURE, Decimal(70))
    both = rules.limit_opportunities([history(days=5, growing=True)], costs(29, 99, "pro"))
    assert [each.kind for each in both] == ["limit_pressure", "growth"]


def test_nothing_is_offered_without_a_larger_plan_a_gain_or_a_reason():
    assert rules.limit_opportunities([history(days=5)], costs(29, 99)) == []
    assert rules.limit_opportunities([history(days=5)], costs(99, 99, "pro")) == []
    assert rules.limit_opportunities([history(days=50)], costs(29, 99, "pro")) == []


def test_a_saving_stands_alone_and_each_kind_once():
    def found(kind, reason):
        return FoundOpportunity(kind, "starter", "pro", "USD", reason, {}, same(1))

    kinds = OpportunityKind
    growth = [found(kinds.GROWTH, "ours"), found(kinds.LIMIT_PRESSURE, "ours")]
    merged = rules.merged([found(kinds.GROWTH, "theirs")], growth)
    assert [(each.kind, each.reason) for each in merged] == [
        ("limit_pressure", "ours"),
        ("growth", "theirs"),
    ]
    saving = found(kinds.OVERAGE_SAVING, "theirs")
    assert rules.merged([saving], growth) == [saving]
    assert set(rules.ACTIONS) == set(rules.PRIORITIES) == set(kinds)


@pytest.mark.parametrize(
    ("known", "score", "risk"),
    [
        (facts(), None, None),
        (facts(days=0), 100, "low"),
        (facts(50, days=0, declining=True), 80, "low"),
        (facts(20, 20, 96, days=0, declining=False), 75, "medium"),
        (facts(10, 20, days=7, declining=True, failed=True), 30, "high"),
    ],
)
def test_points_are_deducted_for_what_is_known(known, score, risk):
    found = usage_health(known)
    assert (found.score, found.risk_level) == (score, risk)


def test_spans_add_up_whatever_their_order():
    one = SpanTotals(1, Decimal(5), Decimal(5), Decimal(5), NOW)
    two = SpanTotals(2, Decimal(9), Decimal(7), Decimal(2), NOW)
    assert one.plus(two) == two.plus(one) == SpanTotals(3, Decimal(14), Decimal(7), Decimal(5), NOW)
    assert total([]) is None
    assert one.plus(two).figure("count") == 3
    assert total([one, two]) == one.plus(two)
    assert [one.figure(each) for each in ("sum", "max", "last")] == [5, 5, 5]


def test_months_and_percentiles():
    assert months_after(NOW.date().replace(day=1), -3).isoformat() == "2026-12-01"
    assert percentile([3, 1, 2, 4], 0.5) == 2
    assert percentile([1], 0.95) == 1
