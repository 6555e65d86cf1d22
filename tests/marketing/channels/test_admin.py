"""The admin's screens of channels and rows, and their CSV in and out."""

import base64
import gzip

import numpy as np
import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from aethercrown.csv import admin
from marketing.channels.models import Channel, Performance
from security.access.models import User
from security.access.roles import OPERATOR, VIEWER

ROWS = "/admin/marketing/performance/"
IMPORT = f"{ROWS}import-csv/"
GOOD = "date,channel,spend,revenue\n2026-01-05,Search,100,300\n2026-01-05,Social,50,80\n"

pytestmark = pytest.mark.django_db


def browser(role):
    person = User.objects.create_user(role, is_staff=True)
    person.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(person)
    return client


@pytest.fixture
def operator():
    return browser(OPERATOR)


def check(client, content, **more):
    raw = content if isinstance(content, bytes) else content.encode()
    file = SimpleUploadedFile("rows.csv", raw, "text/csv")
    form = {"kind": "budget-performance", "file": file, "currency": "USD", "columns": "", **more}
    return client.post(IMPORT, form)


def store(client, content, **more):
    packed = content if content.startswith("%") else admin.packed(content.encode())
    form = {"step": "store", "kind": "budget-performance", "file": packed, "currency": "USD"}
    return client.post(IMPORT, {**form, "columns": "", **more})


@pytest.mark.parametrize(
    "model", ["channel", "performance", "totalrevenue", "calendarflag", "lifttest"]
)
def test_every_list_and_form_opens(operator, model):
    assert operator.get(f"/admin/marketing/{model}/").status_code == 200
    assert operator.get(f"/admin/marketing/{model}/add/").status_code == 200


def test_the_list_of_rows_takes_as_many_queries_for_many_rows(
    operator, live, django_assert_max_num_queries
):
    live(30)
    operator.get(ROWS)
    with django_assert_max_num_queries(14):
        operator.get(ROWS)


def test_limits_are_edited_in_the_list_and_checked(operator):
    channel = Channel.objects.create(name="Search", currency="USD")
    form = {
        "form-TOTAL_FORMS": 1,
        "form-INITIAL_FORMS": 1,
        "form-0-id": channel.pk,
        "form-0-is_active": "on",
        "form-0-floor": "20",
        "form-0-ceiling": "10",
        "_save": "Save",
    }
    page = operator.post("/admin/marketing/channel/", form)
    assert "above the ceiling of 10" in page.content.decode()
    operator.post("/admin/marketing/channel/", {**form, "form-0-ceiling": "30"})
    channel.refresh_from_db()
    assert (channel.floor, channel.ceiling) == (20, 30)


def test_a_good_file_is_shown_first_and_stored_on_the_second_step(operator):
    assert "Check the file" in operator.get(IMPORT).content.decode()
    page = check(operator, GOOD)
    assert "2 good rows; nothing is stored yet" in page.content.decode()
    assert "channel Search" in page.content.decode()
    assert not Performance.objects.exists()

    answer = store(operator, GOOD)
    assert answer.status_code == 302
    assert answer["Location"] == ROWS
    assert Performance.objects.count() == 2


def test_the_second_step_carries_what_the_first_one_packed(operator):
    page = check(operator, GOOD)
    content = page.context["content"]
    assert admin.unpacked(content) == GOOD.encode()
    assert f'value="{content}"' in page.content.decode()


def test_each_bad_row_is_shown_with_its_reason_and_nothing_is_stored(operator):
    page = check(operator, GOOD + "2026-01-12,Search,-1,\n2026-01-05,Search,1,1\n").content.decode()
    assert "2 errors; nothing was stored" in page
    assert "must be 0 or more, not -1" in page
    assert "is in row 2 already" in page
    assert "Store " not in page


def test_what_became_wrong_between_the_steps_is_said(operator):
    store(operator, GOOD)
    page = store(operator, GOOD).content.decode()
    assert "stored already; import with update to replace it" in page
    store(operator, GOOD.replace("100", "101"), update="on")
    assert Performance.objects.get(channel__name="Search").spend == 101


def test_a_wide_file_is_mapped_line_by_line(operator):
    content = "week,ad_tv,sales\n2026-01-05,10,99\n"
    columns = "date=week\nspend=ad_*\n\nrevenue=sales\n"
    page = check(operator, content, kind="budget-weekly", columns=columns)
    assert "1 good row" in page.content.decode()
    store(operator, content, kind="budget-weekly", columns=columns)
    assert Performance.objects.get().channel.name == "tv"


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"columns": "date"}, "not of the form field=column"),
        ({"currency": "ZZZ"}, "ZZZ is not an ISO 4217 code"),
        ({"kind": "channels"}, "Select a valid choice"),
        ({"file": ""}, "This field is required"),
    ],
)
def test_a_wrong_choice_is_told_beside_it(operator, more, words):
    assert words in check(operator, GOOD, **more).content.decode()


def test_a_file_over_the_limit_is_refused_with_the_way_out(operator):
    page = check(operator, b"x" * (admin.LARGEST_FILE + 1)).content.decode()
    assert "more than 5,242,880 bytes: use manage.py import_data" in page


def test_a_file_that_does_not_pack_small_enough_is_refused():
    noise = np.random.default_rng(1).bytes(admin.LARGEST_PACKED)
    with pytest.raises(admin.FileTooLong, match="above 1,500,000"):
        admin.packed(noise)


@pytest.mark.parametrize(
    ("packed", "words"),
    [
        ("%%%", "is incomplete"),
        (base64.b64encode(b"no gzip").decode(), "is incomplete"),
        (
            base64.b64encode(gzip.compress(b"0" * (admin.LARGEST_FILE + 1))).decode(),
            "more than 5,242,880 bytes",
        ),
    ],
)
def test_a_second_step_with_something_else_is_refused(operator, packed, words):
    form = {"step": "store", "kind": "budget-performance", "file": packed, "currency": "USD"}
    assert words in operator.post(IMPORT, form).content.decode()


def test_rows_are_exported(operator):
    store(operator, GOOD)
    answer = operator.get(f"{ROWS}export-csv/")
    assert answer["Content-Disposition"] == 'attachment; filename="budget-performance.csv"'
    assert b"2026-01-05,Search,100.00,300.00,USD" in answer.getvalue()


def test_a_viewer_may_export_but_not_import():
    viewer = browser(VIEWER)
    assert viewer.get(f"{ROWS}export-csv/").status_code == 200
    assert viewer.get(IMPORT).status_code == 403
    assert store(viewer, GOOD).status_code == 403
    assert not Performance.objects.exists()


def test_a_stranger_is_sent_to_the_login():
    assert Client().get(IMPORT).status_code == 302
