"""Wide files, totals and channels of any program, through the reader of the page."""

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.core.management import call_command

from dashboards.imports.form import choices_form, posted_choices
from marketing.channels.models import CalendarFlag, Channel, Performance, TotalRevenue
from operations.imports import outcome, services
from operations.imports.models import DataImport
from operations.imports.registry import import_targets
from operations.jobs import services as jobs

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
WIDE = (
    "Wochenbericht\n"
    "Woche;Umsatz;Kosten Suche;Kosten Radio;Feiertag\n"
    "05.10.2026;48.210,00;1.204,55;610,42;0\n"
    "12.10.2026;51.940,50;1.198,02;--;1\n"
)
MAPS = {"spend": "Kosten *", "control": "Feiert*"}
pytestmark = pytest.mark.django_db


def draft(kind, content, **choices):
    record = services.create_draft(
        kind, "a.csv", io.BytesIO(content.encode()), actor="user:ann", now=NOW
    )
    services.choose(record, choices)
    return record


def stored(kind, content, **choices):
    record = draft(kind, content, **choices)
    services.start(record.pk, caller="user:ann", now=NOW)
    while jobs.run_next(clock=lambda: NOW):
        pass
    record.refresh_from_db()
    assert record.state == "current", record.error
    return record


def test_a_wide_file_from_germany_is_read_by_patterns():
    with services.check_draft(draft("budget-weekly", WIDE, columns=MAPS), NOW) as found:
        assert found.findings.new_names == ["Radio", "Suche"]
        said = found.findings.consequences
        assert "2 channels and the total revenue of 2 dates, 2026-10-05 to 2026-10-12." in said
        here = found.outcome
        here.findings.new_names.clear()
        assert outcome.from_dict(json.loads(json.dumps(here.to_dict()))) == here
    record = stored("budget-weekly", WIDE, columns=MAPS)
    assert sum(Performance.objects.values_list("spend", flat=True)) == Decimal("3012.99")
    assert sum(TotalRevenue.objects.values_list("amount", flat=True)) == Decimal("100150.50")
    assert CalendarFlag.objects.get().name == "ag"
    assert undo(record) == [
        f"3 records of spend no longer in force; {BACK}.",
        "Inactive where nothing else uses them: Radio, Suche.",
        "Calendar flag: 1 record deleted.",
        "Total revenue: 2 records deleted.",
    ]
    assert amounts() == ([], [], [])
    assert not Channel.objects.filter(is_active=True).exists()
    services.purge(NOW)
    assert not Channel.objects.exists()


def undo(record):
    """What undoing does: what was shown before."""
    said = services.preview_undo(record.pk, NOW)
    assert services.preview_undo(record.pk, NOW) == said  # it changes nothing
    services.undo(record.pk, actor="user:ann", now=NOW, shown=said)
    return said


def refused(record):
    """Why an import cannot be undone."""
    with pytest.raises(services.NotStorable) as error:
        services.undo(record.pk, actor="user:ann", now=NOW)
    record.refresh_from_db()
    assert record.state == "current"
    return str(error.value)


def amounts():
    """Spend in force, totals, and values of flags."""
    return tuple(
        [float(each) for each in rows.order_by("date", "pk").values_list(name, flat=True)]
        for rows, name in (
            (Performance.objects, "spend"),
            (TotalRevenue.objects, "amount"),
            (CalendarFlag.objects, "value"),
        )
    )


BACK = "those that they had replaced are in force again, but for what a person changed since"
WEEKS = "date,revenue,spend_Search,control_sale\n2026-10-05,100,10,1\n2026-10-12,200,20,1\n"


def test_an_undone_wide_file_leaves_what_it_had_replaced():
    stored("budget-weekly", WEEKS)
    Performance.objects.filter(spend=10).update(revenue=55)
    before = amounts()
    again = WEEKS.replace("100,10,1", "101,11,2").replace("2026-10-12", "2026-10-19")
    record = stored("budget-weekly", again, update=True)
    assert amounts() == ([11, 20, 20], [101, 200, 200], [2, 1, 1])
    assert Performance.objects.get(spend=11).revenue == 55  # the file has none of a channel
    assert undo(record)[1:] == [
        "Calendar flag: 1 record deleted, 1 record as before the import.",
        "Total revenue: 1 record deleted, 1 record as before the import.",
    ]
    assert amounts() == before
    assert undo(record) == []  # once


def test_what_was_changed_since_is_not_undone_and_nothing_is_half_undone():
    first = stored("budget-totals", "date,revenue\n2026-10-05,100\n2026-10-12,200\n")
    TotalRevenue.objects.filter(amount=200).update(amount=201)
    assert "12 Oct 2026: $201.00 was changed since" in refused(first)
    TotalRevenue.objects.filter(amount=201).delete()
    assert "a total revenue was deleted since" in refused(first)
    assert amounts()[1] == [100]
    first.replaced_rows.all().delete()
    assert "an earlier version stored it" in refused(first)


