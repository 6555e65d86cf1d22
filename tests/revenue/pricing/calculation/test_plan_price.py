"""The documented factors at their bounds, the worked example, guardrails, and sums."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.pricing.calculation.inputs import PricingInputs, inputs_from_json, read_inputs
from revenue.pricing.calculation.plan_price import calculate_price, final_price
from revenue.pricing.decimals import InvalidValues, exact_arithmetic
from revenue.pricing.engine import DynamicPricingEngine
from revenue.pricing.price_book.default_book import BOOK
from revenue.pricing.price_book.version import BookCharge, BookFactor, BookVersion, NoSuchPlan
from tests.revenue.pricing.price_books import books, uses

D = Decimal
WORKED = (
    "professional",
    {"api_calls": 50000, "storage_gb": 250},
    {"daily_active_rate": 0.75, "tenure_months": 18},
)
HUNDRED = replace(
    BOOK, plans=tuple(replace(each, base=D(100)) for each in BOOK.plans), largest_discount=D(100)
)


def price(tier="professional", usage=None, engagement=None, company=None, book=BOOK, **more):
    return calculate_price(book, tier, read_inputs(usage or {}, engagement, company), **more)


def test_the_worked_example_gives_110_21():
    found = price(*WORKED)
    assert (found.usage_multiplier, found.engagement_discount_percent) == (D("1.21"), 8)
    assert found.adjusted_price == D("119.79")
    assert found.discount_amount == D("9.58")
    assert found.final_price == D("110.21")
    assert dict(found.breakdown) == {
        "base": D(99),
        "usage_adjustment": D("20.79"),
        "enterprise_adjustment": 0,
        "engagement_discount": D("-9.58"),
        "guardrails": 0,
        "charges": 0,
    }
    assert found.not_given == ("usage_data.user_seats", "engagement_data.feature_adoption_rate")


@pytest.mark.parametrize(
    ("tier", "part", "metric", "bound", "below", "above"),
    [
        ("starter", "usage", "api_calls", 10000, "1", "1.1"),
        ("starter", "usage", "api_calls", 50000, "1.1", "1.3"),
        ("starter", "usage", "api_calls", 100000, "1.3", "1.5"),
        ("starter", "usage", "storage_gb", 100, "1", "1.1"),
        ("starter", "usage", "storage_gb", 500, "1.1", "1.2"),
        ("starter", "usage", "storage_gb", 1000, "1.2", "1.4"),
        ("starter", "usage", "user_seats", 10, "1", "1.1"),
        ("starter", "usage", "user_seats", 50, "1.1", "1.2"),
        ("starter", "usage", "user_seats", 100, "1.2", "1.3"),
        ("enterprise", "company", "employee_count", 100, "1", "1.2"),
        ("enterprise", "company", "employee_count", 1000, "1.2", "1.5"),
        ("enterprise", "company", "employee_count", 10000, "1.5", "2"),
        ("enterprise", "company", "annual_revenue", 10**7, "1", "1.2"),
        ("enterprise", "company", "annual_revenue", 10**8, "1.2", "1.4"),
        ("enterprise", "company", "annual_revenue", 10**9, "1.4", "1.8"),
        ("starter", "engagement", "daily_active_rate", 0.6, "1", "0.97"),
        ("starter", "engagement", "daily_active_rate", 0.8, "0.97", "0.95"),
        ("starter", "engagement", "tenure_months", 12, "1", "0.95"),
        ("starter", "engagement", "tenure_months", 24, "0.95", "0.9"),
        ("starter", "engagement", "feature_adoption_rate", 0.7, "1", "0.95"),
    ],
)
def test_a_step_holds_strictly_above_its_bound(tier, part, metric, bound, *, below, above):
    def costs(quantity):
        return price(tier, **{part: {metric: quantity}}, book=HUNDRED).final_price

    unit = 0.01 if bound < 1 else 1
    assert costs(round(bound - unit, 2)) == 100 * D(below)
    assert costs(bound) == 100 * D(below)
    assert costs(round(bound + unit, 2)) == 100 * D(above)


def test_discounts_together_stay_within_the_cap():
    engaged = {"daily_active_rate": 0.9, "tenure_months": 30, "feature_adoption_rate": 0.8}
    found = price("starter", engagement=engaged)
    assert (found.engagement_discount_percent, found.hits) == (20, ())
    more = tuple(
        replace(each, value=D(15)) if each.metric == "daily_active_rate" else each
        for each in BOOK.factors
    )
    found = price("starter", engagement=engaged, book=replace(BOOK, factors=more))
    assert (found.engagement_discount_percent, found.hits) == (20, ("largest_discount",))


def test_a_large_company_pays_for_its_size_on_the_enterprise_plan_only():
    company = {"employee_count": 5000, "annual_revenue": 200_000_000}
    found = price("enterprise", company=company)
    assert (found.enterprise_multiplier, found.final_price) == (D("2.1"), D("1047.90"))
    smaller = price("professional", company=company)
    assert (smaller.enterprise_multiplier, smaller.final_price) == (1, 99)
    assert smaller.ignored == ("company_data.annual_revenue", "company_data.employee_count")
    assert smaller.lines[-1].amount == 0
    assert "does not change the price of Professional" in smaller.lines[-1].description


def test_zero_is_a_value_and_unknown_metrics_are_told():
    found = price(usage={"api_calls": 0, "widgets": 5, "storage_gb": None})
    assert "usage_data.api_calls" not in found.not_given
    assert "usage_data.storage_gb" in found.not_given
    assert found.ignored == ("usage_data.widgets",)


def test_a_plan_that_is_unknown_or_off_sale_is_refused():
    with pytest.raises(NoSuchPlan, match="must be an active plan: starter, professional, ent"):
        price("gold")
    off = replace(BOOK, plans=tuple(replace(each, is_active=False) for each in BOOK.plans))
    with pytest.raises(NoSuchPlan, match="must be an active plan: none; not 'starter'"):
        price("starter", book=off)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (({"api_calls": -1},), "usage_data.api_calls: must be 0 or more, not -1"),
        (({"api_calls": "9"},), "usage_data.api_calls: must be a number, not text"),
        (({"api_calls": float("nan")},), "usage_data.api_calls: must be a finite number"),
        (({}, {"daily_active_rate": 1.01}), "must lie between 0 and 1, not 1.01"),
        (({}, {}, {"employee_count": True}), "company_data.employee_count: must be a number"),
        (([],), "usage_data: must be an object"),
    ],
)
def test_a_bad_number_is_refused_by_its_path(values, problem):
    with pytest.raises(InvalidValues) as error:
        read_inputs(*values)
    assert problem in str(error.value)


def test_every_bad_number_is_told_at_once():
    with pytest.raises(InvalidValues) as error:
        read_inputs({"a": -1, "b": "x"}, {"c_rate": 2}, {"d": None, "e": -3})
    found = [each.path for each in error.value.problems]
    assert found == ["usage_data.a", "usage_data.b", "engagement_data.c_rate", "company_data.e"]


def test_floor_ceiling_and_renewal_are_lines_of_their_own():
    starter = replace(BOOK.plans[0], floor=D(28), ceiling=D(40))
    book = replace(BOOK, plans=(starter, *BOOK.plans[1:]), largest_change=D(10))
    engaged = {"tenure_months": 30}
    low = price("starter", engagement=engaged, book=book)
    assert (low.final_price, low.hits) == (28, ("floor",))
    assert low.lines[-1].amount == D("1.90")
    high = price("starter", {"api_calls": 10**6}, book=book)
    assert (high.final_price, high.hits) == (40, ("ceiling",))
    renewed = price("starter", {"api_calls": 10**6}, book=book, previous=D("29"))
    assert (renewed.final_price, renewed.hits) == (D("31.90"), ("largest_change",))
    crossed = price("starter", book=book, previous=D("20"))
    assert (crossed.final_price, crossed.hits) == (28, ("largest_change", "floor"))
    fine = price("starter", book=book, previous=D("29"))
    assert (fine.final_price, fine.hits) == (29, ())


CHARGED = replace(
    BOOK,
    plans=(
        replace(
            BOOK.plans[0],
            charges=(
                BookCharge("api_calls", "Calls", "per_unit", {"unit": "0.001"}),
                BookCharge("payments", "Payments", "percentage", {"rate": 1, "fixed_per_event": 1}),
                BookCharge("", "Sizes", "capacity", {"tiers": [{"max": {}, "price": "7"}]}),
                BookCharge("", "Commitment", "min_commitment", {"commitment": "100"}),
            ),
        ),
    ),
    factors=(),
)


def test_metered_charges_stand_below_the_plan_and_fill_up_its_commitment():
    found = price("starter", {"api_calls": 5000}, book=CHARGED)
    assert [each.amount for each in found.lines] == [29, 5, 7, 59]
    assert (found.breakdown["charges"], found.final_price) == (71, 100)
    assert found.not_given == ("usage_data.payments",)
    events = {"payments": 100, "payments_events": 3}
    assert price("starter", events, book=CHARGED).lines[1].amount == 4


def test_what_a_charge_lacks_is_told_under_its_metric():
    with pytest.raises(InvalidValues) as error:
        price("starter", {"payments": 100}, book=CHARGED)
    assert str(error.value) == "usage_data.payments: events is required: there is a fee per event"


def test_the_digest_knows_every_row_and_no_order():
    turned = replace(
        BOOK, factors=BOOK.factors[::-1], plans=BOOK.plans[::-1], rules=BOOK.rules[::-1]
    )
    assert turned.digest() == BOOK.digest()
    more = BookFactor("usage", "api_calls", D(10**6), D(2))
    assert replace(BOOK, factors=(*BOOK.factors, more)).digest() != BOOK.digest()
    assert CHARGED.digest() != replace(BOOK, factors=(), plans=BOOK.plans[:1]).digest()
    same = replace(BOOK.plans[0], base=D("29.000"))
    assert replace(BOOK, plans=(same, *BOOK.plans[1:])).digest() == BOOK.digest()


def test_an_empty_book_has_no_plan():
    with pytest.raises(NoSuchPlan):
        BookVersion("none", 1, "USD", ()).plan("starter")


@given(books(), uses, st.integers(0, 40), st.sampled_from(["small", "large"]))
def test_lines_and_breakdown_add_up_and_guardrails_hold(book, usage, tenure, tier):
    known = PricingInputs(usage, {"tenure_months": D(tenure)})
    found = calculate_price(book, tier, known)
    plan = book.plan(tier)
    assert sum(each.amount for each in found.lines) == found.final_price
    assert sum(found.breakdown.values()) == found.final_price
    assert plan.floor is None or found.recurring >= plan.floor
    assert plan.ceiling is None or found.recurring <= plan.ceiling
    assert found.engagement_discount_percent <= book.largest_discount
    with exact_arithmetic():
        assert final_price(book, tier, known) == found.final_price


@given(
    st.integers(0, 20_000), st.integers(0, 2 * 10**9), st.sampled_from(["starter", "enterprise"])
)
def test_the_amount_alone_is_that_of_the_quote(staff, revenue, tier):
    known = read_inputs(
        {}, {"tenure_months": 13}, {"employee_count": staff, "annual_revenue": revenue}
    )
    with exact_arithmetic():
        assert final_price(BOOK, tier, known) == calculate_price(BOOK, tier, known).final_price


@given(books(), uses, st.decimals(0, 1000, places=2))
def test_more_use_never_costs_less(book, usage, more):
    grown = {name: each + more for name, each in usage.items()}
    small = calculate_price(book, "small", PricingInputs(usage)).final_price
    assert calculate_price(book, "small", PricingInputs(grown)).final_price >= small


@given(uses)
def test_what_was_known_reads_back(usage):
    for company in (None, {"employee_count": D(5)}):
        known = PricingInputs(usage, {"tenure_months": D(1)}, company)
        assert inputs_from_json(known.as_json()) == known


def test_the_documented_class_prices_recommends_and_finds_upsells():
    engine = DynamicPricingEngine()
    found = engine.calculate_dynamic_price(*WORKED)
    assert found["final_price"] == 110.21
    assert sum(found["breakdown"].values()) == pytest.approx(110.21)
    assert found["quote_id"] is None
    assert engine.recommend_tier({"api_calls": 10001})["recommended_tier"] == "professional"
    offer = engine.calculate_upsell_opportunity("starter", {"api_calls": 50000})
    assert offer["upsell"]["potential_revenue_increase"] == 77.0
    assert engine.calculate_upsell_opportunity("enterprise", {}) == {
        "has_opportunity": False,
        "upsell": None,
    }
    for call in (engine.calculate_dynamic_price, engine.calculate_upsell_opportunity):
        with pytest.raises(InvalidValues, match="tier: must be an active plan"):
            call("gold", {})
