"""Every model by hand-checked figures, and what is refused."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from revenue.pricing.decimals import InvalidValues, exact_arithmetic
from revenue.pricing.rating.charge import compile_charge, parse_model_name
from revenue.pricing.rating.rate import line_from_json, rate
from revenue.pricing.rating.usage import Usage
from tests.revenue.pricing.price_books import currencies, limited_prices, prices, quantities

D = Decimal
GRADUATED = {"tiers": [{"up_to": "10", "unit": "10", "flat": "2"}, {"unit": "5", "flat": "3"}]}
BLOCKS = {
    "tiers": [
        {"block": "10", "max_blocks": "2", "price": "5"},
        {"block": "10", "max_blocks": "3", "price": "2"},
    ]
}
OPEN_BLOCKS = {"tiers": [BLOCKS["tiers"][0], {"block": "10", "price": "1"}]}
CAPACITY = {"tiers": [{"max": {"seats": "5"}, "price": "10"}, {"max": {}, "price": "30"}]}


def exact(model, price, quantity="0", **more):
    return rate(price, Usage(quantity=D(quantity), **more), model=model).exact


@pytest.mark.parametrize(
    ("model", "price", "quantity", "expected"),
    [
        ("flat", {"amount": "9.5"}, 7, "9.5"),
        ("per_unit", {"unit": "0.001"}, "10", "0.010"),
        ("graduated", GRADUATED, 0, "2"),
        ("graduated", GRADUATED, 10, "102"),
        ("graduated", GRADUATED, "10.5", "107.5"),
        ("volume", GRADUATED, 10, "102"),
        ("volume", GRADUATED, "10.5", "55.5"),
        ("volume_prorated", GRADUATED, 11, "58"),
        ("package", {"amount": "3", "package_size": "10"}, "10.1", "6"),
        ("multiplier", {"multiplier": "1.005"}, 1, "1.01"),
        ("tiered_blocks_all_tiers", BLOCKS, 0, "0"),
        ("tiered_blocks_all_tiers", BLOCKS, 20, "10"),
        ("tiered_blocks_all_tiers", BLOCKS, 21, "12"),
        ("tiered_blocks_all_tiers", BLOCKS, 999, "16"),
        ("tiered_blocks_top_tier", BLOCKS, 20, "10"),
        ("tiered_blocks_top_tier", BLOCKS, 21, "6"),
        ("tiered_blocks_top_tier", BLOCKS, 999, "200"),
        (
            "tiered_blocks_all_tiers",
            {
                "tiers": [
                    {"block": "1", "max_blocks": "5", "price": "2"},
                    {"block": "10", "price": "1"},
                ]
            },
            26,
            "13",
        ),
        (
            "tiered_blocks_top_tier",
            {
                "tiers": [
                    {"block": "1", "max_blocks": "5", "price": "2"},
                    {"block": "10", "price": "1"},
                ]
            },
            26,
            "3",
        ),
        ("per_unit_min", {"unit": "1", "minimum": "5"}, 3, "5"),
        ("per_unit_max", {"unit": "1", "maximum": "5"}, 7, "5"),
        ("per_unit_min_max", {"unit": "1", "minimum": "2", "maximum": "5"}, 3, "3"),
        ("per_unit", {"unit": "1", "percent_discount": "50", "minimum": "2"}, 3, "2"),
        ("per_unit", {"unit": "10", "percent_discount": "50", "maximum": "12"}, 3, "12"),
        ("flat", {"amount": "10", "percent_discount": "100"}, 0, "0"),
    ],
)
def test_a_model_gives_the_figure_worked_out_by_hand(model, price, quantity, expected):
    assert exact(model, price, quantity) == D(expected)


@pytest.mark.parametrize(
    ("price", "use", "expected"),
    [
        ({}, {}, "8"),
        ({"fixed_per_event": "1"}, {"events": 4}, "12"),
        ({"free_events": 4, "fixed_per_event": "1"}, {"events": 4}, "0"),
        ({"free_events": 1}, {"events": 4, "running_total": (D(50),)}, "7.5"),
        ({"free_amount": "900"}, {}, "0"),
        ({"free_amount": "900", "fixed_per_event": "1"}, {"events": 4}, "0"),
        ({"free_amount": "300"}, {}, "5"),
        (
            {"free_amount": "250", "fixed_per_event": "2"},
            {"events": 4, "running_total": (D(50), D(150), D(400))},
            "9.5",
        ),
        (
            {"free_events": 3, "free_amount": "250", "fixed_per_event": "2"},
            {"events": 4, "running_total": (D(50), D(150), D(400))},
            "9.5",
        ),
        (
            {"free_events": 1, "free_amount": "250", "fixed_per_event": "2"},
            {"events": 4, "running_total": (D(50), D(150), D(400))},
            "13.5",
        ),
    ],
)
def test_a_percentage_leaves_out_what_is_free(price, use, expected):
    assert exact("percentage", {"rate": "1", **price}, 800, **use) == D(expected)


@pytest.mark.parametrize(
    ("price", "use", "path"),
    [
        ({"fixed_per_event": "1"}, {}, "events"),
        ({"free_events": 2}, {"events": 4}, "running_total"),
        ({"free_events": 2, "free_amount": "9"}, {"events": 4}, "running_total"),
        ({"free_amount": "9", "fixed_per_event": "1"}, {"events": 4}, "running_total"),
    ],
)
def test_a_percentage_asks_for_what_it_needs(price, use, path):
    with pytest.raises(InvalidValues) as error:
        exact("percentage", {"rate": "1", **price}, 800, **use)
    assert [each.path for each in error.value.problems] == [path]


def test_each_event_is_held_between_its_least_and_its_most():
    price = {"rate": "10", "min_per_event": "2", "max_per_event": "5", "free_events": 1}
    values = (D(1000), D(1), D(30), D(1000))
    assert exact("percentage_min_max", price, event_values=values) == D(10)
    open_ended = {"rate": "10"}
    assert exact("percentage_min_max", open_ended, event_values=values) == D("203.1")


@pytest.mark.parametrize(
    ("quantity", "events", "expected"),
    [("300", 3, "20"), ("9", 3, "4"), ("3000", 3, "40"), ("300", 1, "0"), ("0", None, "0")],
)
def test_without_event_values_each_event_has_the_average(quantity, events, expected):
    price = {"rate": "10", "min_per_event": "2", "max_per_event": "20", "free_events": 1}
    assert exact("percentage_min_max", price, quantity, events=events) == D(expected)


def test_the_average_without_a_maximum_is_not_capped():
    assert exact("percentage_min_max", {"rate": "10"}, "3000", events=3) == D(300)


def test_a_minimum_per_event_needs_the_number_of_events():
    with pytest.raises(InvalidValues, match="events: is required"):
        exact("percentage_min_max", {"rate": "10"}, "5")


def test_capacity_takes_the_first_tier_that_holds_everything():
    assert exact("capacity", CAPACITY, units={"seats": D(5)}) == 10
    assert exact("capacity", CAPACITY, units={"seats": D(6)}) == 30
    closed = {"tiers": CAPACITY["tiers"][:1]}
    with pytest.raises(InvalidValues, match="no tier holds seats 6"):
        exact("capacity", closed, units={"seats": D(6)})


def test_a_charge_for_days_needs_them():
    with pytest.raises(InvalidValues, match="period_start"):
        exact("proration", {"period_amount": "1"})


def test_a_commitment_is_filled_up_and_never_paid_back():
    price = {"commitment": "100", "plan_fee": "30"}
    assert exact("min_commitment", price, usage_amount=D(20)) == 50
    assert exact("min_commitment", price, usage_amount=D(90)) == 0
    assert exact("min_commitment", price, usage_amount=D(-10)) == 80


def test_the_first_increment_pays_the_first_flat():
    first = exact("graduated_incremental", GRADUATED, 5)
    second = exact("graduated_incremental", GRADUATED, 7, previous_quantity=D(5))
    assert first + second == exact("graduated", GRADUATED, 12)


def test_what_was_billed_before_counts_towards_the_maximum():
    price = {"unit": "10", "maximum": "100"}
    used = {"previous_quantity": D(7), "previous_billed": D(70)}
    assert exact("per_unit_incremental_max", price, 5, **used) == 30
    billed = {"previous_quantity": D(12), "previous_billed": D(120)}
    assert exact("per_unit_incremental_max", price, 5, **billed) == 0


@pytest.mark.parametrize(
    ("model", "price", "problem"),
    [
        ("nothing", {}, "model: 'nothing' is no charge model"),
        ("per_unit_min_min", {"unit": 1}, "is no charge model"),
        ("per_unit", {}, "price.unit: is required"),
        ("per_unit", {"unit": "-1"}, "price.unit: must be 0 or more, not -1"),
        ("per_unit", {"unit": "x"}, "price.unit: must be a number, not 'x'"),
        ("per_unit", {"unit": True}, "price.unit: must be a number"),
        ("per_unit", {"unit": "NaN"}, "price.unit: must be a finite number"),
        ("per_unit", {"unit": "1e30"}, "price.unit: must be 1000000000000000000 or less"),
        ("per_unit", {"unit": "1", "units": "2"}, "price.units: is not known here"),
        ("per_unit", "5", "price: must be an object"),
        ("per_unit_min", {"unit": 1}, "price.minimum: is required"),
        ("per_unit_max", {"unit": 1}, "price.maximum: is required"),
        ("per_unit", {"unit": 1, "minimum": 5, "maximum": 4}, "is above the maximum: 5 > 4"),
        ("per_unit", {"unit": 1, "percent_discount": 101}, "must be 100 or less, not 101"),
        ("package", {"amount": 1, "package_size": 0}, "package_size: must be more than 0"),
        ("package", {"amount": 1}, "price.package_size: is required"),
        ("percentage", {"rate": 1, "free_events": "1.5"}, "must be a whole number, not 1.5"),
        (
            "percentage_min_max",
            {"rate": 1, "min_per_event": 3, "max_per_event": 2},
            "is above max_per_event: 3 > 2",
        ),
        ("graduated", {"tiers": []}, "price.tiers: must be a list of at least one tier"),
        ("graduated", {"tiers": "x"}, "price.tiers: must be a list"),
        ("graduated", {"tiers": [{"up_to": 5}]}, "tiers[0].up_to: must be null in the last tier"),
        ("graduated", {"tiers": [{}, {}]}, "tiers[0].up_to: may be null in the last tier only"),
        (
            "volume",
            {"tiers": [{"up_to": 5}, {"up_to": 5}, {}]},
            "tiers[1].up_to: must be above 5, not 5",
        ),
        ("volume", {"tiers": [{"up_to": 0}, {}]}, "tiers[0].up_to: must be above 0, not 0"),
        (
            "volume",
            {"tiers": [{"up_to": 5}, {"from": 6}]},
            "tiers[1].from: leaves a gap: the tier before ends at 5, this begins at 6",
        ),
        (
            "volume",
            {"tiers": [{"from": 0, "up_to": 5}, {"from": 4}]},
            "tiers[1].from: overlaps the tier before, which ends at 5: this begins at 4",
        ),
        ("volume", {"tiers": [{"from": 1, "up_to": 5}, {}]}, "must be 0 in the first tier, not 1"),
        ("capacity", {"tiers": [{"max": 5, "price": 1}]}, "tiers[0].max: must be an object"),
    ],
)
def test_a_bad_price_is_refused_by_its_path(model, price, problem):
    with pytest.raises(InvalidValues) as error:
        compile_charge(model, price)
    assert problem in str(error.value)


def test_every_bad_field_is_told_at_once():
    with pytest.raises(InvalidValues) as error:
        compile_charge("package_min", {"amount": "-1", "package_size": "x"})
    paths = [each.path for each in error.value.problems]
    assert paths == ["price.amount", "price.package_size", "price.minimum"]


def test_a_model_may_end_in_several_suffixes():
    assert parse_model_name("per_unit_incremental_max") == (
        "per_unit",
        frozenset({"_incremental", "_max"}),
    )
    assert parse_model_name("percentage_min_max") == ("percentage_min_max", frozenset())
    assert parse_model_name("percentage_min_max_max") == ("percentage_min_max", frozenset({"_max"}))


def test_a_quantity_of_any_size_is_exact():
    price = {"unit": "0.000000000001"}
    huge = D("999999999999999.999999999999")
    assert exact("per_unit", price, huge) == D("999.999999999999999999999999")


@given(limited_prices(), quantities, currencies)
def test_lines_add_up_to_the_rounded_total(priced, quantity, currency):
    model, price = priced
    digits = {"USD": 2, "JPY": 0, "KWD": 3}[currency]
    found = rate(price, quantity, model=model, digits=digits)
    with exact_arithmetic():
        assert found.total == sum(each.amount for each in found.lines)
    assert abs(found.total - found.exact) * 2 <= D(1).scaleb(-digits)
    assert all(each.amount == round(each.amount, digits) for each in found.lines)


@given(limited_prices(), quantities, quantities)
def test_more_use_never_costs_less(priced, quantity, more):
    model, price = priced
    less = rate(price, quantity, model=model).total
    assert rate(price, quantity + more, model=model).total >= less


@given(prices(), st.lists(quantities, min_size=1, max_size=5))
def test_splitting_a_period_never_changes_its_sum(priced, parts):
    model, price = priced
    billed, before = D(0), None
    for each in parts:
        use = Usage(quantity=each, previous_quantity=before)
        billed += rate(price, use, model=f"{model}_incremental").total
        before = (before or D(0)) + each
    assert billed == rate(price, sum(parts), model=model).total


@given(limited_prices(), quantities)
def test_the_same_input_gives_the_same_bytes_and_reads_back(priced, quantity):
    model, price = priced
    first, again = (rate(dict(reversed(price.items())), quantity, model=model) for _ in "ab")
    assert repr(first) == repr(again)
    assert tuple(line_from_json(each.as_json()) for each in first.lines) == first.lines
