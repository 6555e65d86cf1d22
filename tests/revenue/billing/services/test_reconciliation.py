"""The nightly step of prices, and bills beside MRR."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from operations.alerts.models import Alert
from operations.automations.registry import RunContext, always
from revenue.billing.periods import billing_month
from revenue.billing.reports import previews
from revenue.billing.reports.list_prices import PriceMove
from revenue.billing.reports.reconciliation import reconciliations
from revenue.billing.reports.versions import in_force
from revenue.billing.services import invoices, list_prices, reconciliation
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.mrr.reports import consistency
from revenue.pricing import services as pricing
from tests.revenue.billing.conftest import APRIL, MARCH, NOW, record_calls, subscribed

pytestmark = pytest.mark.django_db
MAY_1 = datetime(2026, 5, 1, 9, tzinfo=UTC)


def own(key, **terms):
    made = Customer.objects.create(external_id=key, name=key, currency="USD")
    return subscribed(made, **terms)


def nightly(now=NOW, may_continue=always):
    return reconciliation.run_reconciliation(
        RunContext(
            reconciliation.AUTOMATION, None, now, now, "auto",
            dry_run=False, may_continue=may_continue,
        )
    )  # fmt: skip


def raised(base, effective_from):
    draft = pricing.draft("standard", effective_from=effective_from, now=NOW)
    draft.prices.filter(plan__code="professional").update(base_price=base)
    pricing.publish(draft.pk, actor="ada", now=NOW)


def test_a_new_list_price_moves_list_priced_customers_at_its_date_and_nobody_else(customer):
    agreed = own("agreed", amount=99)
    yearly = own("yearly", every="year", since=date(2026, 2, 10))
    raised(120, date(2026, 4, 11))
    assert list_prices.follow_price_books(now=NOW) == 1
    assert list_prices.follow_price_books(now=NOW) == 0
    listed = customer.subscriptions.get()
    assert (listed.price, listed.amount, listed.basis) == (120, 120, "list")
    assert listed.changes.latest("pk").on == date(2026, 4, 11)
    for each in (agreed, yearly):
        each.refresh_from_db()
    assert agreed.amount == yearly.amount == 99
    renewal = datetime(2027, 2, 10, tzinfo=UTC)
    assert list_prices.follow_price_books(now=renewal) == 1
    yearly.refresh_from_db()
    assert yearly.price == 1440
    found, _ = previews.preview(customer, APRIL)
    assert [each.amount for each in found.lines if each.kind == "base"] == [33, 80]


def test_a_list_price_that_began_on_the_versions_day_is_adjusted_on_it(customer):
    other = own("new", since=date(2026, 4, 11))
    raised(120, date(2026, 4, 11))
    list_prices.follow_price_books(now=NOW)
    other.refresh_from_db()
    assert (other.price, other.changes.count()) == (120, 2)


def test_prices_are_followed_only_where_there_is_one(customer):
    pricing.retire(in_force("USD", MARCH).pk, now=NOW)
    assert list_prices.follow_price_books(now=NOW) == 0


@pytest.mark.parametrize("since", ["agreed", "ended", "erased"])
def test_a_move_found_before_other_terms_were_agreed_changes_nothing(customer, since):
    row = customer.subscriptions.get()
    move = PriceMove(row.pk, APRIL, Decimal(120))
    if since == "agreed":
        customers.change(row.pk, amount=Decimal(80), on=APRIL, now=NOW)
    elif since == "ended":
        customers.end(row.pk, on=APRIL, now=NOW)
    else:
        customers.erase(customer.pk, now=NOW)
    before = row.changes.count()
    assert not list_prices.move_to_list_price(move, now=NOW)
    assert row.changes.count() == before


def test_a_customer_whose_data_were_erased_does_not_stop_the_night(customer):
    own("other")
    customers.erase(customer.pk, now=NOW)
    raised(120, date(2026, 4, 11))
    assert "1 list price changed" in nightly().summary


def test_trials_coupons_and_overrides_end_on_their_day(customer):
    trial = own("trial", state="trial", trial_until=date(2026, 4, 25), since=APRIL)
    coupon = own("coupon", amount=50, coupon_percent=Decimal(20), coupon_until=date(2026, 4, 22))
    over = own("over", amount=50, since=MARCH)
    customers.change(
        over.pk, on=APRIL, now=NOW, amount=Decimal(10), basis="override",
        price_until=date(2026, 5, 1), note="a complaint",
    )  # fmt: skip
    assert [each.amount for each in Subscriptions(trial, coupon, over)] == [0, 40, 10]
    assert nightly(MAY_1).summary.endswith("3 terms ended.")
    assert [each.amount for each in Subscriptions(trial, coupon, over)] == [99, 50, 50]
    assert consistency.differing_customers(today=MAY_1.date()) == (0, [])


class Subscriptions:
    """The rows as they are now."""

    def __init__(self, *rows):
        self.rows = rows

    def __iter__(self):
        for each in self.rows:
            each.refresh_from_db()
            yield each


def test_bills_agree_with_mrr_by_construction(customer):
    record_calls(customer, d0305=60_000)
    own("moved", amount=62, since=date(2026, 3, 17))
    own("yearly", amount=1188, every="year", since=date(2026, 3, 5))
    own("coupon", amount=Decimal("33.33"), quantity=3, coupon_percent=Decimal("12.5"))
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    found: dict[str, Any] = {
        each.external_id: one for each, one in reconciliations("USD", billing_month(MARCH))
    }
    assert not any(each.unexplained for each in found.values())
    assert (found["acme"].mrr, found["acme"].use) == (99, Decimal("23.27"))
    assert (found["moved"].mrr, found["moved"].proration, found["moved"].billed) == (62, -32, 30)
    yearly = found["yearly"]
    assert (yearly.other_intervals_billed, yearly.billed) == (1188, 1188)
    assert "4 bills of March 2026 compared with MRR, 0 differences" in nightly().summary
    assert not Alert.objects.filter(kind="billing_differs").exists()


def test_a_bill_that_is_not_mrr_raises_an_alert(customer):
    row = customer.subscriptions.get().changes.get()
    row.price = Decimal(90)
    row.save()
    assert "1 bill of March 2026 compared with MRR, 1 difference;" in nightly().summary
    alert = Alert.objects.get(kind="billing_differs")
    assert "1 bill of March 2026 not equal MRR: acme: \N{MINUS SIGN}$9.00" in alert.message


def test_a_run_that_is_stopped_leaves_the_alert(customer):
    changes = customer.subscriptions.get().changes
    changes.update(price=90)
    nightly()
    changes.update(price=99)
    nightly(may_continue=lambda: False)
    alert = Alert.objects.get(kind="billing_differs")
    assert alert.state == "open"
    nightly()
    alert.refresh_from_db()
    assert alert.state == "resolved"


def test_customers_that_cannot_be_billed_are_left_to_the_invoice_run(two_customers):
    two_customers[0].subscriptions.get().changes.update(plan="handmade")
    assert "1 bill of March 2026" in nightly().summary


def test_a_scheduled_change_that_cannot_be_recorded_raises_an_alert(customer):
    end = date(2026, 4, 25)
    kept = own("kept", amount=50)
    customers.schedule_change(kept.pk, on=end, by="user:ada", now=NOW, quantity=2)
    row = customer.subscriptions.get()
    refused = customers.schedule_change(row.pk, on=end, by="user:ada", now=NOW, new_state="ended")
    customers.change(
        row.pk, on=date(2026, 4, 26), now=datetime(2026, 4, 26, tzinfo=UTC), quantity=5
    )
    assert nightly(MAY_1).summary.endswith(". 1 scheduled change recorded, 1 refused.")
    refused.refresh_from_db()
    alert = Alert.objects.get(kind="scheduled_change_refused")
    assert (alert.subject, alert.severity) == (str(refused.pk), "warning")
    assert alert.message == (
        f"Scheduled change {refused.pk} could not be recorded: {refused.reason}"
    )
    assert alert.link == f"/admin/revenue/scheduledchange/{refused.pk}/change/"
