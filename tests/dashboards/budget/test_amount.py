"""The budget that is divided: set by people, in words, and used by the next plan."""

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.contrib.auth.models import Group

from marketing.budget import reports, services
from marketing.budget.models import BudgetAmount
from marketing.budget.planner.rounding import weekly_amount
from security.access.roles import OPERATOR
from tests.dashboards import company
from tests.operations.people import messages_of

PAGE = "/dashboards/budget-amount"
NOW = datetime(2026, 3, 2, tzinfo=UTC)
GIVEN = {"amount": "43,333.33", "currency": "USD", "period": "month"}


@pytest.fixture
def operator(page, viewer):
    viewer.groups.add(Group.objects.get(name=OPERATOR))
    return page


@pytest.mark.parametrize(
    ("amount", "period", "currency", "weekly"),
    [
        ("100", "week", "USD", "100"),
        ("5200", "month", "USD", "1200.00"),
        ("100", "month", "USD", "23.08"),
        ("10001", "month", "JPY", "2308"),
    ],
)
def test_a_week_of_a_month_is_a_fifty_second_of_twelve(amount, period, currency, weekly):
    assert weekly_amount(Decimal(amount), period, currency) == Decimal(weekly)


def test_an_operator_sets_it_and_the_next_plan_divides_it(operator, viewer):
    company.channels(weeks=30)
    first = operator.get(PAGE).content.decode()
    assert "Nobody has set it yet" in first
    assert 'value="10000"' in first
    saved = operator.post(PAGE, GIVEN, follow=True)
    assert messages_of(saved) == ["Saved: the budget is $43,333.33 a month, $10,000.00 a week."]
    text = operator.get("/dashboards/budget").content.decode()
    assert PAGE in text
    operator.post(PAGE, GIVEN)  # the same again changes nothing
    assert BudgetAmount.objects.get().history.count() == 1
    assert "Set by vera" in operator.get(PAGE).content.decode()
    operator.post(PAGE, {**GIVEN, "amount": "5000", "period": "week"})
    assert services.replan(now=company.NOW, mode="propose").total == Decimal(5000)
    assert BudgetAmount.objects.get().history.count() == 2


def test_the_first_default_is_that_of_the_installation(db, settings):
    settings.DEFAULT_MARKETING_BUDGET = Decimal(7000)
    found = reports.budget_amount()
    assert (found.weekly, str(found)) == (Decimal(7000), "$7,000.00 a week")


def test_every_bad_field_is_said_and_what_was_entered_stays(operator):
    wrong = operator.post(PAGE, {"amount": "much", "currency": "XXQ", "period": "year"})
    assert wrong.status_code == 400
    text = wrong.content.decode()
    for words in ("Choose a currency", "Choose a week or a month", "Give an amount above 0"):
        assert words in text
    assert 'value="much"' in text
    assert not BudgetAmount.objects.exists()


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("0", "USD"),
        ("-1", "USD"),
        ("1.005", "USD"),
        ("1.5", "JPY"),
        ("NaN", "USD"),
        ("1e13", "USD"),
    ],
)
def test_an_amount_that_is_none_is_refused(db, amount, currency):
    given = {"amount": amount, "currency": currency, "period": "week"}
    with pytest.raises(services.InvalidAmount, match="amount"):
        services.set_amount(given, actor="ada", now=NOW)


def test_who_may_only_look_changes_nothing(page):
    assert page.get(PAGE).status_code == 403
    assert page.post(PAGE, GIVEN).status_code == 403
    assert PAGE not in page.get("/dashboards/budget").content.decode()
