"""Files of worked cases: agreement, disagreement, and what is no such file."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from revenue.pricing.decimals import read_date
from revenue.pricing.rating import worked_cases

WORKED_CASES = Path(__file__).parent / "worked_cases.json"
OURS = json.loads(WORKED_CASES.read_text(encoding="utf-8"))["cases"]
PRORATION: dict[str, Any] = {
    "id": "p",
    "model": "proration",
    "price": {"period_amount": "100", "period_start": "2026-02-01", "period_end": "2026-03-01"},
    "input": {"active_from": "2026-02-15", "active_to_inclusive": "2026-02-21"},
    "expected_amount": "25",
}


def case(**changes):
    usual = {"id": "a", "model": "per_unit", "price": {"unit": "0.333"}, "input": {"quantity": "1"}}
    return {**usual, "expected_amount": "0.33", **changes}


def verdict(**changes):
    return worked_cases.rate_case(0, case(**changes))


@pytest.mark.parametrize("each", OURS, ids=lambda each: each["id"])
def test_a_worked_case_is_exact(each):
    found = worked_cases.rate_case(0, each)
    assert found.agrees, str(found)


def test_an_amount_with_the_currencys_decimals_is_the_rounded_line():
    assert verdict(expected_amount="0.33").agrees
    assert verdict(expected_amount="0.333").agrees
    assert not verdict(expected_amount="0.3").agrees
    assert not verdict(expected_amount="0.3330001").agrees
    assert not verdict(expected_amount="0.34").agrees


@pytest.mark.parametrize(
    ("currency", "expected"),
    [("JPY", "15"), ("USD", "14.5"), ("KWD", "14.499"), ("KWD", "14.4985")],
)
def test_a_currency_has_its_own_decimals(currency, expected):
    price = {"unit": "14.5"} if currency != "KWD" else {"unit": "14.4985"}
    assert verdict(currency=currency, price=price, expected_amount=expected).agrees


def test_days_may_stand_in_the_input_and_end_before_the_last():
    assert worked_cases.rate_case(0, PRORATION).agrees
    days = {"active_from": "2026-02-15", "active_to": "2026-02-22"}
    assert worked_cases.rate_case(0, {**PRORATION, "input": days}).agrees
    inside = {**PRORATION["price"], **days}
    price = {"period_amount": "100"}
    assert worked_cases.rate_case(0, {**PRORATION, "price": price, "input": inside}).agrees
    whole = {**PRORATION, "input": {}, "expected_amount": "100"}
    assert worked_cases.rate_case(0, whole).agrees


@pytest.mark.parametrize(
    ("changed", "problem"),
    [
        ({"model": "x"}, "is no charge model"),
        ({"currency": "XXX"}, "must be an ISO 4217 code such as USD"),
        ({"expected_amount": "much"}, "expected_amount: must be a number, not 'much'"),
        ({"input": {"quantity": "-1"}}, "input.quantity: must be 0 or more, not -1"),
        ({"input": {"quantity": "1", "events": "2.5"}}, "input.events: must be a whole number"),
        ({"input": {"units": {"a": "x"}}}, "input.units.a: must be a number, not 'x'"),
        ({"input": {"event_values": ["1", "x"]}}, "input.event_values[1]: must be a number"),
        ({"input": []}, "input: must be an object"),
    ],
)
def test_a_case_that_cannot_be_rated_says_why(changed, problem):
    found = verdict(**changed)
    assert not found.agrees
    assert problem in str(found)


@pytest.mark.parametrize(
    ("price", "used", "problem"),
    [
        ({"period_end": "2026-02-01"}, {}, "must be after period_start"),
        ({"period_end": "soon"}, {}, "must be a date such as 2026-12-31, not 'soon'"),
        ({}, {"active_to_inclusive": "2026-02-01"}, "ends before it starts"),
    ],
)
def test_days_that_run_backwards_are_refused(price, used, problem):
    bad = {
        **PRORATION,
        "price": {**PRORATION["price"], **price},
        "input": {**PRORATION["input"], **used},
    }
    assert problem in str(worked_cases.rate_case(0, bad))


def test_days_may_be_dates_already():
    assert read_date(date(2026, 2, 1), "on") == date(2026, 2, 1)


def test_something_that_is_no_case_is_told():
    assert "a case must be an object" in str(worked_cases.rate_case(0, 5))
    assert "input: is required" in str(worked_cases.rate_case(0, {"model": "flat", "price": {}}))


@pytest.fixture
def file(tmp_path):
    def write(content):
        path = tmp_path / "cases.json"
        path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
        return str(path)

    return write


def test_the_command_is_content_with_cases_that_agree(file, capsys):
    call_command("rate_cases", file({"cases": [case()]}))
    assert capsys.readouterr().out == "1 of 1 cases agree.\n"


def test_the_command_prints_each_case_that_differs_and_ends_with_1(file, capsys):
    with pytest.raises(SystemExit) as end:
        call_command("rate_cases", file([case(), case(id="b", expected_amount="0.34")]))
    assert end.value.code == 1
    assert capsys.readouterr().out == (
        "b (per_unit): expected 0.34, rated 0.33 (exactly 0.333)\n1 of 2 cases agree.\n"
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "is not JSON"),
        (b"\xff\xfe", "is not text in UTF-8"),
        ({"rows": []}, "a list of cases"),
        ([], "holds no cases"),
        (5, "a list of cases"),
    ],
)
def test_a_file_that_holds_no_cases_ends_with_2(file, content, reason):
    with pytest.raises(CommandError, match=reason) as error:
        call_command("rate_cases", file(content))
    assert error.value.returncode == 2


def test_a_file_that_is_not_there_ends_with_2(tmp_path):
    with pytest.raises(CommandError, match="cannot be read: No such file") as error:
        call_command("rate_cases", str(tmp_path / "none.json"))
    assert error.value.returncode == 2
