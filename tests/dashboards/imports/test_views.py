"""The pages of imports, as a marketer walks them."""

import re
from datetime import date, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.utils import timezone

from marketing.channels.models import Performance
from operations.imports.models import DataImport
from operations.jobs import services as jobs
from operations.jobs.models import Job
from security.access.models import User

PAGE = "/dashboards/imports"
ADS = (
    'Campaign report\n"Oct 1, 2025 - Oct 31, 2025"\nCampaign,Day,Cost,Conv. value\n'
    'A,2025-10-05,"1,204.55",\nB,2025-10-05,10,5\nTotal,--,"1,214.55",5\n'
)


@pytest.fixture
def staff(db):
    client = Client()
    client.force_login(User.objects.create_superuser("root", password=None))
    return client


def upload(client, content, name="report.csv", kind="budget-performance"):
    file = SimpleUploadedFile(name, content.encode())
    return client.post(PAGE, {"kind": kind, "file": file})


def test_upload_mapping_preview_store_progress_and_undo(staff, django_assert_max_num_queries):
    assert "No file was imported yet" in staff.get(PAGE).content.decode()
    sent = upload(staff, ADS)
    record = DataImport.objects.get()
    assert sent["Location"] == f"{PAGE}/{record.pk}"
    with django_assert_max_num_queries(25):
        text = staff.get(sent["Location"]).content.decode()
    for words in (
        *(
            "Recognised as an export of Google Ads.",
            "New channel “Google Ads”",
            "2 rows make 1 record",
        ),
        *("revenue is blank in 1 row (line 4): unknown, not 0.", "Store 1 record", "blank means 0"),
        *('name="column.spend"', '<option value="Cost" selected>', "$1,214.55"),
    ):
        assert words in text
    form = {
        "check": "yes", "preset": "google-ads", "preset_before": "google-ads", "add_up": "yes",
        "column.date": "Day", "column.channel": "Campaign", "column.spend": "Cost",
        "column.revenue": "Conv. value", "column.currency": "", "constant.currency": "EUR",
        "constant.channel": "unused", "zero.revenue": "yes",
    }  # fmt: skip
    assert staff.post(sent["Location"], form).status_code == 302
    text = staff.get(sent["Location"]).content.decode()
    for words in ("2 rows make 2 records", "€1,204.55", "counted as 0", "New channel “A”"):
        assert words in text

    staff.post(sent["Location"], {"store": "yes"})
    assert "<progress" in staff.get(sent["Location"]).content.decode()
    jobs.run_next(clock=timezone.now)
    assert Performance.objects.count() == 2
    text = staff.get(sent["Location"]).content.decode()
    assert "What was stored" in text
    assert "Undo this import" in text

    again = upload(staff, ADS)
    assert "The same file is in force" in staff.get(again["Location"]).content.decode()
    refused = staff.post(sent["Location"], {}, follow=True)
    assert "Choose to check, store or undo" in refused.content.decode()
    assert Performance.objects.count() == 2
    shown = staff.post(sent["Location"], {"undo": "look"}).content.decode()
    assert "What undoing it would change" in shown
    assert "2 records of spend no longer in force" in shown
    assert Performance.objects.count() == 2
    (seen,) = re.findall(r'name="shown" value="(\w+)"', shown)
    staff.post(sent["Location"], {"undo": "yes", "shown": seen})
    assert Performance.objects.count() == 0
    assert "Undone" in staff.get(sent["Location"]).content.decode()
    assert "report.csv" in staff.get(PAGE).content.decode()


def test_another_preset_brings_its_own_columns(staff):
    sent = upload(staff, "Campaign,Day,Cost,Conv. value,Channel\nA,2025-10-05,1,2,Search\n")
    form = {"check": "yes", "preset": "none", "preset_before": "google-ads", "column.spend": "Day"}
    staff.post(sent["Location"], form)
    assert "New channel “Search”" in staff.get(sent["Location"]).content.decode()


def test_rates_convert_a_file_of_two_currencies_and_bad_ones_are_named(staff):
    rows = "2025-10-05,Search,10,20,USD\n2025-10-12,Search,10,20,EUR\n"
    sent = upload(staff, f"date,channel,spend,revenue,currency\n{rows}")
    assert "mixed currencies need a rate" in staff.get(sent["Location"]).content.decode()
    form = {"check": "yes", "preset": "none", "preset_before": "other", "currency": "usd"}
    shown = staff.post(sent["Location"], {**form, "rates": "eur, GBP=x"}, follow=True)
    for words in ("such as EUR=1.08, not EUR=", "not GBP=x"):
        assert words in shown.content.decode()
    staff.post(sent["Location"], {**form, "rates": "eur = 1.1; GBP=1.3"})
    text = staff.get(sent["Location"]).content.decode()
    assert "In all $21.00 of spend, $42.00 of revenue" in text
    assert 'value="EUR=1.1, GBP=1.3"' in text


