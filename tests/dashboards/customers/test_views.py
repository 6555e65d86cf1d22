"""The list of customers, and the page of one with the blocks of revenue and upsell."""

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine
from django.apps import apps

from dashboards.customer_blocks import BlockContent, CustomerBlock, customer_blocks
from operations.decisions.models import Decision
from revenue.billing.services import invoices, usage
from revenue.billing.services.usage import DailyTotal
from revenue.customers import services as customers
from revenue.customers.models import Customer, Payment
from revenue.pricing.seeding import seed_default_book
from revenue.upsell.decision_drafts import SUBJECT
from revenue.upsell.models import Opportunity
from tests.aethercrown.registries import isolated

NOW = datetime(2026, 4, 20, 9, tzinfo=UTC)
LIST = "/dashboards/customers"


@pytest.fixture(autouse=True)
def _now():
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def acme(db) -> Customer:
    """On the professional plan since January, with use, an invoice and a payment."""
    seed_default_book(apps)
    usage.ensure_meter("api_calls")
    made = Customer.objects.create(
        external_id="a/c me", name="Acme", segment="bank", owner="ada", currency="USD"
    )
    customers.record_subscription(
        made.pk,
        external_id="s1",
        amount=None,
        currency="USD",
        started_on=date(2026, 1, 1),
        plan="professional",
        now=NOW,
    )
    usage.record([DailyTotal(made.pk, "api_calls", date(2026, 3, 5), Decimal(50_000))], now=NOW)
    invoices.issue(made.pk, date(2026, 3, 1), by="sam", now=NOW)
    Payment.objects.create(
        external_id="p1", customer=made, paid_on=date(2026, 4, 2), amount=99, currency="USD"
    )
    return made


def text(page, path: str) -> str:
    answer = page.get(path)
    assert answer.status_code == 200
    return str(answer.content.decode())


def test_the_list_has_every_customer_with_mrr_and_leads_to_each(acme, page):
    Customer.objects.create(external_id="new", name="Newcomer", currency="USD")
    Customer.objects.create(external_id="eu", name="Euro", currency="EUR")
    shown = text(page, LIST)
    assert "Newcomer" in shown
    assert 'href="/dashboards/customers/a%2Fc%20me"' in shown
    assert "$99.00" in shown
    assert "Euro" not in shown.partition("<tbody>")[2].partition("</tbody>")[0]
    assert "Newcomer" not in text(page, f"{LIST}?customers.segment=bank")
    assert "No customer in GBP" in text(page, f"{LIST}?currency=GBP")


def test_any_external_id_is_opened_from_the_list(page, db):
    """As in lago-ruby-client 136 and PostHog 101885; a browser drops a path of dots alone."""
    for name in ("gid://app/Customer/1234", "a#b?c%2Fd&e", "..", ".", "id:x"):
        Customer.objects.create(external_id=name, name=f"Odd {len(name)}", currency="USD")
    paths = re.findall(r'href="(/dashboards/customers/[^"]+)">(Odd \d+)', text(page, LIST))
    assert len(paths) == 5
    for path, name in paths:
        assert not re.search(r"/(%2e|\.){1,2}$", path, re.IGNORECASE), path
        assert f"<h1>{name}</h1>" in text(page, path)


def test_a_customer_has_terms_mrr_movements_invoices_and_payments(acme, page):
    shown = text(page, "/dashboards/customers/a%2Fc%20me")
    for words in ("owner ada", "professional", "MRR now", "March 2026", "Payment", "bill so far"):
        assert words in shown, words
    assert f'href="/dashboards/revenue/bills/{acme.pk}?month=2026-03-01"' in shown
    header = page.get("/dashboards/customers/a%2Fc%20me?format=csv&table=movements").getvalue()
    assert header.decode().splitlines()[0].endswith("Movement,On,Amount,Why")


