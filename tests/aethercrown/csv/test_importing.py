"""All rows of a file or none: seen with the channels' importers, the first there are."""

import io
import json
from datetime import date, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError

from aethercrown.csv import importing
from aethercrown.csv.importing import ImportCounts, Importer, ImportOptions
from aethercrown.management.commands.export_data import Command as ExportCommand
from aethercrown.registry import UnknownName
from marketing.channels.models import Channel, Performance

HEADER = "date,channel,spend,revenue\n"
GOOD = HEADER + "2026-01-05,Search,100,300\n2026-01-05,Social,50,\n2026-01-12,Search,110,320\n"


@pytest.fixture
def file(tmp_path):
    def write(content, name="rows.csv"):
        path = tmp_path / name
        path.write_text(content, encoding="utf-8")
        return str(path)

    return write


def load(content, *, kind="budget-performance", update=False, dry_run=False, **wanted):
    return importing.load(
        importing.named(kind),
        io.BytesIO(content.encode()),
        wanted,
        ImportOptions("USD", update),
        dry_run=dry_run,
    )


@pytest.mark.django_db
def test_good_rows_are_stored_and_counted():
    report = load(GOOD)
    assert (report.rows, report.created, report.updated, report.stored) == (3, 3, 0, True)
    assert report.also == ["channel Search", "channel Social"]
    assert Performance.objects.count() == 3


@pytest.mark.django_db
def test_a_dry_run_shows_the_first_rows_and_stores_nothing():
    report = load(GOOD, dry_run=True)
    assert [record.row for record in report.preview] == [2, 3, 4]
    assert not report.stored
    assert not Channel.objects.exists()


@pytest.mark.django_db
def test_one_bad_row_among_good_ones_keeps_all_of_them_out():
    report = load(GOOD + "2026-01-19,Search,-5,1\n")
    assert [tuple(fault) for fault in report.faults] == [(5, "spend", "must be 0 or more, not -5")]
    assert not Performance.objects.exists()


@pytest.mark.django_db
def test_a_row_that_stands_there_twice_names_both_rows():
    report = load(GOOD + "2026-01-05,Search,1,1\n")
    reason = "2026-01-05, Search is in row 2 already"
    assert [tuple(fault) for fault in report.faults] == [(5, "date", reason)]


@pytest.mark.django_db
def test_stored_rows_are_replaced_only_when_told():
    load(GOOD)
    refused = load(GOOD)
    assert refused.fault_count == 3
    assert "stored already" in refused.faults[0].reason

    report = load(GOOD.replace("100,300", "101,301"), update=True)
    assert (report.created, report.updated) == (0, 3)
    assert Performance.objects.get(date="2026-01-05", channel__name="Search").spend == 101


@pytest.mark.django_db
def test_a_header_alone_is_an_error():
    assert load(HEADER).faults[0].reason == "there is no row below the header"


@pytest.mark.django_db
def test_a_wrong_header_ends_it_before_any_row():
    report = load("date,channel\n2026-01-05,Search\n")
    assert [fault.column for fault in report.faults] == ["spend"]
    assert report.rows == 0


def days(count):
    """Lines of one channel, a day each."""
    first = date(2000, 1, 1)
    return "".join(f"{first + timedelta(days=n)},Search,1,2\n" for n in range(count))


@pytest.mark.django_db
def test_a_file_of_exactly_one_batch_is_stored_whole():
    lines = days(importing.BATCH)
    assert load(HEADER + lines).created == importing.BATCH


@pytest.mark.django_db
def test_only_the_first_errors_are_kept_and_all_are_counted():
    lines = "".join(f"x,Search,{n},1\n" for n in range(importing.FAULTS_LISTED + 5))
    report = load(HEADER + lines)
    assert len(report.faults) == importing.FAULTS_LISTED
    assert report.fault_count == importing.FAULTS_LISTED + 5


@pytest.mark.django_db
def test_more_rows_than_a_batch_are_stored_whole():
    lines = days(importing.BATCH + 1)
    assert load(HEADER + lines).created == importing.BATCH + 1


@pytest.mark.django_db
def test_rows_that_somebody_else_stored_meanwhile_undo_the_whole():
    def save(_batch, _options):
        Channel.objects.create(name="half-way")
        raise IntegrityError

    usual = importing.named("channels")
    late = Importer("late", "Late", usual.columns, usual.key, usual.clashes, save)
    report = importing.load(late, io.BytesIO(b"name\na\n"), {}, ImportOptions("USD"))
    assert report.faults[0].reason == "other rows were stored at the same time; import again"
    assert not report.stored
    assert not Channel.objects.exists()


