"""Totals booked once, invoices that are their previews, and use that came late."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction

from revenue.billing import reports, services
from revenue.billing.models import Adjustment, DailyUse, Invoice, Meter
from revenue.billing.services import Booked, Total
from revenue.customers import services as customers
from revenue.customers.models import Customer, NeverRewritten
from revenue.customers.services import Refused
from revenue.pricing import services as pricing
from revenue.pricing.decimals import InvalidValues
from tests.revenue.billing.conftest import APRIL, MARCH, NOW, subscribed, told

pytestmark = pytest.mark.django_db


def day_total(customer, day):
    return reports.totals([(customer.pk, "api_calls", day)])[customer.pk, "api_calls", day]


def test_the_same_total_twice_is_booked_once(customer):
    assert told(customer, d0305=10, d0306=0) == Booked(2, 0, 0)
    assert told(customer, d0305=10, d0306=0) == Booked(0, 0, 2)
    assert DailyUse.objects.count() == 2


def test_another_total_is_a_row_more_and_rewrites_nothing(customer):
    told(customer, d0305=10)
    assert told(customer, d0305=4) == Booked(0, 1, 0)
    assert day_total(customer, date(2026, 3, 5)) == 4
    rows = list(DailyUse.objects.order_by("pk").values_list("quantity", "is_correction"))
    assert rows == [(Decimal(10), False), (Decimal(-6), True)]
    assert str(DailyUse.objects.latest("pk")) == "-6 API calls on 2026-03-05"


def test_booked_rows_are_never_rewritten(customer):
    told(customer, d0305=10)
    row = DailyUse.objects.get()
    row.quantity = 5
    with pytest.raises(NeverRewritten, match="book a correction"):
        row.save()
    with pytest.raises(Exception, match="never rewritten"), transaction.atomic():
        DailyUse.objects.update(quantity=5)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"metric": "widgets"}, "metric", "'widgets' is no meter; there are: api_calls"),
        ({"quantity": Decimal(-1)}, "quantity", "must be 0 to 1,000,000,000,000, not -1"),
        ({"quantity": Decimal("NaN")}, "quantity", "not NaN"),
        ({"day": date(2026, 4, 21)}, "day", "is after today, 2026-04-20, in Asia/Tokyo"),
        ({"customer": 0}, "customer", "no customer number 0"),
    ],
)
def test_a_wrong_total_stores_nothing_of_all(customer, change, field, words):
    good = Total(customer.pk, "api_calls", date(2026, 3, 5), Decimal(1))
    with pytest.raises(Refused, match=words) as refused:
        services.record([good, good._replace(**change)], now=NOW)
    assert refused.value.field == field
    assert not DailyUse.objects.exists()


def test_the_day_is_over_by_the_customers_clock(customer):
    late = datetime(2026, 4, 20, 15, 30, tzinfo=UTC)  # the 21st in Tokyo
    total = Total(customer.pk, "api_calls", date(2026, 4, 21), Decimal(1))
    assert services.record([total], now=late).fresh == 1


def test_a_merged_customers_use_goes_with_it_and_takes_no_more(customer):
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    told(customer, d0305=10)
    told(twin, d0305=5)
    customers.merge(customer.pk, twin.pk, now=NOW)
    found = reports.readings([customer.pk], MARCH, APRIL)[customer.pk]["api_calls"]
    assert found.days == {date(2026, 3, 5): 15}
    with pytest.raises(Refused, match="merged or erased"):
        told(twin, d0306=1)


def test_a_meter_that_is_there_stays_as_staff_set_it(meters):
    assert services.meter("api_calls", combine="max").combine == "sum"
    assert services.meter("new_one").title == "new one"
    assert str(Meter.objects.get(code="new_one")) == "new one"


# --- Invoices -----------------------------------------------------------------------------------


def test_the_invoice_is_its_preview_line_for_line(customer):
    told(customer, d0305=50_000)
    preview, version = reports.preview(customer, MARCH)
    made = services.issue(customer.pk, date(2026, 3, 9), by="ada", now=NOW)
    assert reports.lines(made) == preview.lines
    assert (made.total, made.version) == (preview.total, version)
    assert made.total == Decimal("103.46")  # 99 x 1.1, less 5 % for 14 months
    assert str(made) == "Acme, March 2026"
    assert reports.issued(customer, MARCH) == made
    assert reports.listed(customer, 5) == [made]


def test_a_month_is_closed_once(customer):
    first = services.issue(customer.pk, MARCH, by="ada", now=NOW)
    told(customer, d0305=50_000)
    assert services.issue(customer.pk, MARCH, by="bob", now=NOW) == first
    assert Invoice.objects.count() == 1
    with pytest.raises(NeverRewritten):
        first.save()
    with pytest.raises(IntegrityError), transaction.atomic():
        Invoice.objects.update(total=1)


def test_a_running_month_and_one_before_a_closed_one_are_refused(customer):
    with pytest.raises(Refused, match="April 2026 runs until 2026-05-01; today is 2026-04-20"):
        services.issue(customer.pk, APRIL, by="ada", now=NOW)
    services.issue(customer.pk, MARCH, by="ada", now=NOW)
    with pytest.raises(Refused, match="A month after February 2026 is closed already"):
        services.issue(customer.pk, date(2026, 2, 1), by="ada", now=NOW)


def test_use_that_came_late_is_adjusted_in_the_open_month_at_the_closed_ones_version(customer):
    told(customer, d0305=100)
    services.issue(customer.pk, MARCH, by="ada", now=NOW)
    draft = pricing.draft("standard", effective_from=APRIL, now=NOW)
    draft.prices.filter(plan__code="professional").update(base_price=200)
    pricing.publish(draft.pk, actor="ada", now=NOW)
    told(customer, d0305=50_000)
    found, version = reports.preview(customer, APRIL)
    assert version.number == 2
    assert [each.kind for each in found.lines if each.kind == "adjustment"] == ["adjustment"]
    late = found.lines[-1]
    assert (late.description, late.amount) == ("Adjustment of March 2026", Decimal("9.41"))
    may = datetime(2026, 5, 2, tzinfo=UTC)
    made = services.issue(customer.pk, APRIL, by="ada", now=may)
    booked = Adjustment.objects.get()
    assert (booked.invoice, booked.amount, booked.rated) == (made, late.amount, Decimal("103.46"))
    assert str(booked) == "+9.410 for Acme, March 2026"
    after, _ = reports.preview(customer, date(2026, 5, 1))
    assert after.late == ()


def test_a_credit_is_carried_to_the_next_invoice(customer):
    told(customer, d0305=200_000)
    services.issue(customer.pk, MARCH, by="ada", now=NOW)
    subscription = customer.subscriptions.get()
    customers.end(subscription.pk, on=APRIL, now=NOW)
    told(customer, d0305=0)
    found, _ = reports.preview(customer, APRIL)
    assert (found.total, found.carried) == (Decimal(0), Decimal("47.03"))
    made = services.issue(customer.pk, APRIL, by="a", now=datetime(2026, 5, 2, tzinfo=UTC))
    assert made.carried == found.carried
    subscribed(customer, since=date(2026, 4, 2))
    after, _ = reports.preview(customer, date(2026, 5, 1))
    assert any(each.kind == "credit" for each in after.lines)


def test_what_two_records_were_billed_is_not_billed_again_once_they_are_one(customer):
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    told(customer, d0305=8_000)
    told(twin, d0305=8_000)
    for each in (customer, twin):
        services.issue(each.pk, MARCH, by="ada", now=NOW)
    customers.merge(customer.pk, twin.pk, now=NOW)
    (late,) = reports.preview(customer, APRIL)[0].late
    assert late.total == Decimal("103.46")  # 16,000 calls on one plan, where 94.05 was billed
    assert late.amount == Decimal("9.41")


def test_a_customer_in_another_currency_needs_a_book_in_it(customer):
    euro = Customer.objects.create(external_id="e", name="Euro", currency="EUR")
    subscribed(euro)
    with pytest.raises(reports.NothingPublished, match="price book in EUR is published"):
        reports.preview(euro, MARCH)


def test_a_plan_that_no_book_knows_is_refused(customer):
    subscribed(customer, plan="legacy", since=date(2026, 4, 1))
    with pytest.raises(
        InvalidValues, match=r"subscription must be an active plan: .*; not 'legacy'"
    ):
        reports.preview(customer, APRIL)


def test_two_subscriptions_at_once_are_billed_and_the_use_once(customer):
    told(customer, d0305=60_000)
    alone, _ = reports.preview(customer, MARCH)
    subscribed(customer, plan="starter", amount=29, since=date(2026, 3, 1))
    both, _ = reports.preview(customer, MARCH)
    assert both.lines[: len(alone.lines)] == alone.lines
    further = both.lines[len(alone.lines) :]
    assert further[0].description == "Beside it: Starter, a month"
    assert sum(each.amount for each in further) == Decimal("27.55")  # 29 less 5 % for 14 months
    made = services.issue(customer.pk, MARCH, by="ada", now=NOW)
    assert (made.total, len(made.stays)) == (both.total, 2)


def test_a_simulation_counts_a_customers_use_once(customer):
    told(customer, d0305=60_000)
    subscribed(customer, plan="starter", amount=29, since=date(2026, 2, 1))
    first, second = reports.accounts("USD", NOW.date(), 10)
    assert (first.plan, len(first.periods)) == ("professional", 1)
    assert second.periods == (reports.NOTHING,) * 3


def test_a_simulation_rates_the_last_three_complete_months(customer):
    told(customer, d0105=10, d0205=20_000, d0305=60_000, d0405=200_000)
    bare = Customer.objects.create(external_id="bare", name="Bare", currency="USD")
    subscribed(bare, plan="starter", amount=29)
    used, alone = reports.accounts("USD", NOW.date(), 10)
    calls = [each.usage["api_calls"] for each in used.periods]
    assert calls == [10, 20_000, 60_000]
    assert [each.engagement["tenure_months"] for each in used.periods] == [12, 13, 14]
    assert alone.periods == (reports.NOTHING,) * 3


def test_all_that_is_kept_is_handed_out_and_exported(customer):
    told(customer, d0305=10)
    services.issue(customer.pk, MARCH, by="ada", now=NOW)
    kept = reports.personal([customer.pk])
    assert {name: len(rows) for name, rows in kept.items()} == {
        "daily_use": 1,
        "invoices": 1,
        "adjustments": 0,
    }
    use, invoices = (list(each.rows()) for each in reports.EXPORTERS)
    assert use == [("acme", "api_calls", date(2026, 3, 5), Decimal(10))]
    assert invoices[0][:2] == ("acme", MARCH)


def test_nothing_to_look_up_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert reports.totals([]) == {}


def test_a_preview_asks_few_questions(customer, django_assert_max_num_queries):
    told(customer, d0305=10)
    services.issue(customer.pk, MARCH, by="ada", now=NOW)
    with django_assert_max_num_queries(8):
        reports.preview(customer, APRIL)
