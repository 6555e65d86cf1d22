"""The first page and its figures, which are the registry's."""

import re
from datetime import date, timedelta

import pytest
from django.utils import timezone

from aethercrown.metrics.period import Period
from aethercrown.metrics.registry import MetricQuery, measure
from dashboards.tiles import tiles
from operations.alerts import services as alerts
from operations.health.models import Component
from operations.messaging.models import Destination
from revenue.customers.models import Customer
from revenue.mrr.models import MrrMovement
from revenue.mrr.services.rollups import roll_up
from tests.dashboards import company

NOW = company.NOW
MONTH = Period(date(2025, 12, 14), NOW.date())


def test_the_budget_of_the_leading_plan_has_no_earlier_value(db):
    company.with_plans(weeks=30)
    [plan, spend] = measure(
        ["budget.planned", "budget.spend"], MetricQuery(MONTH, "USD", NOW), MONTH.before()
    )
    [tile, _] = tiles([plan, spend])
    assert tile.value.startswith("$")
    assert tile.note.startswith("proposed; expected lift ")
    assert plan.earlier is not None
    assert plan.earlier.reason == "No history is kept"
    assert spend.reading.value is not None
    assert spend.reading.value > 0


def test_an_empty_platform_says_why_a_figure_is_unknown(page):
    text = page.get("/").content.decode()
    for reason in (
        "No subscription in USD until then",
        "No plan in USD yet",
        "Components down: Nothing has been checked yet",
        "No check was stored in the period",
        "Keys overdue: No managed key yet",
        "No decision waits",
        "No effect was measured",
    ):
        assert reason in text, reason


def test_the_overview_names_what_is_down_and_the_alerts(page):
    Component.objects.create(name="shop", status="unhealthy")
    Component.objects.create(name="search", status="degraded")
    alerts.raise_alert("health", "down", "shop", "critical", "It is down.", now=timezone.now())
    text = page.get("/").content.decode()
    assert "Components down: 1 of 2 components: shop" in text
    assert "Down, shop: It is down." in text


def test_the_mrr_is_seen_first_and_no_figure_counts_rows(page):
    text = page.get("/").content.decode()
    assert text.index("lead-value") < text.index("figure card tile")
    labels = re.findall(r'<dt title="[^"]*">(?:<a[^>]*>)?([^<]+)', text)
    assert labels == ["MRR", "ARR", "Paying customers", "Marketing budget", "Availability"]


def test_what_waits_is_said_with_its_value_and_what_was_applied_with_what_it_brought(page):
    company.with_plans(weeks=30)
    text = page.get("/?period=12m").content.decode()
    for words in ("Marketing budget: ", "expected: +", "The first expires in", "Applied lately"):
        assert words in text, words


def test_what_changed_since_yesterday_names_customers_and_sums(page):
    today = timezone.localdate()
    payer = Customer.objects.create(external_id="c/1", name="Ash Ltd", currency="USD")
    for on, amount in ((today, 90), (today - timedelta(days=2), 500)):
        MrrMovement.objects.create(
            customer=payer, currency="USD", on=on, effective_on=on, kind="expansion",
            amount=amount, payers=0, before=0, after=amount, cause="changed",
            booked_at=timezone.now(),
        )  # fmt: skip
    text = page.get("/").content.decode()
    assert "MRR +$90.00: expansion +$90.00." in text
    assert "Ash Ltd pays more: +$90.00 a month." in text
    assert "/dashboards/customers/c%2F1" in text
    assert "$500" not in text.partition("Since yesterday")[2].partition("What decisions brought")[0]


def test_components_that_nobody_has_looked_at_are_not_shown_as_none_down(page):
    Component.objects.create(name="shop")
    Component.objects.create(name="mail", status="off")
    assert "No state of 2 components is known" in page.get("/").content.decode()


def test_the_overview_reads_everything_within_its_queries(page, django_assert_max_num_queries):
    """With its comparison, roll-ups of the ledger, and mail that cannot be sent."""
    company.channels(weeks=30)
    company.waiting()
    payer = Customer.objects.create(external_id="c1", name="Ash Ltd", currency="USD")
    MrrMovement.objects.create(
        customer=payer, currency="USD", on=date(2026, 1, 5), effective_on=date(2026, 1, 5),
        kind="new", amount=90, payers=1, before=0, after=90, cause="imported", booked_at=NOW,
    )  # fmt: skip
    roll_up(now=NOW)
    Destination.objects.create(name="staff", channel="email", address="staff@firm.example")
    with django_assert_max_num_queries(25):
        text = page.get("/").content.decode()
    assert "$90" in text
    assert "the period before" in text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("from=2026-03-02&to=2026-03-01", "before it starts"),
        ("period=9y", "period is one of"),
    ],
)
def test_a_wrong_period_is_said(page, query, said):
    answer = page.get(f"/?{query}")
    assert answer.status_code == 400
    assert said in answer.content.decode()