def test_what_is_wrong_is_said(staff):
    for posted in ({"kind": "budget-performance"}, {"kind": "nothing"}):
        assert staff.post(PAGE, posted).status_code == 400
    assert upload(staff, "x", kind="nothing").status_code == 400
    sent = upload(staff, "")
    assert "Choose a file" in sent.content.decode() or sent.status_code == 302
    sent = upload(staff, " ")
    text = staff.get(sent["Location"]).content.decode()
    assert "the file is empty" in text
    sent = upload(staff, "date,channel,spend\n10/5/2025,a,1\n")
    text = staff.get(sent["Location"]).content.decode()
    assert "The dates fit two orders" in text
    assert "(please choose)" in text
    shown = staff.post(sent["Location"], {"check": "yes", "date_order": "x"}, follow=True)
    assert "date_order is" in shown.content.decode()
    staff.post(sent["Location"], {"store": "yes"})
    jobs.run_next(clock=timezone.now)
    assert "to put right" in staff.get(sent["Location"]).content.decode()
    shown = staff.post(sent["Location"], {"undo": "yes"}, follow=True)
    assert "cannot be undone" in shown.content.decode()
    assert staff.get(f"{PAGE}/999").status_code == 404


def test_a_sample_of_each_kind_can_be_downloaded(staff):
    answer = staff.get(f"{PAGE}?sample=budget-performance")
    assert answer.content.startswith(b"date,channel,spend,revenue,currency\r\n")
    assert staff.get(f"{PAGE}?sample=x").status_code == 404


def test_a_viewer_reads_and_imports_nothing(page):
    assert "Import a file" not in page.get(PAGE).content.decode()
    assert upload(page, ADS).status_code == 403


def test_the_admin_links_to_the_pages(staff):
    record = DataImport.objects.create(kind="budget-performance", file_name="a.csv", digest="")
    sent = staff.get(f"/admin/operations/dataimport/{record.pk}/open-page/")
    assert sent["Location"] == f"{PAGE}/{record.pk}"
    sent = staff.get("/admin/marketing/performance/import-file/")
    assert sent["Location"] == f"{PAGE}?kind=budget-performance"


def long_file():
    """4,000 rows, more than a page checks itself."""
    first = date(2023, 1, 1)
    rows = (
        f"{first + timedelta(days=n // 4)},channel {n % 4},{n}.25,{n}.5\n" for n in range(4_000)
    )
    return f"date,channel,spend,revenue\n{''.join(rows)}"


def shown(client, path, **headers):
    return client.get(path, headers=headers).content.decode()


def test_a_long_file_is_checked_by_a_worker_and_stored(staff):
    path = upload(staff, long_file())["Location"]
    assert "Checking" in shown(staff, path)
    assert "What storing it would change" not in shown(staff, path)
    assert "HX-Refresh" not in staff.get(path, headers={"HX-Request": "true"})
    jobs.run_next(clock=timezone.now)
    done = staff.get(path, headers={"HX-Request": "true"})
    assert done["HX-Refresh"] == "true"
    text = done.content.decode()
    for words in ("Store 4,000 records", 'name="column.spend"', "Check it again", "channel 3"):
        assert words in text
    form = {"check": "yes", "preset": "none", "preset_before": "google-ads", "currency": "EUR"}
    staff.post(path, form)
    assert "Store 4,000 records" not in shown(staff, path)  # by other choices it is another check
    job = Job.objects.order_by("pk").last()
    assert job is not None
    jobs.cancel(job.pk, actor="user:root", now=timezone.now())
    assert "The last check did not come to its end" in shown(staff, path)
    for _ in range(2):  # the second finds the first one's job
        staff.post(path, {"recheck": "yes"})
    assert Job.objects.count() == 3
    jobs.run_next(clock=timezone.now)
    assert "\u20ac" in shown(staff, path)
    staff.post(path, {"store": "yes"})
    jobs.run_next(clock=timezone.now)
    assert Performance.objects.count() == 4_000


def test_who_has_too_many_jobs_open_is_told_so(staff):
    for _ in range(6):
        path = upload(staff, "x" * 101_000)["Location"]
    text = shown(staff, path)
    assert "You have 5 open jobs" in text
    assert "Check the file" in text
    short = upload(staff, ADS)["Location"]
    staff.post(short, {"recheck": "yes"})  # its page checks it itself
    assert Job.objects.count() == 5
