"""Daily totals are stored once and corrected by further rows."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from django.db import transaction

from aethercrown.csv.importing import ImportCounts
from revenue.billing.models import DailyUse, Meter
from revenue.billing.reports import usage as usage_reports
from revenue.billing.services import usage
from revenue.billing.services.usage import DailyTotal
from revenue.customers import services as customers
from revenue.customers.models import Customer, ImmutableRow
from revenue.customers.services import InvalidEntry
from tests.revenue.billing.conftest import APRIL, MARCH, NOW, record_calls

pytestmark = pytest.mark.django_db


def day_total(customer, day):
    return usage_reports.daily_totals([(customer.pk, "api_calls", day)])[
        customer.pk, "api_calls", day
    ]


def test_the_same_total_twice_is_booked_once(customer):
    assert record_calls(customer, d0305=10, d0306=0) == ImportCounts(2, 0)
    assert record_calls(customer, d0305=10, d0306=0) == ImportCounts(0, 0)
    assert DailyUse.objects.count() == 2


def test_another_total_is_a_row_more_and_rewrites_nothing(customer):
    record_calls(customer, d0305=10)
    assert record_calls(customer, d0305=4) == ImportCounts(0, 1)
    assert day_total(customer, date(2026, 3, 5)) == 4
    rows = list(DailyUse.objects.order_by("pk").values_list("quantity", "is_correction"))
    assert rows == [(Decimal(10), False), (Decimal(-6), True)]
    assert str(DailyUse.objects.latest("pk")) == "\N{MINUS SIGN}6 API calls on 5 Mar 2026"


def test_booked_rows_are_never_rewritten(customer):
    record_calls(customer, d0305=10)
    row = DailyUse.objects.get()
    row.quantity = 5
    with pytest.raises(ImmutableRow, match="store a correction"):
        row.save()
    with pytest.raises(Exception, match="cannot be changed"), transaction.atomic():
        DailyUse.objects.update(quantity=5)


@pytest.mark.parametrize(
    ("change", "field", "words"),
    [
        ({"metric": "widgets"}, "metric", "'widgets' is not a meter. Known: api_calls"),
        ({"quantity": Decimal(-1)}, "quantity", "must be 0 to 1,000,000,000,000, not -1"),
        ({"quantity": Decimal("NaN")}, "quantity", "not NaN"),
        ({"day": date(2026, 4, 21)}, "day", "is after today, 2026-04-20, in Asia/Tokyo"),
        ({"customer": 0}, "customer", "no customer number 0"),
    ],
)
def test_a_wrong_total_stores_nothing_of_all(customer, change, field, words):
    good = DailyTotal(customer.pk, "api_calls", date(2026, 3, 5), Decimal(1))
    with pytest.raises(InvalidEntry, match=words) as refused:
        usage.record([good, good._replace(**change)], now=NOW)
    assert refused.value.field == field
    assert not DailyUse.objects.exists()


def test_the_day_is_over_by_the_customers_clock(customer):
    late = datetime(2026, 4, 20, 15, 30, tzinfo=UTC)  # the 21st in Tokyo
    total = DailyTotal(customer.pk, "api_calls", date(2026, 4, 21), Decimal(1))
    assert usage.record([total], now=late).created == 1


def test_a_merged_customers_use_goes_with_it_and_takes_no_more(customer):
    twin = Customer.objects.create(external_id="twin", name="Twin", currency="USD")
    record_calls(customer, d0305=10)
    record_calls(twin, d0305=5)
    customers.merge(customer.pk, twin.pk, now=NOW)
    found = usage_reports.readings([customer.pk], MARCH, APRIL)[customer.pk]["api_calls"]
    assert found.days == {date(2026, 3, 5): 15}
    with pytest.raises(InvalidEntry, match="merged or erased"):
        record_calls(twin, d0306=1)


def test_a_meter_that_is_there_stays_as_staff_set_it(meters):
    assert usage.ensure_meter("api_calls", aggregation="max").aggregation == "sum"
    assert usage.ensure_meter("new_one").title == "new one"
    assert str(Meter.objects.get(code="new_one")) == "new one"


def test_nothing_to_look_up_asks_nothing(django_assert_num_queries):
    with django_assert_num_queries(0):
        assert usage_reports.daily_totals([]) == {}
