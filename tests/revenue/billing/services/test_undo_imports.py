"""Daily totals of an import are taken back, unless a bill counted them."""

import io
from datetime import UTC, date, datetime

import pytest
import time_machine

from operations.imports import services as imports
from operations.jobs import services as jobs
from revenue.billing.models import DailyUse
from revenue.billing.reports.usage import daily_totals
from revenue.billing.services import invoices
from revenue.customers import services as customers
from tests.revenue.billing.conftest import MARCH, record_calls

HEAD = "customer,metric,day,quantity\n"
BEFORE = datetime(2026, 4, 20, 9, 30, tzinfo=UTC)
NOW = datetime(2026, 4, 20, 10, tzinfo=UTC)
DAYS = date(2026, 3, 5), date(2026, 3, 6)


@pytest.fixture
def stored(customer):
    """10 calls on 5 March; a file says 15, and 3 on the day after."""
    record_calls(customer, d0305=10)
    with time_machine.travel(BEFORE, tick=False):
        yield take(f"{HEAD}acme,api_calls,2026-03-05,15\nacme,api_calls,2026-03-06,3\n")


def take(content):
    file = io.BytesIO(content.encode())
    record = imports.create_draft("billed-use", "a.csv", file, actor="x", now=BEFORE)
    imports.choose(record, {"update": True})
    imports.start(record.pk, caller="user:ada", now=BEFORE)
    jobs.run_next(clock=lambda: BEFORE)
    record.refresh_from_db()
    assert record.state == "current", record.error
    return record


def totals(customer):
    found = daily_totals([(customer.pk, "api_calls", day) for day in DAYS])
    return {day.day: int(value) for (_, _, day), value in found.items()}


def refused(record) -> str:
    with pytest.raises(imports.NotStorable) as error:
        imports.undo(record.pk, actor="user:ada", now=NOW)
    return str(error.value)


def test_earlier_totals_are_valid_again_and_a_day_without_one_has_none(stored, customer):
    assert totals(customer) == {5: 15, 6: 3}
    said = imports.preview_undo(stored.pk, NOW)
    assert said == ["1 daily total deleted.", "1 daily total as before the import."]
    assert totals(customer) == {5: 15, 6: 3}
    imports.undo(stored.pk, actor="user:ada", now=NOW, shown=said)
    assert totals(customer) == {5: 10}
    again = take(f"{HEAD}acme,api_calls,2026-03-06,4\n")
    assert imports.preview_undo(again.pk, NOW) == ["1 daily total deleted."]


def test_what_was_changed_or_billed_since_stays(stored, customer):
    more = take(f"{HEAD}acme,api_calls,2026-03-06,4\n")
    assert "the total of API calls of acme on 6 Mar 2026 was changed since" in refused(stored)
    imports.undo(more.pk, actor="user:ada", now=NOW)
    invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    assert "acme was invoiced since" in refused(stored)
    assert totals(customer) == {5: 15, 6: 3}


def test_of_a_closed_customer_or_of_an_earlier_version_nothing_is_taken_back(stored, customer):
    DailyUse.objects.filter(data_import=stored).delete()
    assert "an earlier version stored it" in refused(stored)
    more = take(f"{HEAD}acme,api_calls,2026-03-06,4\n")
    customers.erase(customer.pk, now=NOW)
    assert "was erased" in refused(more)
