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
    with pytest.raises(services.NotStorable, match="cannot be undone"):
        services.undo(record.pk, actor="user:ann", now=NOW)


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