def test_the_mrr_of_each_month_is_that_at_its_end(acme, page):
    lines = page.get("/dashboards/customers/a%2Fc%20me?format=csv&table=mrr").getvalue()
    months = [each.split(",") for each in lines.decode().strip().splitlines()[1:]]
    assert len(months) == 13
    assert {month for month, amount in months if Decimal(amount) == 99} == {
        "January 2026",
        "February 2026",
        "March 2026",
        "April 2026",
    }


def test_a_merged_record_leads_to_the_kept_one_and_a_stranger_is_a_404(acme, page):
    double = Customer.objects.create(external_id="acme-2", name="Acme Inc", currency="USD")
    customers.merge(acme.pk, double.pk, now=NOW)
    answer = page.get("/dashboards/customers/acme-2")
    assert answer["Location"] == "/dashboards/customers/a%2Fc%20me"
    assert page.get("/dashboards/customers/nobody").status_code == 404


def test_a_customer_without_anything_says_what_it_can(page, db):
    Customer.objects.create(external_id="new", name="Newcomer", currency="USD")
    shown = text(page, "/dashboards/customers/new")
    assert "bill so far" in shown
    assert "MRR now" not in shown


def test_opportunities_stand_with_the_decisions_about_them(acme, page):
    made = Opportunity.objects.create(
        customer=acme,
        kind="plan_fit",
        state="open",
        recommended_plan="enterprise",
        gain=Decimal(100),
        gain_low=Decimal(50),
        gain_high=Decimal(150),
        currency="USD",
        version=acme.invoices.get().version,
        found_at=NOW,
        updated_at=NOW,
        confidence=0.5,
        costs=[],
        inputs={},
        expires_at=NOW + timedelta(days=30),
    )
    Decision.objects.create(
        automation="upsell",
        kind="revenue.upsell_offer",
        subject=f"{SUBJECT}{made.pk}",
        title="Offer enterprise",
        mode="propose",
        before={},
        after={},
        inputs_digest="1",
        method="m",
        expected={"metric": "mrr", "estimate": 1, "low": 0, "high": 2, "level": 0.9, "unit": "USD"},
        proposed_at=NOW,
    )
    shown = text(page, "/dashboards/customers/a%2Fc%20me")
    assert f'href="/dashboards/upsell/{made.pk}"' in shown
    assert "Offer enterprise" in shown


def test_a_block_is_for_those_who_hold_its_permission(acme, page):
    with isolated(customer_blocks):
        for name, permission in (("all", ""), ("few", "security.rotate_keys")):
            customer_blocks.register(
                CustomerBlock(
                    name, f"For {name}", 1, lambda _shown: BlockContent([("a", "b")]), permission
                )
            )
        shown = text(page, "/dashboards/customers/a%2Fc%20me")
    assert "For all" in shown
    assert "For few" not in shown


def test_without_a_block_that_is_said(acme, page):
    with isolated(customer_blocks):
        assert "Nothing is known" in text(page, "/dashboards/customers/a%2Fc%20me")


def test_the_pages_cost_few_queries(acme, page, django_assert_max_num_queries):
    with django_assert_max_num_queries(20):
        page.get("/dashboards/customers/a%2Fc%20me")
    with django_assert_max_num_queries(12):
        page.get(LIST)


def test_the_page_lists_the_people_with_consent_and_last_mail(acme, page):
    assert "Offers and news" not in text(page, f"{LIST}/a/c me")
    fay = customers.add_contact(acme.pk, name="Fay", email="fay@example.org", role="finance")
    customers.give_consent(fay, source="form", now=NOW)
    customers.write_to(fay, "upsell_offer_withdrawn", "x:1", OFFER_VALUES, now=NOW)
    olaf = customers.add_contact(acme.pk, name="Olaf", email="olaf@example.org")
    olaf.is_active = False
    customers.save_contact(olaf)
    shown = text(page, f"{LIST}/a/c me")
    for words in ("fay@example.org", "given", "is withdrawn: queued", "viewer, gets no mail"):
        assert words in shown


OFFER_VALUES = {"plan": "Professional", "customer": "Acme", "current_plan": "Starter"}
