"""Meters, use and invoices in the admin: meters are edited, what was booked is read."""

from datetime import date

from django.core.files.uploadedfile import SimpleUploadedFile
from django.utils import timezone

from revenue.billing.models import DailyUse, Invoice, Meter
from revenue.billing.services import invoices
from tests.revenue.billing.conftest import MARCH, NOW, record_calls

HOME = "/admin/revenue"


def test_a_meter_that_was_used_keeps_how_it_is_counted(admin_client, customer):
    record_calls(customer, d0305=10)
    meter = Meter.objects.get(code="api_calls")
    path = f"{HOME}/meter/{meter.pk}/change/"
    admin_client.post(path, {"title": "Calls", "unit": "", "aggregation": "max", "code": "x"})
    meter.refresh_from_db()
    assert (meter.title, meter.aggregation, meter.code) == ("Calls", "sum", "api_calls")
    unused = Meter.objects.get(code="storage_gb")
    values = {"title": "Storage", "unit": "GB", "input_group": "usage", "aggregation": "max"}
    admin_client.post(f"{HOME}/meter/{unused.pk}/change/", values)
    unused.refresh_from_db()
    assert (unused.aggregation, unused.code) == ("max", "storage_gb")
    assert admin_client.get(f"{HOME}/meter/add/").status_code == 200


def test_use_and_invoices_are_read_and_exported(admin_client, customer):
    record_calls(customer, d0305=10)
    made = invoices.issue(customer.pk, MARCH, by="ada", now=NOW)
    for path in ("dailyuse/", "invoice/", f"invoice/{made.pk}/change/"):
        assert admin_client.get(f"{HOME}/{path}").status_code == 200
    use = DailyUse.objects.get()
    assert admin_client.get(f"{HOME}/dailyuse/{use.pk}/delete/").status_code == 403
    admin_client.post(f"{HOME}/invoice/{made.pk}/change/", {"total": "1"})
    assert Invoice.objects.get().total == made.total


def test_a_file_of_use_is_shown_before_it_is_stored(admin_client, customer):
    content = f"customer,metric,day,quantity\nacme,api_calls,{date(2026, 3, 5)},12.5\n"
    file = SimpleUploadedFile("use.csv", content.encode())
    assert timezone.now().date() > date(2026, 3, 5)
    shown = admin_client.post(
        f"{HOME}/dailyuse/import-csv/", {"kind": "billed-use", "file": file, "currency": "USD"}
    )
    assert "12.5" in shown.content.decode()
    assert not DailyUse.objects.exists()
