"""What storing a file of spend would change; the table that sums it."""

import io
from datetime import date
from decimal import Decimal

import pytest
from django.utils import timezone

from aethercrown.text import folded, similar
from marketing.channels import spend_table
from marketing.channels.models import Channel, Performance
from marketing.channels.services import spend_imports
from marketing.channels.spend_table import SpendTable
from operations.imports import services

TODAY = date(2026, 11, 20)
HEAD = "date,channel,spend,revenue\n"
pytestmark = pytest.mark.django_db


def check(content, **given):
    file = io.BytesIO(content.encode())
    with services.check_file(file, "budget-performance", given, TODAY) as found:
        return found.findings


def test_new_channels_are_named_with_what_may_be_meant():
    Channel.objects.create(name="Paid search")
    found = check(
        HEAD + "2026-10-05,Paid Serach,1,2\n2026-10-05,Print,1,\n2026-10-06,PAID SEARCH,1,1\n"
    )
    assert found.consequences[:3] == [
        "3 rows make 3 records of 3 channels, 2026-10-05 to 2026-10-06.",
        "New channel “Paid Serach”: did you mean “Paid search”?",
        "New channel “Print”.",
    ]
    assert found.warnings == ["“PAID SEARCH” is read as the channel “Paid search”."]
    assert ("Print", "1", "$1.00", "unknown", "1") in found.lines


def test_many_new_channels_are_counted():
    rows = "".join(f"2026-10-05,channel {n},1,1\n" for n in range(60))
    found = check(HEAD + rows)
    assert "60 new channels in all." in found.consequences
    assert "The 50 largest channels are listed." in found.consequences


def test_the_future_and_what_does_not_fit_are_refused():
    found = check(HEAD + "2026-11-21,a,1,1\n2026-10-05,b,999999999999.99,1\n2026-10-06,b,0,0\n")
    assert [each.reason for each in found.faults] == ["2026-11-21 is in the future"]
    big = "999999999999.99"
    found = check(HEAD + f"2026-10-05,b,{big},1\n2026-10-05,b,{big},1\n", add_up=True)
    assert found.faults[0].reason == "the sum of b is too large to be stored"


def test_rows_of_one_key_are_an_error_or_added_up():
    twice = "2026-10-05,a,1,2\n2026-10-05,A,2,\n"
    found = check(HEAD + twice)
    assert found.faults[0] == (3, "date", "2026-10-05, a is in row 2 already")
    found = check(HEAD + twice, add_up=True)
    assert found.lines == [("a", "1", "$3.00", "unknown", "1")]


def test_mixed_currencies_of_a_channel_need_a_rate():
    content = "date,channel,spend,currency\n2026-10-05,a,1,USD\n2026-10-06,a,2,EUR\n"
    found = check(content)
    assert "mixed currencies need a rate" in found.faults[0].reason
    found = check(content, rates={"EUR": "1.5"})
    assert found.lines == [("a", "2", "$4.00", "unknown", "2")]


def test_stored_rows_are_compared():
    channel = Channel.objects.create(name="a")
    for day, spend in ((5, 1), (6, 2), (7, 3)):
        Performance.objects.create(channel=channel, date=date(2026, 10, day), spend=spend)
    content = HEAD + "2026-10-05,a,1,\n2026-10-06,a,5,\n2026-10-08,a,5,\n2026-10-06,b,1,1\n"
    found = check(content)
    assert found.faults[0].reason.startswith("2 records of the same channel and date stored")
    found = check(content, update=True)
    assert found.fault_count == 0
    assert found.replaced == 2
    assert "a on 2026-10-06: spend 2.00 becomes 5.00" in found.consequences


def test_five_changed_rows_are_listed_and_the_others_counted():
    channel = Channel.objects.create(name="a")
    days = range(5, 12)
    for day in days:
        Performance.objects.create(channel=channel, date=date(2026, 10, day), spend=1)
    rows = "".join(f"2026-10-{day:02},a,2,\n" for day in days)
    found = check(HEAD + rows, update=True)
    assert found.replaced == 7
    assert len([each for each in found.consequences if "becomes 2.00" in each]) == 5


def test_a_channel_that_something_else_uses_outlives_the_import(live):
    live(2)
    record = services.create_draft(
        "budget-performance", "a", io.BytesIO(b""), actor="", now=timezone.now()
    )
    spend_imports.activate(record.pk)
    record.created_names = ["Search"]
    record.save()
    spend_imports.discard(record.pk)
    assert Channel.objects.filter(name="Search").exists()


def test_a_table_holds_so_many_channels(monkeypatch):
    monkeypatch.setattr(spend_table, "MAX_CHANNELS", 1)
    table = SpendTable({}, add_up=True)
    one = (Decimal(1), None)
    assert table.add(1, "a", "USD", TODAY, one) is None
    fault = table.add(2, "b", "USD", TODAY, one)
    assert fault is not None
    assert fault.reason == "there are more than 1 channels"
    for n in range(12):
        assert table.add(3, "a" + " " * n, "USD", TODAY, one) is None
    assert table.finish() == (1, TODAY, TODAY)
    assert table.after(date(2026, 1, 1)) == [(1, TODAY)]
    table.close()


def test_names_are_compared_in_one_form():
    assert folded("Cafe\u0301  ADS ") == folded("Café ads")
    assert similar("Serach", ["Search", "Print"]) == "Search"
    assert similar("Quite other", ["Search"]) == ""


@pytest.mark.parametrize(
    ("size", "seconds", "following"),
    [(50, 0.001, 100), (100, 0.0, 200), (800, 0.01, 1000), (1000, 0.1, 200), (100, 5.0, 50)],
)
def test_a_transaction_stages_as_many_rows_as_the_last_one_allows(size, seconds, following):
    assert spend_imports.next_size(size, seconds) == following
