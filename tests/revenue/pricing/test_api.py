"""The calls of pricing: the worked example, what is refused, and where."""

import pytest

from revenue.pricing import services
from revenue.pricing.models import PricingPlan, Quote
from tests.callers import Caller
from tests.revenue.pricing.conftest import NOON, WORKED

CALCULATE = "/api/v1/revenue/pricing/calculate"
RECOMMEND = "/api/v1/revenue/pricing/recommend-tier"
TIERS = "/api/v1/revenue/tiers"
BODY = {"tier": "professional", "usage_data": WORKED[0], "engagement_data": WORKED[1]}


def errors(answer):
    assert answer.status_code == 400, answer.json()
    return {each["field"]: (each["code"], each["message"]) for each in answer.json()["errors"]}


def test_the_worked_example_costs_110_21_and_is_kept(caller):
    answer = caller.send(CALCULATE, BODY)
    assert answer.status_code == 200
    found = answer.json()["data"]["pricing"]
    assert found["final_price"] == 110.21
    assert found["discount_amount"] == 9.58
    assert round(sum(found["breakdown"].values()), 2) == 110.21
    assert round(sum(each["amount"] for each in found["lines"]), 2) == 110.21
    quote = Quote.objects.get(quote_id=found["quote_id"])
    assert quote.quoted_by.startswith("key:")


def test_every_bad_number_is_named_at_once_and_nothing_is_stored(caller):
    body = {
        "tier": "starter",
        "usage_data": {"api_calls": -1, "widgets": "many"},
        "engagement_data": {"daily_active_rate": 1.5},
        "company_data": {"employee_count": True},
    }
    assert set(errors(caller.send(CALCULATE, body))) == {
        "usage_data.api_calls",
        "usage_data.widgets",
        "engagement_data.daily_active_rate",
        "company_data.employee_count",
    }
    assert not Quote.objects.exists()


@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"tier": "gold"}, "tier", "unknown_tier"),
        ({"currency": "EUR"}, "currency", "currency_differs"),
        ({"currency": "XXX"}, "currency", "unknown_currency"),
        ({"usage_data": 5}, "usage_data", "invalid"),
        ({"engagement_data": {"visit_rate": 1.01}}, "engagement_data.visit_rate", "max_value"),
        ({"usage_data": {"api_calls": 1e19}}, "usage_data.api_calls", "max_value"),
        ({"previous_price": -1}, "previous_price", "min_value"),
    ],
)
def test_a_bad_field_is_named(caller, changed, field, code):
    found = errors(caller.send(CALCULATE, {**BODY, **changed}))
    assert found[field][0] == code


def test_unknown_names_are_refused_with_the_nearest_known_one(caller):
    body = {**BODY, "tierr": "x", "previous_price": -1, "curency": "USD"}
    found = errors(caller.send(CALCULATE, body))
    assert found["tierr"] == ("unknown", "is not known here; the nearest is tier")
    assert found["curency"] == ("unknown", "is not known here; the nearest is currency")
    assert found["previous_price"][0] == "min_value"
    assert not Quote.objects.exists()
    assert set(errors(caller.send(RECOMMEND, {"usage_data": {}, "tier": "x"}))) == {"tier"}


def test_unknown_query_names_are_refused(caller):
    assert errors(caller.get(f"{TIERS}?plan=x")) == {"plan": ("unknown", "is not known here")}
    assert set(errors(caller.send(f"{CALCULATE}?dry=1&tier=a", BODY))) == {"dry", "tier"}
    assert not Quote.objects.exists()


def test_a_plan_off_sale_is_unknown(caller):
    PricingPlan.objects.filter(code="starter").update(is_active=False)
    found = errors(caller.send(CALCULATE, {**BODY, "tier": "starter"}))
    assert found["tier"][1] == "must be an active plan: professional, enterprise; not 'starter'"


def test_too_many_metrics_are_refused_whole(caller):
    body = {**BODY, "usage_data": {f"m{number}": 1 for number in range(201)}}
    assert caller.send(CALCULATE, body).status_code == 413


def test_null_counts_as_left_out(caller):
    body = {"tier": "starter", "usage_data": {"api_calls": None}, "company_data": None}
    found = caller.send(CALCULATE, body).json()["data"]["pricing"]
    assert found["final_price"] == 29
    assert "usage_data.api_calls" in found["not_given"]


def test_while_nothing_is_published_pricing_is_unavailable(caller, published):
    services.retire(published.pk, now=NOON)
    for answer in (caller.send(CALCULATE, BODY), caller.get(TIERS)):
        assert answer.status_code == 503
        assert "publish one in the admin" in answer.json()["message"]
        assert answer["Retry-After"]


def test_a_plan_is_recommended_with_all_of_them_compared(caller):
    body = {"usage_data": {"user_seats": 60}, "company_data": {}}
    found = caller.send(RECOMMEND, body).json()["data"]
    assert found["recommended_tier"] == "enterprise"
    assert [each["tier"] for each in found["comparison"]] == [
        "starter",
        "professional",
        "enterprise",
    ]


def test_plans_on_sale_are_listed_with_their_prices(caller):
    found = caller.get(TIERS).json()["data"]["tiers"]
    assert {code: each["base_price"] for code, each in found.items()} == {
        "starter": 29,
        "professional": 99,
        "enterprise": 499,
    }
    assert all(each["features"] and each["currency"] == "USD" for each in found.values())


def test_a_person_quotes_in_their_own_name(client, published, django_user_model):
    person = django_user_model.objects.create_superuser("ada", password="x" * 20)
    client.force_login(person)
    answer = client.post(CALCULATE, BODY, content_type="application/json")
    assert answer.status_code == 200
    assert Quote.objects.get().quoted_by == "user:ada"


def test_a_stranger_gets_no_price(published):
    assert Caller().send(CALCULATE, BODY).status_code == 401


def test_the_same_key_and_body_quote_once(caller):
    answers = [caller.send(CALCULATE, BODY, headers={"Idempotency-Key": "a"}) for _ in "ab"]
    assert answers[0].json()["data"] == answers[1].json()["data"]
    assert Quote.objects.count() == 1
