"""The budget over the wire."""

import json
import re
from copy import deepcopy
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client

from aethercrown.api.endpoint import MAX_HINTS
from marketing.budget import examples, services
from marketing.budget.models import BudgetPlan
from security.apikeys import services as keys
from tests.callers import Caller

OPTIMIZE = "/api/v1/optimization/budget/optimize"
PLANS = "/api/v1/optimization/budget/plans"

pytestmark = pytest.mark.django_db


@pytest.fixture
def caller():
    return Caller(keys.create("crm", ("all",)).plaintext)


@pytest.fixture
def plan(caller):
    caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST)
    return BudgetPlan.objects.get()


def body(**changed):
    return {**deepcopy(examples.OPTIMIZE_REQUEST), **changed}


def refused(reply):
    """Code by field."""
    assert reply.status_code == 400, reply.content
    assert not BudgetPlan.objects.exists()
    return {(each["field"], each["code"]) for each in reply.json()["errors"]}


# --- Asking for a plan --------------------------------------------------------------------------


def test_the_example_is_answered_with_shares_that_add_up_to_the_cent(caller):
    reply = caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST)
    assert reply.status_code == 200
    assert reply.json()["message"] == "Budget optimization completed"
    content = json.loads(reply.content, parse_float=Decimal, parse_int=Decimal)["data"]
    assert sum(content["allocations"].values()) == 10000
    assert content["allocations"]["LinkedIn"] <= 3000
    assert content["currency"] == "USD"
    assert set(content) == set(examples.OPTIMIZE_RESPONSE)
    for name in ("reasons_against", "next_experiment"):
        assert content[name] == examples.OPTIMIZE_RESPONSE[name]
    assert BudgetPlan.objects.get().pk == content["plan_id"]


def test_the_same_body_finds_the_same_plan(caller):
    first = caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST).json()["data"]
    assert caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST).json()["data"] == first


def test_only_totals_known_is_answered_too(caller):
    weeks = [f"2026-01-{day:02}" for day in (5, 12, 19, 26)]
    rows = [
        {"channel": name, "spend": 100 + 10 * at + extra, "date": day}
        for at, day in enumerate(weeks)
        for name, extra in (("tv", 0), ("web", 50))
    ]
    totals = [{"date": day, "revenue": 5000 + 100 * at} for at, day in enumerate(weeks)]
    asked = {
        "total_budget": 500,
        "historical_data": rows,
        "total_revenue": totals,
        "platform_roi": {"tv": 2.5},
    }
    content = caller.send(OPTIMIZE, asked).json()["data"]
    assert content["mode"] == "aggregate"
    assert content["auto_applicable"] is False
    assert round(sum(content["allocations"].values()), 2) == 500


def test_every_option_is_taken(caller):
    asked = body(
        max_change_percent=20,
        budget_periods=4,
        starts_on="2026-02-02",
        present={"Google Ads": 3000, "Facebook": 2500, "LinkedIn": 1500},
        new_channels=["Podcasts"],
        lift_tests=[{"channel": "Facebook", "spend": 500, "revenue": 900, "sd": 200}],
    )
    content = caller.send(OPTIMIZE, asked).json()["data"]
    assert "Podcasts" in content["allocations"]
    assert BudgetPlan.objects.get().ends_on == date(2026, 3, 1)


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"total_budget": 0}, "total_budget", "min_value"),
        ({"total_budget": -5}, "total_budget", "min_value"),
        ({"total_budget": "10000"}, "total_budget", "not_a_number"),
        ({"total_budget": 10.001}, "total_budget", "max_decimal_places"),
        ({"historical_data": []}, "historical_data", "min_length"),
        ({"historical_data": {}}, "historical_data", "not_a_list"),
        ({"currency": "DOLLAR"}, "currency", "unknown_currency"),
        ({"constraints": {"Radio": {"max": 1}}}, "constraints.Radio", "unknown_channel"),
        ({"constraints": {"Facebook": {"min": -1}}}, "constraints.Facebook.min", "min_value"),
        (
            {"constraints": {"Facebook": {"min": 2, "max": 1}}},
            "constraints.Facebook",
            "min_above_max",
        ),
        ({"constraints": {"Facebook": {"min": 10001}}}, "constraints", "minimums_exceed_total"),
        ({"constraints": []}, "constraints", "not_a_dict"),
        ({"min_allocation_percent": 101}, "min_allocation_percent", "max_value"),
        ({"max_change_percent": -1}, "max_change_percent", "min_value"),
        ({"platform_roi": {"Facebook": "2"}}, "platform_roi.Facebook", "not_a_number"),
    ],
)
def test_a_bad_field_is_named_and_nothing_is_stored(caller, changed, field, code):
    assert (field, code) in refused(caller.send(OPTIMIZE, body(**changed)))


