"""Which tier a company gets, and why."""

from decimal import Decimal

import pytest

from enterprise.sla.tier_rules import (
    ALL,
    CompanySize,
    RuleSet,
    SizeRule,
    TierChoice,
    read_conditions,
    tier_for,
)

MILLION = 1_000_000


def rule(tier, employees, revenue, join="any"):
    rows = [
        {"field": "employees", "operator": ">", "value": employees},
        {"field": "annual_revenue", "operator": ">", "value": revenue},
    ]
    return SizeRule(tier, join, read_conditions(rows))


RULES = RuleSet(
    (
        rule("enterprise", 1000, 100 * MILLION),
        rule("premium", 100, 10 * MILLION),
        SizeRule("standard"),
    ),
    "USD",
    {"EUR": Decimal("1.10")},
)


def size(employees=None, revenue=None, currency="USD"):
    return CompanySize(employees, None if revenue is None else Decimal(revenue), currency)


@pytest.mark.parametrize(
    ("company", "tier"),
    [
        (size(500, 50 * MILLION), "premium"),
        (size(1000), "premium"),
        (size(1001), "enterprise"),
        (size(revenue=100 * MILLION), "premium"),
        (size(revenue=100 * MILLION + 1), "enterprise"),
        (size(100), "standard"),
        (size(revenue=10 * MILLION), "standard"),
        (size(), "standard"),
        (size(revenue=95 * MILLION, currency="EUR"), "enterprise"),
        (size(revenue=95 * MILLION, currency="JPY"), "standard"),
    ],
)
def test_strictly_greater_wins(company, tier):
    assert tier_for(company, RULES).tier == tier


def test_reasons_are_said():
    found = tier_for(size(500, 50 * MILLION), RULES)
    assert found.reasons == ("employees 500 > 100", "annual revenue 50,000,000 > 10,000,000")
    assert tier_for(size(), RULES).reasons == ("no size known",)
    assert tier_for(size(5), RULES).reasons == ("no other rule matches",)
    foreign = tier_for(size(500, 5, "JPY"), RULES)
    assert foreign.reasons == ("employees 500 > 100", "annual revenue in JPY: no rate to USD")


def test_all_conditions_are_needed_where_a_rule_says_so():
    rules = RuleSet((rule("premium", 100, 10 * MILLION, ALL),), "USD")
    assert tier_for(size(500, 50 * MILLION), rules).tier == "premium"
    assert tier_for(size(500), rules) == TierChoice("", ("no rule matches",))


def test_a_figure_with_cents_keeps_them():
    rules = RuleSet((SizeRule("a", "any", read_conditions(
        [{"field": "annual_revenue", "operator": ">=", "value": "1.50"}]
    )),), "USD")  # fmt: skip
    assert tier_for(size(revenue="1.50"), rules).reasons == ("annual revenue 1.5 >= 1.5",)


@pytest.mark.parametrize(
    "rows",
    [
        {},
        [1],
        [{"field": "employees", "operator": ">"}],
        [{"field": "age", "operator": ">", "value": 1}],
        [{"field": "employees", "operator": "~", "value": 1}],
        [{"field": "employees", "operator": ">", "value": True}],
        [{"field": "employees", "operator": ">", "value": None}],
        [{"field": "employees", "operator": ">", "value": "many"}],
        [{"field": "employees", "operator": ">", "value": -1}],
        [{"field": "employees", "operator": ">", "value": "NaN"}],
    ],
)
def test_conditions_outside_the_closed_set_are_refused(rows):
    with pytest.raises(ValueError, match="Condition"):
        read_conditions(rows)
