"""The pages of the onboardings and of the service levels."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine

from enterprise.onboarding.models import OnboardingFlow
from enterprise.onboarding.services import automation, flows
from enterprise.onboarding.services.flows import NewCompany
from enterprise.sla import services as sla
from enterprise.sla.models import BusinessCalendar, SlaClock

MONDAY = datetime(2027, 5, 3, 9, tzinfo=UTC)


@pytest.fixture
def flow(db):
    made = flows.create(NewCompany("Acme Corp", 500), MONDAY)
    automation.run_due(lambda: MONDAY + timedelta(seconds=5))
    return OnboardingFlow.objects.get(pk=made.pk)


@pytest.fixture(autouse=True)
def _noon():
    with time_machine.travel(MONDAY + timedelta(hours=3), tick=False):
        yield


def text(answer):
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def rows(answer):
    return b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()


def test_without_rows_the_pages_say_how_one_begins(page, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        shown = text(page.get("/dashboards/onboarding"))
    assert "No onboarding yet" in shown
    with django_assert_max_num_queries(25):
        assert "No clock yet" in text(page.get("/dashboards/sla"))


def test_the_list_shows_each_onboarding(page, flow, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        shown = text(page.get("/dashboards/onboarding"))
    assert "Acme Corp" in shown
    found = rows(page.get("/dashboards/onboarding?format=csv&table=flows"))
    assert found[1].startswith("Acme Corp,active,premium")
    assert page.get("/dashboards/onboarding?flows.status=lost").status_code == 400


def test_one_onboarding_shows_steps_blockers_clocks_and_log(
    page, flow, django_assert_max_num_queries
):
    with django_assert_max_num_queries(25):
        shown = text(page.get(f"/dashboards/onboarding/{flow.pk}"))
    assert "4 of 8 steps done, 50.0%" in shown
    assert "Tier premium: employees 500 &gt; 100." in shown
    assert "no history yet" in shown
    assert "unassigned" in shown
    for table in ("steps", "blockers", "clocks", "log"):
        answer = page.get(f"/dashboards/onboarding/{flow.pk}?format=csv&table={table}")
        assert len(rows(answer)) > 1
    assert page.get("/dashboards/onboarding/999").status_code == 404


def test_the_clocks_show_what_is_due(page, flow, django_assert_max_num_queries):
    with django_assert_max_num_queries(25):
        shown = text(page.get("/dashboards/sla"))
    assert "First response of onboarding" in shown
    clock = SlaClock.objects.get(kind="response")
    with django_assert_max_num_queries(25):
        shown = text(page.get(f"/dashboards/sla/clocks/{clock.pk}"))
    assert "of the target of 4 h of support time" in shown
    assert "It is due 3 May 2027" in shown
    sla.pause_clock(clock.pk, MONDAY + timedelta(hours=3))
    assert "It is paused, and nothing is due" in text(
        page.get(f"/dashboards/sla/clocks/{clock.pk}")
    )
    assert page.get("/dashboards/sla/clocks/999").status_code == 404


def test_an_older_calendar_is_said(page, flow):
    draft = sla.draft_calendar(BusinessCalendar.objects.get(name="business_hours").pk)
    sla.publish_calendar(draft.pk, MONDAY)
    shown = text(page.get("/dashboards/sla"))
    assert "run on an older version of Business hours. They keep it until" in shown


@pytest.mark.parametrize("path", ["/dashboards/onboarding", "/dashboards/sla"])
def test_strangers_sign_in_first(client, db, path):
    assert client.get(path).status_code == 302


def test_a_customers_page_shows_tier_and_onboarding(page, flow):
    shown = text(page.get(f"/dashboards/customers/{flow.customer.external_id}"))
    assert "Service level" in shown
    assert "4 h of support time" in shown
    assert f"/dashboards/onboarding/{flow.pk}" in shown
