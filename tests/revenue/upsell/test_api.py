"""The calls of upsell: what is answered, who may decide, and what is refused."""

import pytest

from revenue.upsell import services
from revenue.upsell.models import Opportunity
from security.access.models import User
from security.apikeys import services as keys
from tests.callers import Caller
from tests.revenue.upsell.conftest import NOW, customer, only, sweep

ANALYZE = "/api/v1/revenue/upsell/analyze"
LIST = "/api/v1/revenue/upsell/opportunities"
BUSY = {"usage_data": {"api_calls": 50000}}


@pytest.fixture
def caller(published):
    return Caller(keys.create("crm", ["revenue:read", "revenue:write"]).plaintext)


@pytest.fixture
def found(grown):
    sweep()
    return only()


def errors(answer):
    assert answer.status_code == 400, answer.json()
    return {each["field"]: each["code"] for each in answer.json()["errors"]}


def test_a_larger_plan_is_an_opportunity_and_the_largest_none(caller):
    found = caller.send(ANALYZE, {"current_tier": "starter", **BUSY}).json()["data"]
    assert found["upsell"]["potential_revenue_increase"] == 77.0
    assert found["upsell"]["confidence"] == 0.6
    none = caller.send(ANALYZE, {"current_tier": "enterprise", **BUSY}).json()["data"]
    assert none == {"has_opportunity": False, "upsell": None}
    assert "current_tier" in errors(caller.send(ANALYZE, {"current_tier": "gold", **BUSY}))


def test_confidence_follows_how_stored_offers_were_answered(caller, found):
    services.accept(found.pk, by="ada", now=NOW)
    answer = caller.send(ANALYZE, {"current_tier": "starter", **BUSY}).json()["data"]
    assert answer["upsell"]["confidence"] == pytest.approx(7 / 11)


def test_opportunities_are_listed_by_state_and_customer(caller, found, calls):
    customer("more", calls, 900)
    sweep()
    services.decline(found.pk, by="ada", now=NOW)
    rows = caller.get(LIST).json()["data"]["opportunities"]
    assert [each["customer_id"] for each in rows] == ["more", "grown"]
    assert rows[0]["costs"]["professional"]["estimate"] == 108.9
    chosen = caller.get(f"{LIST}?state=declined").json()["data"]["opportunities"]
    assert [each["customer_id"] for each in chosen] == ["grown"]
    of_one = caller.get(f"{LIST}?customer_id=more").json()["data"]["opportunities"]
    assert [each["state"] for each in of_one] == ["open"]
    assert errors(caller.get(f"{LIST}?state=lost")) == {"state": "invalid_choice"}


def test_unknown_names_are_refused(caller, found):
    assert errors(caller.get(f"{LIST}?stat=open&owner=x")) == {
        "stat": "unknown",
        "owner": "unknown",
    }
    assert "the nearest is state" in caller.get(f"{LIST}?stat=open").json()["message"]
    assert caller.get(f"{LIST}?limit=1&state=open").status_code == 200
    assert errors(caller.get(f"{LIST}/{found.pk}?state=open")) == {"state": "unknown"}
    for step in ("offer", "accept", "decline", "withdraw"):
        assert errors(caller.send(f"{LIST}/{found.pk}/{step}", {"note": "x"})) == {
            "note": "unknown"
        }
    wrong = {"owner": "Ada", "outcome": "x"}
    assert errors(caller.send(f"{LIST}/{found.pk}/assign", wrong)) == {"outcome": "unknown"}
    body = {"current_tier": "starter", **BUSY, "tier": "x"}
    assert errors(caller.send(ANALYZE, body)) == {"tier": "unknown"}
    assert (only().state, only().owner) == ("open", "")


def test_an_opportunity_is_offered_assigned_and_accepted(caller, found, grown):
    path = f"{LIST}/{found.pk}"
    assert caller.send(f"{path}/offer").json()["data"]["state"] == "offered"
    owned = caller.send(f"{path}/assign", {"owner": "Ada", "notes": "call"}).json()["data"]
    assert (owned["owner"], owned["notes"]) == ("Ada", "call")
    body = {"monthly_amount": 108.9, "outcome": "agreed"}
    done = caller.send(f"{path}/accept", body).json()["data"]
    assert (done["state"], done["agreed_amount"], done["decided_by"]) == (
        "accepted",
        108.9,
        "API key crm",
    )
    assert grown.subscriptions.get().plan == "professional"
    assert caller.get(path).json()["data"]["outcome"] == "agreed"


def test_what_is_over_is_a_conflict(caller, found):
    assert caller.send(f"{LIST}/{found.pk}/withdraw", {}).status_code == 200
    for step in ("offer", "accept", "decline"):
        answer = caller.send(f"{LIST}/{found.pk}/{step}", {})
        assert answer.status_code == 409
        assert "is withdrawn" in answer.json()["message"]


def test_a_step_that_is_done_is_answered_again(caller, found):
    answers = [caller.send(f"{LIST}/{found.pk}/accept", {"monthly_amount": 75}) for _ in range(2)]
    assert [each.status_code for each in answers] == [200, 200]
    assert answers[0].json()["data"] == answers[1].json()["data"]
    assert caller.send(f"{LIST}/{found.pk}/offer").status_code == 409


def test_a_move_that_cannot_be_is_refused_with_its_field(caller, found, grown):
    grown.subscriptions.update(plan="other")
    answer = caller.send(f"{LIST}/{found.pk}/accept", {"monthly_amount": 100})
    assert errors(answer) == {"monthly_amount": "invalid"}
    wrong = caller.send(f"{LIST}/{found.pk}/accept", {"monthly_amount": -1, "outcome": 5})
    assert set(errors(wrong)) == {"monthly_amount", "outcome"}
    assert only().state == "open"


def test_an_unknown_one_is_not_found(caller):
    assert caller.get(f"{LIST}/999").status_code == 404
    assert caller.send(f"{LIST}/999/decline", {"outcome": "x"}).status_code == 404


def test_only_those_who_may_decide_do(found, client):
    reader = Caller(keys.create("bi", ["revenue:read"]).plaintext)
    assert reader.send(f"{LIST}/{found.pk}/decline", {}).status_code == 403
    assert Caller().send(f"{LIST}/{found.pk}/decline", {}).status_code == 401
    client.force_login(User.objects.create_user("eve", is_staff=True))
    answer = client.post(f"{LIST}/{found.pk}/decline", {}, content_type="application/json")
    assert answer.status_code == 403
    assert Opportunity.objects.get().state == "open"


def test_the_list_asks_few_questions(caller, found, calls, django_assert_max_num_queries):
    for number in range(4):
        customer(f"c{number}", calls, 900)
    sweep()
    with django_assert_max_num_queries(6):
        assert len(caller.get(LIST).json()["data"]["opportunities"]) == 5
