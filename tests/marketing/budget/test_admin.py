"""Plans in the admin: read, decided on, never edited."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from marketing.budget import reports, services
from marketing.budget.examples import OPTIMIZE_REQUEST
from marketing.budget.models import BudgetPlan
from operations.decisions import services as decisions
from security.access.models import User
from security.access.roles import APPROVER, OPERATOR
from security.apikeys import services as keys
from tests.callers import Caller
from tests.marketing.conftest import NOW

PLANS = "/admin/marketing/budgetplan/"

pytestmark = pytest.mark.django_db


def browser(role):
    person = User.objects.create_user(role, is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def approver():
    return browser(APPROVER)


@pytest.fixture
def plan(live):
    live(30)
    return services.replan(now=NOW, mode="propose")


def step(client, plan, name):
    form = {"action": name, "_selected_action": [plan.pk]}
    return client.post(PLANS, form, follow=True).content.decode()


def status(plan):
    return BudgetPlan.objects.values_list("decision__status", flat=True).get(pk=plan.pk)


def test_a_plan_is_read_with_its_reasons_and_its_verdict(approver, plan):
    page = approver.get(f"{PLANS}{plan.pk}/change/").content.decode()
    assert "Dashboard page" in page
    assert f"/dashboards/budget?currency=USD&amp;plan={plan.pk}" in page
    assert "past periods the forecast missed by" in page
    assert "not measured yet" in page
    assert plan.allocations.first().reason.split(".")[0] in page
    assert "Search" in page


def test_a_measured_plan_shows_what_it_brought(approver, plan, live):
    services.approve(plan.pk, actor="ada", now=NOW)
    live(4, after=True)
    decisions.measure_due(NOW + timedelta(weeks=5))
    page = approver.get(PLANS).content.decode()
    assert "Measured, inside what was expected" in page
    assert "not measured yet" not in page


def test_an_api_plan_has_no_dates_and_its_channels_no_page(approver):
    Caller(keys.create("crm", ("all",)).plaintext).send(
        "/api/v1/optimization/budget/optimize", OPTIMIZE_REQUEST
    )
    page = approver.get(f"{PLANS}{BudgetPlan.objects.get().pk}/change/").content.decode()
    assert "1 period" in page
    assert "1 periods" not in page
    assert "There is no backtest yet" in page


def test_an_approver_approves_rejects_and_rolls_back(approver, plan):
    assert "Approved: Plan" in step(approver, plan, "approve")
    assert status(plan) == "applied"
    assert reports.in_force("USD")

    assert "cannot become rejected" in step(approver, plan, "reject")
    assert "Rolled back: Plan" in step(approver, plan, "roll_back")
    assert status(plan) == "rolled_back"
    assert not reports.in_force("USD")


def test_an_approver_rejects(approver, plan):
    assert "Rejected: Plan" in step(approver, plan, "reject")
    assert status(plan) == "rejected"
    assert BudgetPlan.objects.select_related("decision").get().decision.actor == f"user:{APPROVER}"


def test_an_operator_sees_plans_and_decides_nothing(plan):
    operator = browser(OPERATOR)
    page = operator.get(PLANS).content.decode()
    assert "Approve and apply" not in page
    step(operator, plan, "approve")
    assert status(plan) == "proposed"


@pytest.mark.parametrize("path", ["budgetplan", "allocation"])
def test_nobody_adds_or_edits_what_services_write(plan, path):
    services.approve(plan.pk, actor="ada", now=NOW)
    person = User.objects.create_superuser("root")
    client = Client()
    client.force_login(person)
    assert client.get(f"/admin/marketing/{path}/").status_code == 200
    assert client.get(f"/admin/marketing/{path}/add/").status_code == 403
    rows = {"budgetplan": plan, "allocation": plan.decision.budget_allocations.first()}
    page = f"/admin/marketing/{path}/{rows[path].pk}/"
    assert client.get(f"{page}change/").status_code == 200
    assert client.post(f"{page}change/", {}).status_code == 403
    assert client.post(f"{page}delete/", {"post": "yes"}).status_code == 403
