"""What people come for, walked in a real browser within the clicks that docs/pages.md names."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.contrib.sessions.models import Session
from django.test import Client
from django.utils import timezone

from aethercrown.history.attribution import acting
from aethercrown.http import sessions
from operations.automations.models import Automation
from operations.decisions import services as decisions
from operations.decisions.models import Decision
from operations.health.models import Component
from operations.jobs import services as jobs
from revenue.billing import periods
from revenue.billing.models import Invoice
from revenue.billing.services import invoices, usage
from revenue.billing.services.usage import DailyTotal
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.pricing import services as pricing
from revenue.pricing.calculation.inputs import read_inputs
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.seeding import seed_default_book
from security.access.models import User
from tests.browser import Browser, programs
from tests.dashboards.test_browser import CLICKED, shown, wait_until
from tests.page_checks import problems

FOUND = programs()
PHRASE = "a-long-password-1"
pytestmark = [
    pytest.mark.skipif(FOUND is None, reason="needs chromium and chromedriver on the PATH"),
    pytest.mark.django_db(transaction=True),
    pytest.mark.once,
]
FILL = """
const [name, value] = arguments;
const field = document.querySelector(`main [name="${name}"]`);
field.value = value;
field.dispatchEvent(new Event('input', { bubbles: true }));
field.dispatchEvent(new Event('change', { bubbles: true }));
"""
LOADED = "return !window.stays && document.readyState === 'complete'"


@dataclass(slots=True)
class Walk:
    """Somebody at a browser, whose clicks are counted; typing is none."""

    window: Browser
    site: str
    clicks: int = 0
    path: list[str] = field(default_factory=list)

    def begin(self) -> None:
        self.window.visit(f"{self.site}/")
        self.clicks, self.path = 0, []

    def click(self, text: str) -> None:
        assert self.window.run(CLICKED, text), f"{text} after {self.path}: {shown(self.window)}"
        wait_until(self.window, LOADED)
        self.clicks += 1
        self.path.append(text)

    def fill(self, **fields: str) -> None:
        for name, value in fields.items():
            self.window.run(FILL, name.replace("__", "."), value)

    def sees(self, *words: str) -> None:
        text = shown(self.window)
        for each in words:
            assert each in text, f"{each} after {self.path}: {text}"


@pytest.fixture
def site(live_server, window: Browser) -> str:
    """A company of two customers with prices and issued invoices; a superuser is signed in."""
    settings.SECURE_SSL_REDIRECT = False
    seed_default_book(apps)
    usage.ensure_meter("api_calls")
    now = timezone.now()
    earlier, last = periods.complete_months(now.date(), 2)
    for name, calls in (("Acme", 60_000), ("Birch", 0)):
        made = Customer.objects.create(external_id=name.lower(), name=name, currency="USD")
        customers.record_subscription(
            made.pk, external_id=name, amount=None, currency="USD", plan="professional",
            started_on=earlier.start - timedelta(days=40), now=now,
        )  # fmt: skip
        if calls:
            usage.record([DailyTotal(made.pk, "api_calls", last.start, Decimal(calls))], now=now)
        invoices.issue(made.pk, earlier.start, by="ada", now=now)
    invoices.issue(Customer.objects.get(name="Acme").pk, last.start, by="ada", now=now)
    person = User.objects.create_superuser("root", password=PHRASE)
    _sign_in(window, live_server.url, person)
    window.resize(1280, 900)
    return str(live_server.url)


def _sign_in(window: Browser, site: str, person: User) -> None:
    client = Client()
    client.force_login(person)
    name = settings.SESSION_COOKIE_NAME
    window.sign_in(site, name, client.cookies[name].value)


def why_a_bill_differs(walk: Walk) -> None:
    walk.click("Customers")
    walk.click("Acme")
    last = periods.complete_months(timezone.localdate(), 1)[0].start
    walk.click(f"{last:%B %Y}")
    walk.sees("Why it differs from the month before", "api calls of 60000")


def publish_a_price_after_seeing_who_pays_more(walk: Walk) -> None:
    walk.click("Plans & prices")
    walk.click("New version")
    walk.fill(plan__professional__base_price="109")
    walk.click("Save and work out")
    walk.sees("Largest rises", "Acme", "Professional: base price", "$109.00")
    walk.click("Publish")
    walk.sees("It can never be changed afterwards", "2 pay more")
    walk.click("Publish")
    walk.sees("Published standard version 2")
    assert PriceBookVersion.objects.get(number=2).state == "published"


def add_a_check_and_see_it_fail(walk: Walk) -> None:
    walk.click("Health")
    walk.click("Add a check")
    walk.fill(name="shop", target="https://shop.invalid/")
    walk.click("Save")
    walk.sees("shop is")
    assert Component.objects.get(name="shop").error


def issue_a_month(walk: Walk) -> None:
    walk.click("Invoices")
    walk.click("Preview")
    while jobs.run_next(clock=timezone.now):
        pass
    walk.window.visit(walk.window.run("return location.href"))
    walk.sees("Invoices\n1\n", "Cannot be billed", "$99.00")
    walk.click("Issue these invoices")
    walk.click("Issue")
    while jobs.run_next(clock=timezone.now):
        pass
    assert Invoice.objects.filter(customer__name="Birch").count() == 2


def invite_a_viewer(walk: Walk) -> None:
    walk.click("People")
    walk.fill(username="walt", email="walt@firm.example")
    walk.click("Invite")
    walk.sees("Invited walt", "/login/password/")
    assert User.objects.get(username="walt").groups.get().name == "viewer"


def who_changed_a_schedule_and_when(walk: Walk) -> None:
    row = Automation.objects.get(name="marketing.optimize_budget")
    with acting("user:bob"):
        row.zone = "Europe/Berlin"
        row.save()
    walk.click("Automations")
    walk.click(row.title)
    walk.sees("bob", "Europe/Berlin")


WALKS: tuple[tuple[int, Callable[[Walk], None]], ...] = (
    (3, why_a_bill_differs),
    (6, publish_a_price_after_seeing_who_pays_more),
    (4, add_a_check_and_see_it_fail),
    (4, issue_a_month),
    (4, invite_a_viewer),
    (3, who_changed_a_schedule_and_when),
)


def test_each_job_takes_no_more_clicks_than_the_page_of_pages_says_and_no_form_is_lost(
    site, window
):
    walk = Walk(window, site)
    taken = {}
    for most, follow in WALKS:
        walk.begin()
        follow(walk)
        taken[follow.__name__] = (walk.clicks, most)
    assert {name: each for name, each in taken.items() if each[0] > each[1]} == {}
    _what_goes_wrong_at_a_form_is_said_and_nothing_is_lost(walk)


def _what_goes_wrong_at_a_form_is_said_and_nothing_is_lost(walk: Walk) -> None:
    _a_second_press_decides_once(walk)
    _somebody_else_decided_meanwhile(walk)
    _a_session_that_ended_loses_no_form(walk)
    _the_editor_fits_at_double_size_and_works_out_costs_in_place(walk)


def _proposed(number: int) -> Decision:
    now = timezone.now()
    known = read_inputs({"api_calls": 10}, {}, {})
    quote, _ = pricing.create_quote("starter", known, now=now, by="ada")
    key = pricing.request_override(
        quote.pk, amount=Decimal(20 + number), reason="large", actor="ada", now=now
    )
    return Decision.objects.get(pk=key)


def _a_second_press_decides_once(walk: Walk) -> None:
    row = _proposed(1)
    walk.window.visit(f"{walk.site}/dashboards/decisions/{row.pk}?step=approve")
    walk.window.run(
        "window.stays = 1; const it = document.querySelector('.confirm-form button');"
        " it.click(); it.click();"
    )
    wait_until(walk.window, LOADED)
    walk.sees("Approved: ")
    row.refresh_from_db()
    assert row.status == "applied"


def _somebody_else_decided_meanwhile(walk: Walk) -> None:
    row = _proposed(2)
    walk.window.visit(f"{walk.site}/dashboards/decisions/{row.pk}?step=approve")
    decisions.reject(row.pk, actor="user:bob", note="No.", now=timezone.now())
    walk.click("Approve")
    walk.sees("bob decided on it")
    row.refresh_from_db()
    assert row.status == "rejected"


def _a_session_that_ended_loses_no_form(walk: Walk) -> None:
    walk.window.visit(f"{walk.site}/dashboards/budget-amount")
    walk.fill(amount="7777")
    for row in Session.objects.all():  # as after half an hour at lunch
        row.session_data = Session.objects.encode({**row.get_decoded(), sessions.SEEN: 0})
        row.save()
    walk.click("Save")
    walk.window.run(
        "window.stays = 1; const [user, word] = arguments;"
        "document.querySelector('[name=username]').value = user;"
        "document.querySelector('[name=password]').value = word;"
        "document.querySelector('[name=password]').form.submit();",
        "root",
        PHRASE,
    )
    wait_until(walk.window, LOADED)
    walk.sees("Not saved yet")
    walk.click("Send it now")
    walk.sees("Saved: the budget is $7,777.00 a week")


def _the_editor_fits_at_double_size_and_works_out_costs_in_place(walk: Walk) -> None:
    version, _ = pricing.open_draft(
        "standard", effective_from=timezone.localdate(), now=timezone.now()
    )
    path = f"/dashboards/pricing/versions/{version.pk}/edit"
    walk.window.requests()
    walk.window.resize(640, 450)
    walk.window.visit(walk.site + path)
    walk.click("Add a charge")
    walk.fill(charge__0__unit="0.25", charge__0__use="1000")
    cost = "return document.getElementById('cost-0').textContent"
    wait_until(walk.window, f"{cost}.includes('1,000 costs 250.00 USD')")
    walk.fill(charge__0__model="graduated")
    wait_until(walk.window, "return document.querySelector('[name$=\"tier.0.up_to\"]') !== null")
    found: list[Any] = list(problems(walk.window, path, 640))
    assert found == []
