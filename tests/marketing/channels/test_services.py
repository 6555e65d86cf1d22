"""Files of channels, rows, totals and whole wide tables, stored whole."""

import io
from datetime import date
from decimal import Decimal

import pytest

from aethercrown.csv import importing
from aethercrown.csv.importing import ImportOptions
from marketing.channels import services
from marketing.channels.models import CalendarFlag, Channel, Performance, TotalRevenue

WIDE = (
    "week,ad_tv,ad_web,sales,flag_Easter,note\n"
    "2026-01-05,100,50,9000,0,x\n"
    "2026-01-12,110,,9100,1,y\n"
)
MAPPED = {"date": ["week"], "revenue": ["sales"], "spend": ["ad_*"], "control": ["flag_*"]}

pytestmark = pytest.mark.django_db


def load(kind, content, *, update=False, currency="USD", **wanted):
    return importing.load(
        importing.named(kind), io.BytesIO(content.encode()), wanted, ImportOptions(currency, update)
    )


def reasons(report):
    return [fault.reason for fault in report.faults]


def test_a_wide_file_brings_channels_spend_totals_and_flags_in_one_step():
    report = load("budget-weekly", WIDE, **MAPPED)
    assert (report.rows, report.created) == (2, 5)
    assert report.also == ["channel tv", "channel web", "calendar flag Easter"]
    assert Performance.objects.count() == 3
    assert Performance.objects.get(channel__name="web").revenue is None
    assert TotalRevenue.objects.get(date="2026-01-12").amount == 9100
    assert CalendarFlag.objects.get().date == date(2026, 1, 12)


def test_a_wide_file_again_is_refused_or_replaces():
    load("budget-weekly", WIDE, **MAPPED)
    again = load("budget-weekly", WIDE, **MAPPED)
    assert again.fault_count == 5
    assert "the total of 2026-01-05 in USD is stored already" in reasons(again)[3]

    report = load("budget-weekly", WIDE.replace("9000", "9001"), update=True, **MAPPED)
    assert (report.created, report.updated, report.also) == (0, 5, [])
    assert TotalRevenue.objects.get(date="2026-01-05").amount == 9001


def test_a_wide_file_leaves_the_channels_own_revenue_alone():
    load("budget-performance", "date,channel,spend,revenue\n2026-01-05,tv,90,300\n")
    load("budget-weekly", WIDE, update=True, **MAPPED)
    row = Performance.objects.get(channel__name="tv", date="2026-01-05")
    assert (row.spend, row.revenue) == (100, 300)


def test_a_wide_file_may_hold_a_week_without_any_spend():
    load("budget-weekly", "date,revenue,spend_tv\n2026-01-05,9,\n")
    assert TotalRevenue.objects.count() == 1
    assert not Performance.objects.exists()


def test_totals_come_alone_and_by_currency():
    content = "date,revenue,currency\n2026-01-05,10,EUR\n2026-01-05,20,\n"
    assert load("budget-totals", content).created == 2
    assert load("budget-totals", content).fault_count == 2
    assert load("budget-totals", content, update=True).updated == 2
    assert set(TotalRevenue.objects.values_list("currency", "amount")) == {
        ("EUR", Decimal(10)),
        ("USD", Decimal(20)),
    }


def test_a_row_in_another_currency_than_its_channels_is_refused():
    Channel.objects.create(name="tv", currency="EUR")
    report = load(
        "budget-performance",
        "date,channel,spend,currency\n2026-01-05,tv,1,USD\n2026-01-05,web,1,USD\n"
        "2026-01-12,web,1,EUR\n",
    )
    assert reasons(report) == [
        "tv is in EUR, this row is in USD",
        "web is in USD, this row is in EUR",
    ]


def test_channels_come_with_their_limits():
    content = (
        "name,currency,is_active,is_held,floor,ceiling,incrementality,platform_roi,notes\n"
        "tv,,yes,no,10,20,0.5,2.5,loud\n"
        "web,EUR,,,,,,,\n"
    )
    assert load("channels", content).created == 2
    tv, web = Channel.objects.order_by("name")
    assert (tv.floor, tv.ceiling, tv.incrementality, tv.platform_roi) == (10, 20, 0.5, 2.5)
    assert (web.currency, web.is_active, web.incrementality, web.notes) == ("EUR", True, 1.0, "")

    assert load("channels", content).fault_count == 2
    assert load("channels", content.replace("0.5", "0.7"), update=True).updated == 2
    assert Channel.objects.get(name="tv").incrementality == 0.7


def test_a_channel_with_clashing_limits_or_currency_is_refused():
    Channel.objects.create(name="tv", currency="EUR")
    report = load("channels", "name,floor,ceiling\ntv,20,10\nweb,20,10\n", update=True)
    assert reasons(report) == [
        "20.00 is above the ceiling of 10.00",
        "tv is in EUR",
        "20.00 is above the ceiling of 10.00",
    ]


def test_a_factor_has_a_range():
    report = load("channels", "name,incrementality\ntv,-1\n")
    assert reasons(report) == ["must be 0 to 1000000, not -1"]


def test_channels_are_found_or_made_by_name():
    made = services.get_or_create({"tv": "EUR", "web": "EUR"})
    assert services.get_or_create({"web": "USD"}) == {"web": made["web"]}
    assert made["web"].currency == "EUR"


@pytest.mark.django_db(transaction=True)
def test_two_who_make_the_same_channel_at_once_get_the_same_one(at_once):
    found = at_once(lambda: services.get_or_create({"tv": "USD"})["tv"].pk, 4)
    assert len(set(found)) == 1
    assert Channel.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_the_same_file_twice_at_once_is_stored_once(at_once):
    content = "date,channel,spend,revenue\n2026-01-05,tv,1,2\n2026-01-12,tv,1,2\n"
    reports = at_once(lambda: load("budget-performance", content), 2)
    assert sorted(report.stored for report in reports) == [False, True]
    assert Performance.objects.count() == 2
