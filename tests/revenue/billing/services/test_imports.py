"""Importing billed usage: totals are stored once, and corrected only by an update."""

import re
from decimal import Decimal

import pytest

from aethercrown.csv.reader import InvalidCSV
from revenue.billing.models import DailyUse
from revenue.billing.services import usage
from revenue.billing.services.imports import quantity
from revenue.customers import services as customers
from revenue.customers.models import Customer
from tests.revenue.csv_files import NOW, PEOPLE, faults_of, load

pytestmark = pytest.mark.django_db

USED = "customer,metric,day,quantity\na,api_calls,2026-03-05,12.5\nb,api_calls,2026-03-05,3\n"
CORRECTED = USED.replace("12.5", "13")


@pytest.fixture
def metered(db):
    load("customers", PEOPLE)
    usage.ensure_meter("api_calls", title="API calls")


def booked():
    rows = DailyUse.objects.order_by("pk").values_list("customer__external_id", "quantity")
    return [(who, quantity) for who, quantity in rows]


def test_days_totals_are_stored_once_and_corrected_only_by_an_update(metered):
    report = load("billed-use", USED)
    assert (report.created, report.updated) == (2, 0)
    report = load("billed-use", USED)
    assert (report.stored, report.created, report.updated) == (True, 0, 0)
    ((row, column, reason),) = faults_of(load("billed-use", CORRECTED))
    assert (row, column) == (2, "quantity")
    assert re.fullmatch(r"the day's total is 12\.50*; import with update to correct it", reason)
    assert booked() == [("a", Decimal("12.5")), ("b", 3)]
    report = load("billed-use", CORRECTED, update=True)
    assert (report.created, report.updated) == (0, 1)
    assert booked() == [("a", Decimal("12.5")), ("b", 3), ("a", Decimal("0.5"))]


@pytest.mark.parametrize(("cell", "value"), [("0", Decimal(0)), ("1e12", Decimal(10) ** 12)])
def test_a_quantity_is_read(cell, value):
    assert quantity(cell) == value


@pytest.mark.parametrize("cell", ["-0.1", "1000000000001"])
def test_a_quantity_out_of_range_is_named(cell):
    with pytest.raises(InvalidCSV, match=f"must be 0 to 1000000000000, not {cell}"):
        quantity(cell)


def test_every_wrong_total_of_use_is_named(metered):
    load("customers", "external_id,currency\nc,USD\n")
    keys = {each.external_id: each.pk for each in Customer.objects.all()}
    customers.merge(keys["a"], keys["c"], now=NOW)
    customers.erase(keys["b"], now=NOW)
    gone = f"erased-{keys['b']}"
    file = USED.splitlines()[0] + (
        "\nnobody,api_calls,2026-03-05,1\n"
        "c,api_calls,2026-03-05,1\n"
        f"{gone},api_calls,2026-03-05,1\n"
        "a,sms,2026-03-05,1\n"
        "a,api_calls,2026-03-21,1\n"
    )
    assert faults_of(load("billed-use", file)) == [
        (2, "customer", "there is no customer nobody"),
        (3, "customer", f"c was merged into customer number {keys['a']}"),
        (4, "customer", f"{gone} was erased on 20 Mar 2026"),
        (5, "metric", "is not a meter; known: api_calls"),
        (6, "day", "2026-03-21 is after today, 2026-03-20"),
    ]
    assert booked() == []
