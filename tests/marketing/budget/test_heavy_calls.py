"""A long optimisation is a job where the caller asks for one, and has a budget where not."""

import pytest

from aethercrown.db import semaphore
from marketing.budget import api, examples
from marketing.budget.models import BudgetPlan
from marketing.budget.planner import work
from operations.jobs import services as jobs
from security.apikeys import services as keys
from tests.callers import Caller

OPTIMIZE = "/api/v1/optimization/budget/optimize"
ASYNC = {"Prefer": "respond-async"}
pytestmark = pytest.mark.django_db


@pytest.fixture
def caller():
    return Caller(keys.create("crm", ("optimization:write",)).plaintext)


def test_respond_async_is_a_job_whose_result_is_the_answer(caller):
    accepted = caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST, headers=ASYNC)
    assert accepted.status_code == 202
    assert accepted["Preference-Applied"] == "respond-async"
    assert accepted.json()["data"]["job"]["status"] == "queued"
    assert not BudgetPlan.objects.exists()
    jobs.run_next()
    polled = caller.get(accepted["Location"]).json()["data"]
    assert (polled["status"], polled["job_id"]) == (
        "done",
        int(accepted["Location"].rpartition("/")[2]),
    )
    waited = caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST).json()["data"]
    assert polled["result"] == waited
    assert BudgetPlan.objects.count() == 1


def test_a_repeat_under_one_key_is_the_same_job(caller):
    headers = {**ASYNC, "Idempotency-Key": "k"}
    first, again = (
        caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST, headers=headers) for _ in range(2)
    )
    assert first.json() == again.json()
    assert again["Idempotent-Replayed"] == "true"
    for name in ("Location", "Preference-Applied", "Retry-After"):
        assert again[name] == first[name]


def test_a_bad_request_is_refused_before_it_is_a_job(caller):
    for wrong in ({"total_budget": -1}, {"min_allocation_percent": 90}):
        body = {**examples.OPTIMIZE_REQUEST, **wrong}
        assert caller.send(OPTIMIZE, body, headers=ASYNC).status_code == 400
    assert jobs.run_next() is None


@pytest.fixture
def heavy(monkeypatch):
    """Every optimisation counts as heavy."""
    monkeypatch.setattr(work, "HEAVY_SECONDS", 0.0)


def test_above_the_budget_a_heavy_call_is_429_and_a_light_one_is_answered(
    caller, heavy, monkeypatch
):
    with semaphore.slots({"computations": 2}, 60), semaphore.slots({"computations": 2}, 60):
        refused = caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST)
        assert (refused.status_code, refused["Retry-After"]) == (429, "2")
        assert refused.json()["errors"][0]["code"] == "computation_limit"
        monkeypatch.setattr(work, "HEAVY_SECONDS", 60.0)
        assert caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST).status_code == 200


def test_a_heavy_call_ends_at_its_deadline(caller, heavy, settings):
    settings.COMPUTATION_SECONDS = -1
    refused = caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST)
    assert refused.status_code == 429
    assert refused.json()["errors"][0]["code"] == "computation_too_long"
    assert not BudgetPlan.objects.exists()


def test_a_long_body_is_refused_before_it_is_checked_and_a_job_is_not(caller, monkeypatch):
    monkeypatch.setattr(api, "MAX_LIGHT_ROWS", 1)
    assert caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST).status_code == 200
    wrong = {**examples.OPTIMIZE_REQUEST, "total_budget": -1}
    with semaphore.slots({"computations": 2}, 60), semaphore.slots({"computations": 2}, 60):
        assert caller.send(OPTIMIZE, wrong).status_code == 429
        accepted = caller.send(OPTIMIZE, examples.OPTIMIZE_REQUEST, headers=ASYNC)
        assert accepted.status_code == 202
    assert caller.send(OPTIMIZE, wrong).status_code == 400


def test_the_check_of_a_long_body_has_a_budget_also_before_a_job(caller, monkeypatch):
    monkeypatch.setattr(api, "MAX_LIGHT_ROWS", 1)
    body = examples.OPTIMIZE_REQUEST
    totals = [{"date": "2026-01-01", "revenue": 1}] * 2
    few = {**body, "historical_data": body["historical_data"][:1], "total_revenue": totals}
    wrong = {**few, "total_budget": -1}
    with semaphore.slots({"body checks": 2}, 60), semaphore.slots({"body checks": 2}, 60):
        for sent in (body, wrong):
            refused = caller.send(OPTIMIZE, sent, headers=ASYNC)
            assert (refused.status_code, refused["Retry-After"]) == (429, "2")
            assert "long bodies" in refused.json()["message"]
        assert caller.send(OPTIMIZE, body).status_code == 200
    assert caller.send(OPTIMIZE, wrong, headers=ASYNC).status_code == 400
