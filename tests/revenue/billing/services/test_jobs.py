"""A month is previewed as a job, then issued as one, in the name of who asked."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from aethercrown.transitions import InvalidTransition
from operations.alerts.models import Alert
from operations.jobs import services as job_services
from operations.jobs.registry import JobContext
from operations.jobs.services import JobLimitReached
from revenue.billing.models import Invoice, InvoiceRun
from revenue.billing.periods import billing_month
from revenue.billing.services import invoices, jobs, usage
from revenue.billing.services.invoice_run import NOT_BILLED
from revenue.billing.services.usage import DailyTotal
from revenue.customers.models import Customer
from revenue.customers.services import InvalidEntry
from tests.revenue.billing.conftest import MARCH_MONTH, NOW, run_automation, subscribed

ADA = "user:7"
MAY = datetime(2026, 5, 2, tzinfo=UTC)
APRIL_MONTH = billing_month(date(2026, 4, 1))


class Stopped(Exception):
    """The job was cancelled."""


def perform(run, work=jobs.perform_issue, now=NOW, steps=99):
    """Run a job of this run as a worker would, cancelled after some steps; its result."""
    done: list[tuple[object, ...]] = []

    def report(*step):
        if len(done) == steps:
            raise Stopped
        done.append(step)

    context = JobContext(1, {"run": run.pk}, ADA, now, report, lambda: None)
    return work(context), done


def previewed(span=MARCH_MONTH, now=NOW):
    run = jobs.request_preview("USD", span, caller=ADA, now=now)
    perform(run, jobs.perform_preview, now)
    job_services.cancel(jobs.newest_job(run).pk, actor=ADA, now=now)
    run.refresh_from_db()
    return run


def request_issue(run, *, hold_without_use, now=NOW):
    """Ask for the invoices; the queued job is cancelled, since the test does its work."""
    jobs.request_issue(run.pk, hold_without_use=hold_without_use, caller=ADA, now=now)
    job_services.cancel(jobs.newest_job(run).pk, actor=ADA, now=now)


def test_a_preview_issues_nothing_and_says_what_would_be(two_customers, customer_without_price):
    run = previewed()
    assert (run.preview["invoices"], run.preview["total"]) == (2, "198.00")
    ((refused, why),) = run.preview["refused"]
    assert (refused, run.preview["refused_count"]) == (customer_without_price.pk, 1)
    assert "handmade" in why
    assert len(run.preview["differences"]) == 2
    assert (Invoice.objects.count(), run.decision_id) == (0, None)


def test_issuing_is_in_the_name_of_who_asked_and_shows_progress(two_customers):
    run = previewed()
    jobs.request_issue(run.pk, hold_without_use=False, caller=ADA, now=NOW)
    assert (jobs.newest_job(run).subject, jobs.is_open(run)) == (str(run), True)
    found, steps = perform(run)
    assert (found["issued"], found["not_billed"]) == (2, 0)
    assert steps == [(done, 2, note) for note in ("Rating", "Issuing") for done in (0, 1)]
    assert set(Invoice.objects.values_list("issued_by", flat=True)) == {ADA}
    run.refresh_from_db()
    assert (run.requested_by, run.decision.actor) == (ADA, ADA)
    assert perform(run)[0]["issued"] == 2  # run twice, none is issued twice


@pytest.fixture
def without_use(two_customers):
    """A previewed April, for which no use of the first customer is known."""
    usage.ensure_meter("api_calls", title="API calls")
    usage.record(
        [DailyTotal(two_customers[0].pk, "api_calls", date(2026, 3, 5), Decimal(9))], now=NOW
    )
    for each in two_customers:
        invoices.issue(each.pk, MARCH_MONTH.start, by=ADA, now=NOW)
    run = previewed(APRIL_MONTH, MAY)
    assert run.preview["without_use"] == [[two_customers[0].pk, ["api_calls"]]]
    return run


def not_billed(run):
    run.refresh_from_db()
    return [key for key, _ in run.not_billed]


def test_customers_whose_use_is_missing_can_be_left_out(two_customers, without_use):
    request_issue(without_use, hold_without_use=True, now=MAY)
    assert perform(without_use, now=MAY)[0]["not_billed"] == 1
    assert not_billed(without_use) == [two_customers[0].pk]
    alert = Alert.objects.get(kind=NOT_BILLED)
    assert alert.state == "open"
    request_issue(without_use, hold_without_use=False, now=MAY)
    assert perform(without_use, now=MAY)[0]["issued"] == 2
    alert.refresh_from_db()
    assert (alert.state, not_billed(without_use)) == ("resolved", [])


def test_the_nightly_run_leaves_out_whom_a_cancelled_job_left_out(two_customers, without_use):
    request_issue(without_use, hold_without_use=True, now=MAY)
    with pytest.raises(Stopped):
        perform(without_use, now=MAY, steps=2)  # both are rated, none is billed
    april = Invoice.objects.filter(period_start=APRIL_MONTH.start)
    stopped = iter([True, False])
    assert "0 invoices issued" in run_automation(now=MAY, held=lambda: next(stopped, False)).summary
    assert not april.exists()
    run_automation(now=MAY)
    assert [each.customer for each in april] == [two_customers[1]]
    assert not_billed(without_use) == [two_customers[0].pk]


def test_the_nightly_run_issues_what_a_second_job_did_not(without_use):
    request_issue(without_use, hold_without_use=True, now=MAY)
    perform(without_use, now=MAY)
    request_issue(without_use, hold_without_use=False, now=MAY)
    with pytest.raises(Stopped):
        perform(without_use, now=MAY, steps=0)
    run_automation(now=MAY)
    assert Invoice.objects.filter(period_start=APRIL_MONTH.start).count() == 2
    assert not_billed(without_use) == []


def test_a_month_is_issued_after_its_preview_only(two_customers):
    run_automation()
    run = InvoiceRun.objects.get()
    with pytest.raises(InvalidTransition, match="not previewed yet"):
        jobs.request_issue(run.pk, hold_without_use=True, caller=ADA, now=NOW)
    jobs.request_preview("USD", MARCH_MONTH, caller=ADA, now=NOW)
    perform(run, jobs.perform_preview)
    with pytest.raises(InvalidTransition, match="being previewed or issued"):
        jobs.request_issue(run.pk, hold_without_use=True, caller=ADA, now=NOW)


def test_a_month_that_runs_or_has_nobody_due_is_refused(two_customers):
    with pytest.raises(InvalidEntry, match="runs until"):
        jobs.request_preview("USD", APRIL_MONTH, caller=ADA, now=NOW)
    with pytest.raises(InvalidEntry, match="No customer is due in EUR"):
        jobs.request_preview("EUR", MARCH_MONTH, caller=ADA, now=NOW)
    assert not InvoiceRun.objects.exists()


def test_a_preview_does_not_keep_the_schedule_from_proposing_the_month(two_customers):
    run = previewed()
    run_automation()
    run.refresh_from_db()
    assert run.decision.status == "proposed"


def test_every_currency_is_previewed_or_none(two_customers):
    euros = Customer.objects.create(external_id="eur", name="Euro", currency="EUR")
    subscribed(euros, amount=50, since=MARCH_MONTH.start)
    for _ in range(4):
        jobs.request_preview("USD", MARCH_MONTH, caller=ADA, now=NOW)
    with pytest.raises(JobLimitReached):
        jobs.request_previews("", MARCH_MONTH, caller=ADA, now=NOW)
    assert not InvoiceRun.objects.filter(currency="EUR").exists()
    found = jobs.request_previews("", MARCH_MONTH, caller="user:8", now=NOW)
    assert [each.currency for each in found] == ["EUR", "USD"]