def test_channels_are_undone_with_their_history_unless_they_are_used():
    old = Channel.objects.create(name="Search", currency="USD", floor=5, notes="kept")
    rows = "name,currency,floor,is_held\nSearch,USD,7.50,yes\nRadio,USD,,no\n"
    record = stored("channels", rows, update=True)
    kept = Channel.objects.get(pk=old.pk)
    assert (kept.floor, kept.is_held, kept.notes) == (Decimal("7.50"), True, "kept")
    radio = Channel.objects.get(name="Radio")
    Performance.objects.create(channel=radio, date="2026-10-05", spend=1, currency="USD")
    assert "what it created (Radio) has performance since" in refused(record)
    Performance.objects.all().delete()
    assert undo(record) == ["Channel: 1 record deleted, 1 record as before the import."]
    back = Channel.objects.get()
    assert (back.pk, back.floor, back.is_held, back.notes) == (old.pk, 5, False, "kept")
    held = Channel.history.filter(id=old.pk).order_by("pk").values_list("is_held", flat=True)
    assert list(held) == [False, True, False]
    same = stored("channels", rows.splitlines()[0] + "\nTV,USD,1,no\n")
    with pytest.raises(services.NotStorable, match="no longer what was shown"):
        services.undo(same.pk, actor="user:ann", now=NOW, shown=["Nothing."])


def test_a_blank_or_missing_limit_leaves_what_is_stored():
    """A file without `is_held`, `floor` and `is_active` neither frees nor revives a channel."""
    Channel.objects.create(
        name="Search", currency="USD", floor=50, is_held=True, is_active=False, notes="kept"
    )
    stored("channels", "name,currency,incrementality\nSearch,USD,0.5\n", update=True)
    row = Channel.objects.get()
    assert (row.floor, row.is_held, row.is_active, row.notes) == (50, True, False, "kept")
    assert row.incrementality == 0.5
    below = draft("channels", "name,currency,ceiling\nSearch,USD,10\n", update=True)
    with services.check_draft(below, NOW) as found:
        assert found.findings.faults[0].reason == "50.00 is above the ceiling of 10.00"


def test_an_import_that_is_stopped_while_it_stores_leaves_nothing():
    record = draft("budget-weekly", WEEKS)
    DataImport.objects.filter(pk=record.pk).update(state="storing")

    def stopped(*_progress):
        DataImport.objects.filter(pk=record.pk).update(state="failed")

    with (
        services.check_draft(record, NOW) as found,
        pytest.raises(services.NotStorable, match="stored no longer"),
    ):
        services.store_checked(record, found, stopped)
    assert amounts() == ([], [], [])
    assert not Channel.objects.exists()


def test_the_page_keeps_the_patterns_one_a_line():
    record = draft("budget-weekly", WIDE)
    columns = import_targets.get("budget-weekly").columns
    with services.check_draft(record, NOW) as found:
        assert "no column spend_* for spend; the file has: Woche" in (
            found.findings.faults[0].reason
        )
        assert found.layout is not None
        form = choices_form(found.layout, columns, {}, record.choices)
    spend = next(each for each in form.fields if each.name == "spend")
    assert (spend.patterns, spend.options) == ("spend_*", ())
    posted = {f"column.{each.name}": "" for each in columns}
    posted |= {"column.date": "Woche", "column.revenue": "Umsatz", "preset": "none"}
    posted |= {"column.spend": "Kosten S*\r\nKosten R*", "column.control": "Feiert*"}
    chosen = posted_choices(posted, columns, "none")
    assert chosen["columns"]["spend"] == "Kosten S*\nKosten R*"
    services.choose(record, chosen)
    with services.check_draft(record, NOW) as found:
        assert found.is_storable
        assert found.findings.new_names == ["adio", "uche"]


def test_the_command_takes_patterns_and_names_new_channels_without_storing(tmp_path, capsys):
    Channel.objects.create(name="Suchen", currency="USD")
    path = tmp_path / "wide.csv"
    path.write_text(WIDE)
    maps = [f"--map={name}={pattern}" for name, pattern in MAPS.items()]
    call_command("import_data", "budget-weekly", str(path), *maps, "--dry-run")
    said = capsys.readouterr().out
    assert "New channel “Suche”: did you mean “Suchen”?" in said
    assert "2 rows are good; nothing was stored (dry run)." in said
    assert not Performance.objects.exists()


def test_totals_and_channels_are_read_as_they_are_written():
    stored("budget-totals", "Datum;Umsatz\n05.10.2026;48.210,00\n", currency="EUR")
    assert TotalRevenue.objects.get().amount == 48210
    assert TotalRevenue.objects.get().currency == "EUR"
    rows = 'name,currency,floor,incrementality\nSearch,EUR,"1,200.50",0.8\n'
    stored("channels", rows, rates={"EUR": "2"}, currency="USD")
    made = Channel.objects.get()
    assert (made.floor, made.incrementality, made.currency) == (Decimal("2401.00"), 0.8, "USD")


def test_many_new_channels_are_counted():
    names = [f"spend_c{number:02}" for number in range(25)]
    content = f"date,revenue,{','.join(names)}\n2026-10-05,9,{','.join('1' * 25)}\n"
    with services.check_draft(draft("budget-weekly", content), NOW) as found:
        assert "25 new channels in all." in found.findings.consequences
        assert len(found.findings.consequences) == 23
