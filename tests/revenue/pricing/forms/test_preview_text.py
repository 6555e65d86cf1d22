"""A charge worked out in words, for whoever edits it."""

import pytest

from revenue.pricing.forms import preview_text

TIERS = {"tiers": [{"up_to": "15", "unit": "10"}, {"up_to": None, "unit": "5"}]}


def test_a_use_is_explained_line_by_line():
    words = preview_text.preview("graduated", TIERS, " 1,020 ", "USD")
    assert words.startswith("A use of 1,020 costs 5,175.00 USD. Use: ")
    assert words.endswith(", 5,175.00.")


def test_what_a_minimum_adds_is_a_line_of_its_own():
    words = preview_text.preview("per_unit_min", {"unit": "1", "minimum": "9"}, "4", "USD")
    assert "A use of 4 costs 9.00 USD." in words
    assert "Up to the minimum of 9, 5.00" in words


def test_with_tiers_their_bounds_are_shown_and_a_cliff_is_marked():
    assert preview_text.preview("volume", TIERS, "", "USD") == (
        "In USD, a use of 15 costs 150.00; 16 costs 80.00 (less than before)."
    )


@pytest.mark.parametrize(
    ("model", "price"),
    [("per_unit", {"unit": "2"}), ("volume", {"tiers": [{"up_to": None, "unit": "2"}]})],
)
def test_without_bounds_round_uses_are_shown_in_the_currencys_decimals(model, price):
    assert preview_text.preview(model, price, "", "JPY") == (
        "In JPY, a use of 1 costs 2; 10 costs 20; 100 costs 200; 1,000 costs 2,000."
    )


@pytest.mark.parametrize(
    ("told", "words"),
    [("-1", "use must be 0 or more"), ("many", "use must be a number, not 'many'")],
)
def test_a_use_that_is_none_says_so(told, words):
    assert preview_text.preview("per_unit", {"unit": "2"}, told, "USD").startswith(words)


def test_a_price_that_cannot_be_read_says_so():
    assert "unit" in preview_text.preview("per_unit", {"unit": "two"}, "", "USD")


def test_uses_are_asked_for_by_the_charges_key():
    posted = {"charges-0-id": "7", "charges-0-use": "5", "charges-1-id": "", "charges-1-use": "6"}
    assert preview_text.preview_parameters(posted, "use") == {"use_of_7": "5"}


def test_a_price_per_event_is_previewed_for_an_amount_in_events():
    price = {"rate": "2", "fixed_per_event": "0.1", "min_per_event": "0.5", "max_per_event": "9"}
    assert preview_text.preview("percentage_min_max", price, "", "USD").startswith("events is")
    text = preview_text.preview("percentage_min_max", price, "1,000 / 20", "USD")
    assert text == (
        "A use of 1,000 costs 22.00 USD. "
        "Use: 20 events of 50.00 on average at 2 % and 0.1 each, 22.00."
    )


@pytest.mark.parametrize(
    ("model", "price", "words"),
    [
        ("proration", {"period_amount": "30"}, "Use: the whole period, 30.00."),
        ("min_commitment_prorated", {"commitment": "90"}, "of 90 for the whole period, 90.00."),
    ],
)
def test_a_price_for_days_is_previewed_for_a_whole_period(model, price, words):
    assert preview_text.preview(model, price, "1", "USD").endswith(words)