def test_bounds_that_cannot_be_met_say_by_how_much(caller):
    limits = {name: {"max": 1000} for name in ("Google Ads", "Facebook", "LinkedIn")}
    reply = caller.send(OPTIMIZE, body(constraints=limits))
    assert refused(reply) == {("constraints", "maximums_below_total")}
    assert "add up to 3,000" in reply.json()["message"]
    assert "7,000" in reply.json()["message"]


def test_every_bad_field_is_named_at_once(caller):
    asked = body(
        total_budget=-1,
        historical_data=[
            {"channel": "a", "spend": -1, "revenue": 3},
            {"channel": "b", "spend": 1, "revenue": "x"},
            {"channel": "c", "spend": 1},
            {"spend": 1, "revenue": 1},
            "row",
        ],
        constraints={"a": {"min": "x"}, "zz": {"min": 1}, "c": {"min": 9, "max": 1}},
        currency="usd",
    )
    assert refused(caller.send(OPTIMIZE, asked)) >= {
        ("total_budget", "min_value"),
        ("historical_data[0].spend", "min_value"),
        ("historical_data[1].revenue", "not_a_number"),
        ("historical_data[2].revenue", "required"),
        ("historical_data[3].channel", "required"),
        ("historical_data[4]", "invalid"),
        ("constraints.a.min", "not_a_number"),
        ("constraints.zz", "unknown_channel"),
        ("constraints.c", "min_above_max"),
        ("currency", "unknown_currency"),
    }


def test_unknown_names_are_refused_with_the_nearest_known_one_beside_other_errors(caller):
    rows = [{"channel": "a", "spend": 1, "revenue": 2, "dated": "2026-01-05"}]
    limits = {"a": {"maximum": 5}}
    reply = caller.send(OPTIMIZE, body(historical_data=rows, constraints=limits, totl_budget=-1))
    assert refused(reply) == {
        ("historical_data[0].dated", "unknown"),
        ("constraints.a.maximum", "unknown"),
        ("totl_budget", "unknown"),
    }
    message = {each["field"]: each["message"] for each in reply.json()["errors"]}["totl_budget"]
    assert message == "is not known here; the nearest is total_budget"


def test_only_the_first_unknown_names_of_all_rows_get_the_nearest_known_one(caller):
    names = dict.fromkeys([f"dated{number}" for number in range(5)], 1)
    rows = [{"channel": "a", "spend": 1, "revenue": 2, **names} for _ in range(300)]
    errors = caller.send(OPTIMIZE, body(historical_data=rows)).json()["errors"]
    assert sum("the nearest is" in each["message"] for each in errors) == MAX_HINTS
    assert errors[-1]["code"] == "more"


@pytest.mark.parametrize("query", ["expnd=shares", "limit=5&page=2"])
def test_an_unknown_query_name_is_refused(caller, plan, query):
    reply = caller.get(f"{PLANS}?{query}")
    assert reply.status_code == 400
    assert [each["code"] for each in reply.json()["errors"]] == ["unknown"]


def test_a_decision_with_an_unknown_name_or_query_decides_nothing(caller, plan):
    for path, note in (
        (f"{PLANS}/{plan.pk}/approve", {"nte": "x"}),
        (f"{PLANS}/{plan.pk}/reject?a=1", {}),
    ):
        assert caller.send(path, note).status_code == 400
    assert BudgetPlan.objects.get().decision.status == "proposed"


def test_numbers_that_json_has_not_are_refused(caller):
    text = json.dumps(examples.OPTIMIZE_REQUEST).replace("12000", "NaN")
    assert caller.send(OPTIMIZE, text).status_code == 400


def test_too_many_rows_are_refused_with_the_limit(caller):
    row = {"channel": "a", "spend": 1, "revenue": 1}
    reply = caller.send(OPTIMIZE, body(historical_data=[row] * 10_001, constraints={}))
    assert reply.status_code == 413
    assert "10,000" in reply.json()["message"]
    assert not BudgetPlan.objects.exists()


# --- Plans and their state ----------------------------------------------------------------------


def test_plans_are_listed_the_newest_first_in_few_queries(caller, plan, django_assert_num_queries):
    for total in (2000, 3000):
        caller.send(OPTIMIZE, body(total_budget=total, constraints={}))
    caller.get(PLANS)
    with django_assert_num_queries(2):  # the key, the plans with their decisions
        page = caller.get(f"{PLANS}?limit=2").json()["data"]
    assert [each["total_budget"] for each in page["plans"]] == [3000, 2000]
    assert caller.get(page["next"]).json()["data"]["plans"][0]["plan_id"] == plan.pk


