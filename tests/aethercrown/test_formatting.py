"""The formatter: what people read, and nothing written by hand beside it."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from django.template import Context, Template
from hypothesis import given
from hypothesis import strategies as st

from aethercrown import formatting
from aethercrown.formatting import counted

ROOT = Path(__file__).resolve().parent.parent.parent
USD = formatting.money("USD")
DASH = "\N{EN DASH}"


@pytest.mark.parametrize(
    ("value", "long", "brief"),
    [
        (None, "\N{EN DASH}", "\N{EN DASH}"),
        (float("nan"), "\N{EN DASH}", "\N{EN DASH}"),
        (float("inf"), "\N{EN DASH}", "\N{EN DASH}"),
        (0, "$0.00", "$0"),
        (-0.001, "$0.00", "\N{MINUS SIGN}$0.001"),
        (Decimal("1234.5"), "$1,234.50", "$1.23k"),
        (999.7, "$999.70", "$1k"),
        (-45_600, "\N{MINUS SIGN}$45,600.00", "\N{MINUS SIGN}$45.6k"),
        (2_500_000, "$2,500,000.00", "$2.5M"),
        (7.1e9, "$7,100,000,000.00", "$7.1B"),
        (3e12, "$3,000,000,000,000.00", "$3T"),
        (4e15, "$4e+15", "$4e+15"),
        (1e-7, "$0.00", "$1e-07"),
        (10**400, "$1e+300", "$1e+300"),
        (Decimal("-1E+400"), "\N{MINUS SIGN}$1e+300", "\N{MINUS SIGN}$1e+300"),
        (Decimal("sNaN"), "\N{EN DASH}", "\N{EN DASH}"),
    ],
)
def test_money_is_worded_long_and_short(value, long, brief):
    assert formatting.full(value, USD) == long
    assert formatting.short(value, USD) == brief


def test_currencies_keep_their_own_decimals():
    assert formatting.full(1234, formatting.money("JPY")) == "¥1,234"
    assert formatting.full(1234, formatting.money("CHF")) == "CHF\u00a01,234.00"
    assert formatting.full(12.345, formatting.money("KWD")) == "KWD\u00a012.345"
    assert formatting.full(1234.5, formatting.rounded(USD)) == "$1,234"


def test_a_quantity_is_written_without_zeros_at_its_end():
    quantity = formatting.Unit(digits=2, trims=True)
    texts = [formatting.full(each, quantity) for each in (997, 0.5, Decimal("1200.00"), 0, -2.25)]
    assert texts == ["997", "0.5", "1,200", "0", "\N{MINUS SIGN}2.25"]
    assert formatting.full(0.001, quantity) == "0"


def test_a_change_says_its_direction():
    assert formatting.signed(3.14159, formatting.PERCENT) == "+3.1%"
    assert formatting.signed(-3.1, formatting.PERCENT) == "\N{MINUS SIGN}3.1%"
    assert formatting.signed(0.001, formatting.PERCENT) == "0.0%"
    assert formatting.signed(0) == "0"
    assert formatting.signed(None) == "\N{EN DASH}"


def test_a_count_has_its_noun_in_the_right_number():
    texts = [counted(count, "API key") for count in (0, 1, 2, 1_000)]
    assert texts == ["0 API keys", "1 API key", "2 API keys", "1,000 API keys"]


def test_a_noun_may_have_a_plural_of_its_own():
    assert counted(2, "entry", "entries") == "2 entries"


def test_an_amount_has_its_currencys_symbol_and_decimals():
    assert formatting.money_text(Decimal("1634.720000"), "EUR") == "€1,634.72"
    assert formatting.money_text(Decimal("1634.72"), "JPY") == "¥1,635"
    assert formatting.money_text(None, "EUR") == DASH


def test_percentages_and_shares():
    assert formatting.percent_text(6.44) == "6.4%"
    assert formatting.share_text(0.064) == "6%"
    assert formatting.share_text(None) == DASH
    assert formatting.number_text(1234.5, 1) == "1,234.5"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("1634.720000", "1,634.72"),
        ("0E-6", "0"),
        ("1E+3", "1,000"),
        ("-0.50", "\N{MINUS SIGN}0.5"),
        ("0.000001", "0.000001"),
    ],
)
def test_an_exact_decimal_has_no_zeros_at_its_end_and_no_exponent(value, text):
    assert formatting.exact_text(Decimal(value)) == text


@pytest.mark.parametrize(
    ("probability", "text"),
    [(0.0, "< 1%"), (0.004, "< 1%"), (0.963, "96%"), (0.9999, "> 99%"), (1.0, "> 99%")],
)
def test_a_probability_is_never_rounded_to_certainty(probability, text):
    assert formatting.probability_text(probability) == text


def test_days_months_and_moments_have_one_form():
    noon = datetime(2026, 3, 2, 15, 4, 5, 6, tzinfo=UTC)
    assert formatting.date_text(noon.date()) == "2 Mar 2026"
    assert formatting.month_text(noon.date()) == "March 2026"
    assert formatting.moment_text(noon) == "2 Mar 2026, 15:04 UTC"
    assert formatting.moment_text(noon, seconds=True) == "2 Mar 2026, 15:04:05 UTC"
    assert formatting.moment_text(noon.replace(second=0), seconds=True) == "2 Mar 2026, 15:04 UTC"
    assert formatting.moment_text(noon.replace(tzinfo=None)) == "2 Mar 2026, 15:04"
    assert formatting.moment_text(noon.astimezone(timezone(timedelta(hours=2)))).endswith("+02:00")


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, DASH),
        (0, "0 s"),
        (0.04, "40 ms"),
        (0.9996, "1 s"),
        (1.25, "1.25 s"),
        (59.999, "1 min"),
        (60, "1 min"),
        (3_900, "1 h 5 min"),
        (3_605, "1 h"),
        (90_000, "1 d 1 h"),
        (-90, "\N{MINUS SIGN}1 min 30 s"),
        (timedelta(days=1_000), "1,000 d"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds, text):
    assert formatting.duration_text(seconds) == text


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_any_length_of_time_has_a_text(seconds):
    assert formatting.duration_text(seconds)[-1] in "smhdn"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "yes"),
        (False, "no"),
        (Decimal("2.50"), "$2.50"),
        (1.23456, "1.2346"),
        (1234, "1,234"),
        (date(2026, 3, 2), "2 Mar 2026"),
        (datetime(2026, 3, 2, 1, tzinfo=UTC), "2 Mar 2026, 01:00 UTC"),
        (0.1 + 0.2, "0.3"),
        (0.00002, "0.00002"),
        (-1234.56789, "\N{MINUS SIGN}1,234.5679"),
        (timedelta(seconds=90), "1 min 30 s"),
        ("text", None),
    ],
)
def test_a_stored_value_is_formatted_by_its_type(value, text):
    assert formatting.value_text(value, "USD") == text


def test_a_decimal_without_a_currency_is_exact():
    assert formatting.value_text(Decimal("2.500")) == "2.5"
    assert formatting.yes_no(None) == DASH


def test_templates_have_the_formatter_and_a_dash_for_nothing():
    shown = Template('{{ a|money:"EUR" }} {{ b|moment }} {{ c|counted:"key" }} {{ d|day }}')
    context = Context({"a": Decimal("1.5"), "b": None, "c": 2, "d": date(2026, 3, 2)})
    assert shown.render(context) == f"€1.50 {DASH} 2 keys 2 Mar 2026"


# Prices explained to the last digit, file names, and consoles of the machinery.
EXEMPT = (
    "revenue/pricing/rating/",
    "revenue/pricing/calculation/",
    "revenue/pricing/price_book/",
    "revenue/pricing/forms/",
    "aethercrown/formatting.py",
    "aethercrown/charts/svg.py",
    "aethercrown/bootstrap.py",
    "aethercrown/embedded/",
    "aethercrown/gate/",
    "/migrations/",
)
BY_HAND = {
    ".py": (
        r":%Y-%m-%d(?!T|-%H)",  # dates
        r":%-?d ",
        r":%[bB] %Y",
        r":[,+]*\.\d[f%]\}",  # decimals, percent
        r"\} %(?![a-z(sd])",
        r"normalize\(\):f",
    ),
    ".html": (r"\|date:\"(?!c)", r"floatformat", r"\|pluralize"),
}


def test_nothing_that_people_read_is_formatted_by_hand():
    apps = ("aethercrown", "dashboards", "enterprise", "marketing", "operations", "revenue")
    found = []
    for folder in (*apps, "security", "templates"):
        for path in sorted((ROOT / folder).rglob("*")):
            name = path.relative_to(ROOT).as_posix()
            patterns = BY_HAND.get(path.suffix, ())
            if not patterns or any(each in name for each in EXEMPT):
                continue
            lines = path.read_text(encoding="utf-8").splitlines()
            found += [
                f"{name}:{at}: {line.strip()}"
                for at, line in enumerate(lines, 1)
                if any(re.search(each, line) for each in patterns)
            ]
    assert found == []


@pytest.mark.parametrize(
    "value", [float("nan"), float("inf"), Decimal("NaN"), Decimal("-Infinity")]
)
def test_a_stored_number_that_is_no_number_is_a_dash(value):
    assert formatting.value_text(value) == DASH
