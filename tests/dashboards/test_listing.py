"""Tables of many rows: the address asks, the database sorts, filters, pages and adds up."""

from decimal import Decimal

import pytest
from django.db.models import Count

from aethercrown.formatting import COUNT, money
from dashboards.listing import MAX_CHOICES, MAX_SEARCH_CHARACTERS, ListField, Listing
from dashboards.tables import Column
from marketing.channels.models import Channel

FIELDS = (
    ListField("name", Column("Name"), search=True),
    ListField("currency", Column("Currency"), filter=True),
    ListField("floor", Column("Floor", money("USD")), total=True),
    ListField("pk", Column("Number", COUNT, csv_only=True)),
    ListField("notes", Column("Notes"), show=lambda text: text or "none"),
)


@pytest.fixture
def channels(db):
    Channel.objects.bulk_create(
        Channel(name=f"Channel {at:03}", currency="EUR" if at % 3 else "USD", floor=Decimal(at))
        for at in range(60)
    )
    Channel.objects.filter(name="Channel 000").update(floor=None)


def listing(**given):
    named = {f"c.{name}": value for name, value in given.items()}
    return Listing("c", "Channels", FIELDS, Channel.objects.all(), named, order="name")


def names(found):
    return [row[0] for row in found.table.rows]


def test_a_page_has_twenty_five_rows_and_says_of_how_many(channels):
    first, last = listing(), listing(page="3")
    assert (first.shown_text, first.pages) == ("1 to 25 of 60", 3)
    assert (last.shown_text, len(last.table.rows)) == ("51 to 60 of 60", 10)
    assert (first.previous_link, last.next_link) == ("", "")
    assert first.next_link == "?c.page=2"
    assert last.previous_link == "?c.page=2"
    assert listing(page="99").page == 3
    assert [row[4] for row in first.table.rows][:2] == ["none", "none"]


def test_what_is_sorted_downwards_has_the_unknown_at_its_end(channels):
    down, up = listing(sort="-floor"), listing(sort="floor")
    assert names(down)[0] == "Channel 059"
    assert names(up)[0] == "Channel 001"
    assert [row[0] for row in down.all_rows()][-1] == "Channel 000"
    headings = {each.cell.text: each for each in down.headings()}
    assert headings["Floor"].direction == "descending"
    assert headings["Floor"].link == "?c.sort=floor"
    assert headings["Name"].direction == "none"
    assert {each.cell.text: each for each in listing().headings()}["Floor"].link == "?c.sort=-floor"
    assert "Number" not in headings


def test_search_and_filter_narrow_the_rows_the_totals_and_the_csv(channels):
    found = listing(q="channel 00", currency="USD")
    assert names(found) == ["Channel 000", "Channel 003", "Channel 006", "Channel 009"]
    assert (found.shown_text, found.is_narrowed) == ("4 rows", True)
    assert [cell.text for cell in found.totals] == ["Total", "", "$18.00", ""]
    assert len(list(found.all_rows())) == 4
    assert found.clear_link == "?"
    assert found.csv_link.endswith("&format=csv&table=c")
    assert "c.q=channel+00" in found.csv_link
    assert [each.choices for each in found.filters] == [["EUR", "USD"]]


def test_a_search_keeps_the_parameters_of_others(channels):
    found = Listing(
        "c", "Channels", FIELDS, Channel.objects.all(),
        {"period": "30d", "c.q": "x", "c.sort": "name", "c.page": "2"}, order="name",
    )  # fmt: skip
    assert found.others() == [("period", "30d"), ("c.sort", "name")]
    assert found.totals == []
    assert found.count == 0


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"sort": "secret"}, "There is no column 'secret' to sort by."),
        ({"page": "x"}, "page is a number from 1, not 'x'."),
        ({"page": "0"}, "page is a number from 1, not '0'."),
        ({"q": "x" * 10_000}, "A search has at most 100 characters; this has 10,000."),
        ({"currency": "GBP"}, "No row has Currency 'GBP'."),
    ],
)
def test_what_is_wrong_is_said_and_has_no_effect(channels, given, said):
    found = listing(**given)
    assert found.page == 1
    assert found.problems == [said]
    assert len(found.q) <= MAX_SEARCH_CHARACTERS


def test_a_nul_and_markup_are_only_searched_for(channels):
    assert listing(q="\0<script>'\"%").count == 0


def test_rows_link_to_their_pages(channels):
    found = Listing(
        "c", "Channels", FIELDS[2:3], Channel.objects.all(), {}, order="floor", path="/x/{pk}"
    )
    assert not found.has_search
    assert found.table.paths[0].startswith("/x/")


def test_a_page_costs_a_query_for_the_filter_one_for_all_sums_and_two_for_rows(
    channels, django_assert_num_queries
):
    with django_assert_num_queries(4):
        found = listing(q="channel", page="2")
        assert len(found.table.rows) == 25
        assert found.totals
        assert found.next_link


def test_a_value_beyond_the_listed_choices_can_still_be_asked_for(channels):
    fields = (ListField("name", Column("Name"), filter=True),)
    rows = Channel.objects.all()
    for asked, problems in (("Channel 055", []), ("None such", ["No row has Name 'None such'."])):
        found = Listing("c", "Channels", fields, rows, {"c.name": asked}, order="name")
        assert found.problems == problems
        assert found.filters[0].is_cut
        assert found.filters[0].choices[:MAX_CHOICES][-1] == "Channel 029"
        assert found.count == (60 if problems else 1)
    all_of_them = Listing("c", "Channels", fields, rows, {}, order="name").filters[0]
    assert (len(all_of_them.choices), all_of_them.chosen) == (MAX_CHOICES, "")


def test_sums_by_group_are_no_list_of_rows(db):
    grouped = Channel.objects.values("currency").annotate(count=Count("pk"))
    with pytest.raises(ValueError, match="not sums by group"):
        Listing("a", "A", (), grouped, {}, order="")
