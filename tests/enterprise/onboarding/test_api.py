"""The onboarding calls, the documented class, and what they refuse."""

import pytest
from django.utils import timezone

from enterprise.onboarding.flow import EnterpriseOnboarding, UnknownFlow, company_from
from enterprise.onboarding.models import (
    OnboardingFlow,
    OnboardingTemplateVersion,
    StepTransition,
)
from enterprise.onboarding.services import automation, contacts, flows, steps
from enterprise.onboarding.services.flows import NewCompany
from security.apikeys import services as keys
from tests.callers import Caller

CREATE = "/api/v1/enterprise/onboarding/create"
LIST = "/api/v1/enterprise/onboarding"
ACME = {"company_name": "Acme Corp", "employee_count": 500, "annual_revenue": 50000000}
pytestmark = pytest.mark.django_db


def path(flow, end):
    return f"/api/v1/enterprise/onboarding/{flow['onboarding_id']}/{end}"


@pytest.fixture
def caller(db):
    return Caller(keys.create("crm", ["enterprise:read", "enterprise:write"]).plaintext)


@pytest.fixture
def created(caller):
    return caller.send(CREATE, ACME).json()["data"]["flow"]


def errors(answer, status=400):
    assert answer.status_code == status, answer.json()
    return {each["field"]: each["code"] for each in answer.json()["errors"]}


def test_acme_is_premium_with_eight_steps(created):
    assert created["sla_tier"] == "premium"
    assert created["resources"] == {
        "api_rate_limit": 50000, "storage_gb": 500, "compute_units": 5000,
        "support_hours": "extended",
    }  # fmt: skip
    assert [each["order"] for each in created["steps"]] == list(range(1, 9))
    assert created["steps"][7]["dependencies"] == ["api_key_generation", "support_channel_setup"]
    assert created["steps"][0]["assigned_to"] == "automation"
    said = [each["name"] for each in created["steps"] if each["evidence"] == "stated"]
    assert said == ["documentation_access", "training_schedule", "support_channel_setup"]
    assert created["contacts"] == {
        "account_manager": None, "technical_lead": None, "support_team": None,
    }  # fmt: skip


def test_status_and_report_follow_the_work(caller, created):
    automation.run_due()
    status = caller.get(path(created, "status")).json()["data"]["status"]
    assert (status["completed_steps"], status["total_steps"]) == (4, 8)
    assert status["overall_progress"] == 50.0
    assert status["current_step"] == "documentation_access"
    report = caller.get(path(created, "report")).json()["data"]["report"]
    assert report["next_steps"][0]["name"] == "documentation_access"
    assert report["sla"]["terms"]["response_hours"] == 4
    assert {each["kind"] for each in report["sla"]["clocks"]} == {"response", "step"}
    assert {each["kind"] for each in report["blockers"]} == {"unassigned"}
    assert report["milestones_achieved"][0]["name"] == "active"


def test_reading_costs_a_fixed_number_of_queries(caller, created, django_assert_max_num_queries):
    automation.run_due()
    with django_assert_max_num_queries(10):
        caller.get(path(created, "status"))
    with django_assert_max_num_queries(25):
        caller.get(path(created, "report"))


def test_a_step_is_completed_once(caller, created):
    call = path(created, "steps/account_creation/complete")
    answer = caller.send(call, {"notes": "By phone."})
    assert answer.status_code == 200
    assert answer.json()["data"]["step"]["status"] == "done"
    count = StepTransition.objects.count()
    assert caller.send(call).json()["data"]["status"]["completed_steps"] == 1
    assert StepTransition.objects.count() == count


def test_an_open_dependency_is_409_and_named(caller, created):
    answer = caller.send(path(created, "steps/training_schedule/complete"))
    assert errors(answer, 409) == {"dependencies.documentation_access": "open_dependency"}
    assert caller.send(path(created, "steps/flying/complete")).status_code == 404