def test_a_listed_plan_has_its_shares_only_if_asked(caller, plan, django_assert_num_queries):
    whole = caller.get(f"{PLANS}/{plan.pk}").json()["data"]
    with django_assert_num_queries(3):  # the key, the plans with their decisions, the shares
        (expanded,) = caller.get(f"{PLANS}?expand=shares").json()["data"]["plans"]
    (bare,) = caller.get(PLANS).json()["data"]["plans"]
    assert expanded == whole
    assert bare == {name: each for name, each in whole.items() if name != "shares"}
    refused = caller.get(f"{PLANS}?expand=everything")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["field"] == "expand"


def test_one_plan_tells_its_state(caller, plan):
    content = caller.get(f"{PLANS}/{plan.pk}").json()["data"]
    assert set(content) == set(examples.PLAN)
    assert content["status"] == "proposed"
    assert sum(Decimal(str(share["amount"])) for share in content["shares"]) == 10000
    assert content["realised_lift_percent"] is None


def test_a_measured_plan_tells_what_it_brought(caller, plan):
    plan.decision.realised = {"value": 3.14159, "low": 1.0, "high": 5.0, "detail": {}}
    plan.decision.save()
    content = caller.get(f"{PLANS}/{plan.pk}").json()["data"]
    assert content["realised_lift_percent"] == {"estimate": 3.14, "low": 1.0, "high": 5.0}


def test_a_plan_is_approved_once_and_then_stays(caller, plan):
    reply = caller.send(f"{PLANS}/{plan.pk}/approve", {"note": "Go."})
    content = reply.json()["data"]
    assert (content["status"], content["decided_by"]) == ("applied", "API key crm")
    assert caller.send(f"{PLANS}/{plan.pk}/approve").status_code == 200
    reply = caller.send(f"{PLANS}/{plan.pk}/reject")
    assert reply.status_code == 409
    assert "is applied" in reply.json()["message"]


def test_a_rejected_plan_is_not_approved_any_more(caller, plan):
    assert caller.send(f"{PLANS}/{plan.pk}/reject").json()["data"]["status"] == "rejected"
    assert caller.send(f"{PLANS}/{plan.pk}/reject").status_code == 200
    reply = caller.send(f"{PLANS}/{plan.pk}/approve")
    assert reply.status_code == 409
    assert reply.json()["errors"][0]["code"] == "conflict"


def test_a_stale_plan_is_a_conflict(caller, plan):
    other = caller.send(OPTIMIZE, body(total_budget=2000, constraints={})).json()["data"]
    services.approve(other["plan_id"], actor="ada", now=datetime.now(UTC))
    assert caller.send(f"{PLANS}/{plan.pk}/approve").status_code == 409


@pytest.mark.parametrize("path", ["0", "0/approve", "0/reject", "x"])
def test_an_unknown_plan_is_not_found(caller, path):
    reply = caller.send(f"{PLANS}/{path}") if "/" in path else caller.get(f"{PLANS}/{path}")
    assert reply.status_code == 404


# --- Who may ----------------------------------------------------------------------------------


def test_a_stranger_is_turned_away(plan):
    stranger = Caller()
    paths = [OPTIMIZE, f"{PLANS}/{plan.pk}/approve", f"{PLANS}/{plan.pk}/reject"]
    assert {stranger.send(path).status_code for path in paths} == {401}
    assert {stranger.get(path).status_code for path in (PLANS, f"{PLANS}/{plan.pk}")} == {401}


def test_a_key_needs_the_scope(plan):
    reader = Caller(keys.create("reader", ("optimization:read",)).plaintext)
    other = Caller(keys.create("other", ("revenue:write",)).plaintext)
    assert reader.get(PLANS).status_code == 200
    assert reader.send(OPTIMIZE, examples.OPTIMIZE_REQUEST).status_code == 403
    assert reader.send(f"{PLANS}/{plan.pk}/approve").status_code == 403
    assert other.get(PLANS).status_code == 403


def person(role):
    user = get_user_model().objects.create_user("ada", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


def test_a_person_who_may_write_but_not_approve_is_refused(plan):
    reply = person("operator").post(f"{PLANS}/{plan.pk}/approve", {}, "application/json")
    assert reply.status_code == 403
    assert BudgetPlan.objects.select_related("decision").get().decision.status == "proposed"


def test_an_administrator_approves_in_their_own_name(plan):
    reply = person("administrator").post(f"{PLANS}/{plan.pk}/approve", {}, "application/json")
    assert reply.json()["data"]["decided_by"] == "ada"


def test_the_first_call_of_the_readme_only_reads(plan):
    readme = (Path(__file__).resolve().parents[3] / "README.md").read_text(encoding="utf-8")
    scope = re.findall(r"--scopes (\S+)\)", readme)[0]
    path = re.findall(r'curl -s "http://127.0.0.1:8000(\S+)"', readme)[0]
    reply = Caller(keys.create("First call", (scope,)).plaintext).get(path)
    assert [each["plan_id"] for each in reply.json()["data"]["plans"]] == [plan.pk]
    assert BudgetPlan.objects.count() == 1