def test_an_unknown_kind_is_answered_with_those_there_are():
    with pytest.raises(UnknownName, match=r"Known: .*budget-weekly"):
        importing.named("nothing")


def test_a_tally_counts_nothing_by_itself():
    assert ImportCounts() == ImportCounts(0, 0, ())


# --- The commands -----------------------------------------------------------------------------


@pytest.mark.django_db
def test_the_command_imports_a_file(file, capsys):
    call_command("import_data", "budget-performance", file(GOOD))
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == "3 rows read: 3 records stored, 0 replaced; new: Search, Social."


@pytest.mark.django_db
def test_the_command_previews(file, capsys):
    call_command("import_data", "budget-performance", file(GOOD), "--dry-run")
    out = capsys.readouterr().out.splitlines()
    assert "New channel “Search”." in out
    assert any(line.startswith("  Search: records 2, spend $") for line in out)
    assert out[-1] == "3 rows are good; nothing was stored (dry run)."


@pytest.mark.django_db
def test_the_command_names_each_bad_row_and_fails(file, capsys):
    path = file(HEADER + "2026-01-05,Search,x,1\n2026-01-06,Search,1\n")
    with pytest.raises(SystemExit) as left:
        call_command("import_data", "budget-performance", path)
    assert left.value.code == 1
    assert capsys.readouterr().err.splitlines() == [
        "row 2, spend: 'x' is not a number such as 1,234,567.89",
        "row 3: has 3 cells where the header has 4",
        "2 errors; nothing was stored.",
    ]


@pytest.mark.django_db
def test_the_command_says_how_many_more_errors_there_are(file, capsys):
    lines = "".join(f"x,Search,{n},1\n" for n in range(importing.FAULTS_LISTED + 2))
    with pytest.raises(SystemExit):
        call_command("import_data", "budget-performance", file(HEADER + lines))
    assert "202 errors (2 more); nothing was stored." in capsys.readouterr().err


@pytest.mark.django_db
def test_the_command_reports_as_json(file, capsys):
    call_command("import_data", "budget-performance", file(GOOD), "--json")
    assert json.loads(capsys.readouterr().out)["created"] == 3


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nothing", "rows.csv"], "No import is called"),
        (["channels", "absent.csv"], "Cannot read absent.csv: No such file or directory."),
        (["channels", "rows.csv", "--map", "name"], "not of the form field=column"),
        (["channels", "rows.csv", "--currency", "usd"], "not an ISO 4217 currency code"),
    ],
)
def test_a_wrong_argument_is_one_sentence(arguments, words):
    with pytest.raises(CommandError, match=words):
        call_command("import_data", *arguments)


@pytest.mark.django_db
def test_what_is_exported_is_imported_again(file, capsys, tmp_path):
    load(GOOD)
    call_command("export_data", "budget-performance")
    printed = capsys.readouterr().out
    target = tmp_path / "out.csv"
    call_command("export_data", "budget-performance", "--to", str(target))
    assert target.read_bytes().decode() == printed

    rows = Performance.objects.order_by("channel", "date")
    before = list(rows.values("channel", "date", "spend", "revenue"))
    call_command("import_data", "budget-performance", str(target), "--update")
    after = list(rows.all().values("channel", "date", "spend", "revenue"))
    assert after == before


@pytest.mark.django_db  # the audit is told first
def test_an_export_needs_a_kind_and_a_new_file(tmp_path):
    with pytest.raises(CommandError, match="No export is called"):
        call_command("export_data", "nothing")
    (tmp_path / "there.csv").touch()
    with pytest.raises(CommandError, match="exists already"):
        call_command("export_data", "channels", "--output", str(tmp_path / "there.csv"))


def test_an_export_whose_reader_leaves_ends_without_a_word(capfd):
    class Left(io.StringIO):
        def write(self, _text: str) -> int:
            raise BrokenPipeError

    ExportCommand(stdout=Left()).print_all(["a,b\n"])
    assert capfd.readouterr() == ("", "")


def test_options_for_files_of_other_programs_are_refused_for_plain_kinds(file):
    with pytest.raises(CommandError, match="usage-events files are plain: --set, --zero"):
        call_command("import_data", "usage-events", file("name\na\n"), "--set", "currency=EUR")