def test_a_flow_that_is_over_takes_no_step(caller, created):
    flows.cancel(OnboardingFlow.objects.get().pk, timezone.now())
    answer = caller.send(path(created, "steps/account_creation/complete"))
    assert errors(answer, 409) == {"": "conflict"}


def test_the_same_company_is_409_with_its_flow(caller, created):
    answer = caller.send(CREATE, {**ACME, "company_name": " acme  CORP"})
    assert errors(answer, 409) == {"company_name": "open_flow"}
    assert answer.json()["errors"][0]["onboarding_id"] == created["onboarding_id"]


def test_an_idempotency_key_replays_the_first_answer(caller):
    headers = {"Idempotency-Key": "one"}
    first = caller.send(CREATE, ACME, headers=headers)
    again = caller.send(CREATE, ACME, headers=headers)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert again.json() == first.json()
    assert OnboardingFlow.objects.count() == 1


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"company_name": "  "}, {"company_name"}),
        ({}, {"company_name"}),
        (
            {**ACME, "employee_count": -1, "annual_revenue": "many", "contact_email": "nobody"},
            {"employee_count", "annual_revenue", "contact_email"},
        ),
        ({**ACME, "employee_count": True}, {"employee_count"}),
        ({**ACME, "employee_count": 1.5}, {"employee_count"}),
        ({**ACME, "annual_revenue": -0.01}, {"annual_revenue"}),
        ({**ACME, "annual_revenue": 10**15}, {"annual_revenue"}),
        ({**ACME, "currency": "EURO"}, {"currency"}),
        ({**ACME, "emploees": 5}, {"emploees"}),
        ({**ACME, "requirements": [1]}, {"requirements"}),
        ({**ACME, "company_name": "x" * 201}, {"company_name"}),
    ],
)
def test_every_bad_field_is_named_and_nothing_stored(caller, body, fields):
    assert set(errors(caller.send(CREATE, body))) == fields
    assert not OnboardingFlow.objects.exists()


def test_nan_is_refused(caller):
    assert caller.send(CREATE, '{"company_name": "A", "employee_count": NaN}').status_code == 400


def test_only_the_name_is_standard(caller):
    flow = caller.send(CREATE, {"company_name": "Small Ltd"}).json()["data"]["flow"]
    assert (flow["sla_tier"], flow["tier_reasons"]) == ("standard", ["no size known"])


def test_without_a_template_the_call_is_unavailable(caller):
    OnboardingTemplateVersion.objects.update(state="retired")
    assert caller.send(CREATE, ACME).status_code == 503


def test_a_stranger_and_a_key_without_the_scope_are_turned_away(caller, created):
    assert Caller().send(CREATE, ACME).status_code == 401
    reader = Caller(keys.create("reader", ["enterprise:read"]).plaintext)
    assert reader.send(CREATE, ACME).status_code == 403
    assert reader.get(path(created, "status")).status_code == 200
    unknown = {"onboarding_id": "6f1c2f4e-7f0c-4f6a-9a53-0f6a2f0f8a11"}
    assert reader.get(path(unknown, "status")).status_code == 404
    assert reader.get("/api/v1/enterprise/onboarding/abc/status").status_code == 404


def test_a_customers_key_sees_that_customer_alone(caller, created):
    automation.run_due()
    flow = OnboardingFlow.objects.get()
    contact = contacts.add(flow.pk, "Ada", "ada@acme.example", "technical")
    key = Caller(contacts.fetch_secret(contact, timezone.now()).plaintext)
    assert key.get(path(created, "status")).status_code == 200
    other = flows.create(NewCompany("Other Ltd"), timezone.now())
    automation.run_due()
    assert key.get(path({"onboarding_id": other.onboarding_id}, "status")).status_code == 404
    assert key.send(CREATE, {"company_name": "Mine"}).status_code == 403
    assert key.send(path(created, "steps/documentation_access/complete")).status_code == 403
    assert key.get("/api/v1/revenue/tiers").status_code == 403
    assert key.get("/api/v1/schema").status_code == 403
    flows.roll_back(flow.pk, timezone.now())
    assert key.get(path(created, "status")).status_code == 401


