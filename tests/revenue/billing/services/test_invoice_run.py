"""A month is put forward once, issued once, and goes on where it was stopped."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest

from operations.alerts.models import Alert
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale
from operations.decisions.models import Decision
from revenue.billing.models import Invoice, InvoiceRun
from revenue.billing.month_preview import MonthPreview
from revenue.billing.periods import billing_month
from revenue.billing.reports import invoice_run as reports
from revenue.billing.services import invoice_run, invoices, usage
from revenue.billing.services.usage import DailyTotal
from revenue.customers import services as customers
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry
from tests.revenue.billing.conftest import MARCH_MONTH, NOW, run_automation, subscribed

pytestmark = pytest.mark.django_db
LATER = datetime.fromisoformat("2026-05-26T00:00:00+00:00")


def decided():
    """The decision of the only closing."""
    found = InvoiceRun.objects.get().decision
    assert found is not None
    return found


def approve():
    return decisions.approve(Decision.objects.latest("pk").pk, actor="ada", now=NOW)


def billed():
    return sorted(Invoice.objects.values_list("customer__external_id", "period_start"))


def test_nothing_is_issued_before_somebody_agrees(two_customers):
    found = run_automation()
    row = InvoiceRun.objects.get()
    assert found.decisions == (row.decision_id,)
    assert str(row) == "Invoices of March 2026 in USD"
    assert decided().title == "Issue the invoices of March 2026: 2 for $198.00"
    assert not billed()
    assert run_automation().decisions == ()  # once
    assert Decision.objects.count() == 1


def test_a_month_put_forward_twice_is_one_decision(two_customers):
    run_automation()
    found = MonthPreview(9, Decimal(9))
    invoice_run.propose("USD", MARCH_MONTH, found, mode="auto", now=NOW)
    assert (decided().status, InvoiceRun.objects.count()) == ("proposed", 1)


def test_once_approved_every_customer_gets_one_invoice(two_customers):
    run_automation()
    approve()
    assert "2 invoices issued, 1 month closed" in run_automation().summary
    assert billed() == [("acme", MARCH_MONTH.start), ("birch", MARCH_MONTH.start)]
    assert "0 invoices issued, 0 months closed" in run_automation().summary
    row = InvoiceRun.objects.get()
    assert (row.issued_count, row.not_billed, row.finished_at) == (2, [], NOW)


def test_in_mode_auto_it_is_done_in_one_night(two_customers):
    run_automation("auto")
    assert decided().status == "applied"
    assert len(billed()) == 2


def test_whom_the_book_cannot_rate_holds_auto_back_and_is_told(
    two_customers, customer_without_price
):
    run_automation("auto")
    assert decided().status == "proposed"
    approve()
    run_automation("auto")
    row = InvoiceRun.objects.get()
    assert row.issued_count == 2
    assert row.not_billed[0][0] == customer_without_price.pk
    assert "not 'handmade'" in row.not_billed[0][1]
    told = Alert.objects.get(kind=invoice_run.NOT_BILLED)
    assert (
        "1 customer of Invoices of March 2026 in USD was not billed:"
        f" customer {customer_without_price.pk}:" in told.message
    )


def test_a_run_that_is_taken_away_issues_the_rest_later(two_customers):
    run_automation()
    approve()
    times = count()
    run_automation(held=lambda: next(times) < 1)  # the second customer is not reached
    assert (len(billed()), InvoiceRun.objects.get().finished_at) == (1, None)
    run_automation()
    assert (len(billed()), InvoiceRun.objects.get().issued_count) == (2, 2)


def test_a_run_that_is_taken_away_puts_nothing_forward(two_customers):
    assert run_automation(held=lambda: False).decisions == ()
    assert not InvoiceRun.objects.exists()


def test_who_has_an_invoice_already_gets_no_second_one(two_customers):
    invoices.issue(two_customers[0].pk, MARCH_MONTH.start, by="ada", now=NOW)
    run_automation()
    assert Decision.objects.get().after["invoices"] == 1
    approve()
    run_automation()
    assert len(billed()) == 2


def test_who_left_before_or_never_paid_is_not_billed(two_customers):
    gone = Customer.objects.create(external_id="gone", name="Gone", currency="USD")
    row = subscribed(gone, since=date(2026, 1, 1))
    customers.end(row.pk, on=date(2026, 3, 1), now=NOW)
    trial = Customer.objects.create(external_id="trial", name="Trial", currency="USD")
    subscribed(trial, amount=0, since=date(2026, 1, 1))
    found = reports.month_preview("USD", MARCH_MONTH)
    assert found is not None
    assert found.invoices == 2


def test_without_anybody_to_bill_nothing_is_put_forward(automation):
    lone = Customer.objects.create(external_id="lone", name="Lone", currency="USD")
    subscribed(lone, amount=0, since=date(2026, 1, 1))
    assert run_automation().decisions == ()
    with pytest.raises(InvalidEntry, match="No customer is due in USD for March 2026"):
        invoice_run.issue_month("USD", MARCH_MONTH, by="ada", now=NOW)


def test_the_next_month_follows_with_its_change(two_customers):
    run_automation()
    approve()
    run_automation()
    customers.change(
        two_customers[0].subscriptions.get().pk,
        amount=Decimal(499),
        plan="enterprise",
        on=date(2026, 4, 1),
        now=NOW,
    )
    run_automation(now=NOW + timedelta(days=13))  # 3 May
    found = Decision.objects.latest("pk")
    assert found.title.startswith("Issue the invoices of April 2026: 2 for $598.00")
    assert found.change_percent == pytest.approx(100 * 400 / 198)


def test_an_approval_is_taken_back_only_while_nothing_is_issued(two_customers):
    run_automation()
    pk = approve().pk
    assert invoice_run.may_undo(decided().subject)
    decisions.roll_back(pk, actor="ada", now=NOW)
    assert InvoiceRun.objects.get().approved_at is None
    run_automation()
    assert not billed()


def test_an_approval_that_is_undone_while_a_run_starts_issues_nothing(two_customers):
    run_automation()
    pk = approve().pk

    def undone_meanwhile():
        if InvoiceRun.objects.get().approved_at:
            decisions.roll_back(pk, actor="ada", now=NOW)
        return True

    assert not invoice_run.issue_all(InvoiceRun.objects.get(), now=NOW, keep_going=undone_meanwhile)
    assert not billed()


def test_issued_invoices_stay(two_customers):
    run_automation("auto")
    assert not invoice_run.may_undo(decided().subject)
    with pytest.raises(Stale, match=r"Invoices of .*: 2 invoices issued already; they stay"):
        decisions.roll_back(Decision.objects.get().pk, actor="ada", now=NOW)


def test_it_is_measured_by_what_the_month_came_to_in_the_end(two_customers):
    run_automation("auto")
    usage.ensure_meter("api_calls")
    late = DailyTotal(two_customers[0].pk, "api_calls", date(2026, 3, 9), Decimal(60_000))
    usage.record([late], now=NOW)
    invoices.issue(two_customers[0].pk, date(2026, 4, 1), by="ada", now=LATER)
    assert decisions.measure_due(LATER) == 1
    found = Decision.objects.get()
    assert found.status == "measured"
    assert found.realised
    assert found.realised["value"] == pytest.approx(198 + 29.7)  # 99 x 1.3 was due


def test_it_is_not_measured_before_all_are_issued(two_customers):
    run_automation()
    approve()
    assert decisions.measure_due(LATER) == 0
    InvoiceRun.objects.all().delete()
    assert decisions.measure_due(LATER) == 0


def test_a_person_closes_a_month_at_once_and_again_for_those_left_out(
    two_customers, customer_without_price
):
    row = invoice_run.issue_month("USD", MARCH_MONTH, by="ada", now=NOW)
    assert (row.issued_count, len(row.not_billed)) == (2, 1)
    assert decided().actor == "ada"
    sub = customer_without_price.subscriptions.get()
    customers.adjust(
        sub.pk, on=date(2026, 1, 1), amount=Decimal(99), plan="starter", now=NOW, note="typed"
    )
    row = invoice_run.issue_month("USD", MARCH_MONTH, by="ada", now=NOW)
    assert (row.issued_count, row.not_billed) == (3, [])


def test_a_month_that_is_stopped_is_left_to_the_night(two_customers):
    with pytest.raises(InvalidEntry, match="stopped before an invoice was issued"):
        invoice_run.issue_month("USD", MARCH_MONTH, by="ada", now=NOW, may_rate=lambda: False)
    assert not InvoiceRun.objects.exists()
    run_automation()
    row = invoice_run.issue_month("USD", MARCH_MONTH, by="ada", now=NOW, keep_going=lambda: False)
    assert (row.finished_at, decided().status) == (None, "applied")


def test_a_running_month_is_not_closed(two_customers):
    with pytest.raises(InvalidEntry, match="April 2026 runs until 2026-05-01; today is 2026-04-20"):
        invoice_run.issue_month("USD", billing_month(date(2026, 4, 1)), by="ada", now=NOW)


def test_the_page_of_a_decision_is_the_list_of_months(two_customers):
    assert invoice_run.KINDS[0].path("invoices USD 2026-03-01") == "/admin/revenue/invoicerun/"


def test_a_preview_refuses_whom_issuing_refuses_since_a_later_month_is_closed(two_customers):
    later = datetime.fromisoformat("2026-05-03T00:00:00+00:00")
    invoices.issue(two_customers[0].pk, date(2026, 4, 1), by="ada", now=later)
    found = reports.month_preview("USD", MARCH_MONTH)
    assert found is not None
    words = "A month after March 2026 is closed already."
    assert (found.invoices, found.refused) == (1, [(two_customers[0].pk, words)])
    row = invoice_run.issue_month("USD", MARCH_MONTH, by="ada", now=NOW)
    assert row.not_billed == [(two_customers[0].pk, f"period: {words}")]
