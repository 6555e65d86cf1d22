"""Erasures stand in a file that a restore does not touch, and are repeated after it."""

import json

import pytest

from revenue.customers import erasure_list, services
from revenue.customers.erasure_list import ErasedCustomer
from revenue.customers.models import Customer
from revenue.customers.services import erasures
from tests.revenue.customers.conftest import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def path(settings, tmp_path):
    settings.DATA_DIR = tmp_path
    return tmp_path / "erasures.jsonl"


def restored(customer):
    """The rows as they were before the erasure."""
    Customer.objects.filter(pk=customer.pk).update(name="Acme", external_id="acme", erased_at=None)


def name() -> str:
    return Customer.objects.order_by("pk").values_list("name", flat=True)[0]


def test_an_erasure_is_repeated_from_the_file(customer, path, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        services.erase(customer.pk, now=NOW)
    assert "acme" not in path.read_text().casefold()
    restored(customer)
    assert erasures.BACKUP_HOOK.finalize(NOW, None) == ["1 erasure repeated."]
    assert name() == f"Erased customer {customer.pk}"
    assert erasures.BACKUP_HOOK.finalize(NOW, None) == []
    assert erasures.keep_list() == 0


def test_an_erasure_of_another_machine_is_repeated_from_the_rows_that_go(customer, path):
    services.erase(customer.pk, now=NOW)
    before = erasures.BACKUP_HOOK.snapshot()
    restored(customer)
    assert erasures.BACKUP_HOOK.compare(before) == ["1 erasure repeated."]
    assert len(erasure_list.read(path)) == 1


def test_another_customer_of_that_number_is_left_alone(customer, path):
    erasure_list.add(path, [ErasedCustomer(customer.pk, "2020-01-01T00:00:00+00:00")])
    assert erasures.BACKUP_HOOK.finalize(NOW, None) == []
    assert name() == "Acme"


def test_of_a_merged_record_the_kept_one_is_erased(customer):
    other = Customer.objects.create(external_id="b", name="B", currency="USD")
    services.merge(customer.pk, other.pk, now=NOW)
    services.erase(customer.pk, now=NOW)
    before = erasures.BACKUP_HOOK.snapshot()
    assert len(before) == 2
    Customer.objects.update(name="Acme", erased_at=None)
    assert erasures.BACKUP_HOOK.compare(before) == ["1 erasure repeated."]


def test_a_record_that_cannot_be_erased_is_named(customer):
    other = Customer.objects.create(external_id="b", name="B", currency="USD", erased_at=NOW)
    services_list = erasures.erased_customers()
    Customer.objects.filter(pk=other.pk).update(erased_at=None)
    third = Customer.objects.create(external_id="c", name="C", currency="USD")
    Customer.objects.filter(pk=customer.pk).update(merged_into=third)
    Customer.objects.filter(pk=other.pk).update(merged_into=customer)
    (note,) = erasures.repeat(services_list, NOW)
    assert "was erased since and is here again" in note


def test_a_torn_line_costs_no_other(path):
    first, second = ErasedCustomer(1, "a"), ErasedCustomer(2, "b")
    assert erasure_list.read(path) == []
    erasure_list.add(path, [first])
    with path.open("a") as file:
        file.write('{"customer": 9, "crea')
    assert erasure_list.add(path, [first, second]) == 1
    assert erasure_list.read(path) == [first, second]
    assert [json.loads(line)["customer"] for line in path.read_text().splitlines() if "b" in line]
    path.write_text('{"customer": null, "created_at": 1}\n[]\n{}\n')
    assert erasure_list.read(path) == []