def test_the_class_answers_as_the_calls_do(db):
    onboarding = EnterpriseOnboarding()
    flow = onboarding.create_onboarding_flow(ACME)
    assert flow["sla_tier"] == "premium"
    status = onboarding.complete_onboarding_step(flow["onboarding_id"], "account_creation")
    assert status["completed_steps"] == 1
    assert onboarding.get_onboarding_status(flow["onboarding_id"]) == status
    report = onboarding.generate_onboarding_report(flow["onboarding_id"])
    assert report["completion_percentage"] == 12.5
    with pytest.raises(UnknownFlow):
        onboarding.get_onboarding_status("abc")
    with pytest.raises(steps.UnknownStep):
        onboarding.complete_onboarding_step(flow["onboarding_id"], "abc")


def test_the_class_names_every_bad_field():
    bad = {"company_name": " ", "employee_count": -1, "annual_revenue": True, "size": 3}
    with pytest.raises(
        ValueError, match=r"size: .*company_name: .*employee_count: .*annual_revenue"
    ):
        company_from(bad)
    with pytest.raises(ValueError, match="employee_count"):
        company_from({"company_name": "A", "employee_count": 1.5})
    assert company_from({"company_name": " A  B "}).name == "A B"


def test_the_list_has_every_onboarding_and_a_customers_key_lists_its_own(
    caller, created, django_assert_max_num_queries
):
    flows.create(NewCompany("Other Ltd"), timezone.now())
    automation.run_due()
    found = caller.get(LIST).json()["data"]["onboardings"]
    assert [each["company_name"] for each in found] == ["Other Ltd", "Acme Corp"]
    assert found[1]["onboarding_id"] == created["onboarding_id"]
    assert found[1]["overall_progress"] == 50.0
    assert found[1]["current_step"] == "documentation_access"
    with django_assert_max_num_queries(10):
        caller.get(LIST)
    page = caller.get(f"{LIST}?limit=1").json()["data"]
    assert len(page["onboardings"]) == 1
    assert len(caller.get(page["next"]).json()["data"]["onboardings"]) == 1
    assert caller.get(f"{LIST}?status=completed").json()["data"]["onboardings"] == []
    assert errors(caller.get(f"{LIST}?status=over")) == {"status": "invalid_choice"}
    flow = OnboardingFlow.objects.get(company_name="Acme Corp")
    contact = contacts.add(flow.pk, "Ada", "ada@acme.example", "technical")
    key = Caller(contacts.fetch_secret(contact, timezone.now()).plaintext)
    mine = key.get(LIST).json()["data"]["onboardings"]
    assert [each["company_name"] for each in mine] == ["Acme Corp"]
    assert Caller().get(LIST).status_code == 401


def test_a_time_zone_that_is_not_known_is_refused(caller):
    body = {**ACME, "requirements": {"time_zone": "Mars/Base"}}
    assert errors(caller.send(CREATE, body)) == {"requirements": "unknown_zone"}
    good = {**ACME, "requirements": {"time_zone": "Asia/Tokyo"}}
    assert caller.send(CREATE, good).status_code == 201


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"currency": "ZZZZ"}, "currency"), ({"currency": ["USD"]}, "currency"),
        ({"contact_email": "nobody"}, "contact_email"), ({"contact_email": 5}, "contact_email"),
        ({"requirements": [1]}, "requirements"),
        ({"requirements": {"time_zone": "Mars/Base"}}, "requirements"),
        ({"company_name": "A\0"}, "company_name"),
    ],
)  # fmt: skip
def test_the_class_refuses_what_the_call_refuses(given, field):
    with pytest.raises(ValueError, match=f"{field}: "):
        company_from({"company_name": "A", **given})
