"""From an uploaded file to rows in force, and back."""

import io
from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError

from aethercrown.csv.importing import ImportCounts, Importer
from marketing.channels import services as channels
from marketing.channels.models import Channel, Performance, TotalRevenue
from operations.imports import reports, services, tasks
from operations.imports.models import DataImport
from operations.imports.registry import FAULTS_LISTED, import_targets
from operations.imports.services import store
from operations.imports.services.plain import plain_target
from operations.jobs import services as jobs
from operations.jobs.models import Job
from operations.jobs.registry import JobContext
from revenue.billing.models import Meter
from revenue.customers.models import Customer
from tests.aethercrown.registries import isolated

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
KIND = "budget-performance"
FILE = "date,channel,spend,revenue\n2026-10-05,Search,10,20\n2026-10-12,Search,12,21\n"
pytestmark = pytest.mark.django_db


def draft(content=FILE, name="a.csv"):
    return services.create_draft(
        KIND, name, io.BytesIO(content.encode()), actor="user:ann", now=NOW
    )


def stored(content=FILE, **choices):
    record = draft(content)
    if choices:
        services.choose(record, choices)
    services.start(record.pk, caller="user:ann", now=NOW)
    jobs.run_next(clock=lambda: NOW)
    record.refresh_from_db()
    return record


def spend():
    return [
        int(each) for each in Performance.objects.order_by("date").values_list("spend", flat=True)
    ]


def test_a_draft_stores_nothing_until_its_job_has_run_and_is_undone_whole():
    record = draft()
    with services.check_draft(record, NOW) as found:
        assert found.is_storable
        assert found.findings.new_names == ["Search"]
    assert Channel.objects.count() == 0
    job = services.start(record.pk, caller="user:ann", now=NOW)
    assert services.start(record.pk, caller="user:ann", now=NOW) == job
    jobs.run_next(clock=lambda: NOW)
    record.refresh_from_db()
    assert (record.state, record.rows, record.records, record.content) == ("current", 2, 2, None)
    assert (Job.objects.get(pk=job.pk).result or {})["records"] == 2
    assert spend() == [10, 12]
    assert Channel.objects.get().is_active
    with pytest.raises(services.NotStorable, match="is stored"):
        services.start(record.pk, caller="user:ann", now=NOW)

    undone = services.undo(record.pk, actor="user:bob", now=NOW)
    assert (undone.state, undone.undone_by) == ("undone", "user:bob")
    assert services.undo(record.pk, actor="user:bob", now=NOW).state == "undone"
    assert spend() == []
    assert not Channel.objects.get().is_active
    tasks.purge_imports()
    assert not Performance.revisions.exists()
    assert not Channel.objects.exists()


def test_undoing_puts_what_was_replaced_in_force_again_and_keeps_what_a_person_changed():
    stored()
    second = stored(FILE.replace(",10,", ",15,").replace(",12,", ",16,"), update=True)
    assert spend() == [15, 16]
    assert second.summary["replaced"] == 2
    assert "their spend goes from 22.00 to 31.00" in second.summary["consequences"][1]
    row = Performance.objects.get(spend=16)
    row.spend = 17
    channels.keep_edited(row)
    services.undo(second.pk, actor="user:ann", now=NOW)
    assert spend() == [10, 17]
    channels.delete_rows(Performance.objects.filter(spend=17))
    assert spend() == [10]


def test_a_file_with_faults_fails_and_may_be_stored_after_other_choices():
    stored()
    record = stored()
    assert record.state == "failed"
    assert "2 records of the same channel and date stored already" in record.error
    assert spend() == [10, 12]
    DataImport.objects.filter(pk=record.pk).update(choices={"update": True})
    services.start(record.pk, caller="user:ann", now=NOW)
    jobs.run_next(clock=lambda: NOW)
    assert DataImport.objects.get(pk=record.pk).state == "current"
    assert reports.same_file(record) is not None


def test_an_import_that_stops_half_way_leaves_nothing_and_begins_anew():
    record = draft()
    services.start(record.pk, caller="user:ann", now=NOW)
    record.refresh_from_db()
    with services.check_draft(record, NOW) as found:
        assert found.checked is not None
        found.checked.store(record.pk, lambda *_: None)  # as a worker that dies then
        DataImport.objects.filter(pk=record.pk).update(created_names=["Search"])
    assert spend() == []
    assert not Channel.objects.get().is_active
    jobs.run_next(clock=lambda: NOW)  # the job of the worker that took over
    assert spend() == [10, 12]
    assert Performance.revisions.count() == 2


def test_an_error_in_the_middle_leaves_a_failed_import_and_no_row():
    file = io.BytesIO(FILE.encode())

    def stop(*_):
        raise RuntimeError("the disk is full")

    with services.check_file(file, KIND, {}, NOW.date()) as found, pytest.raises(RuntimeError):
        services.store_file(file, found, name="a.csv", given={}, actor="command:ann", progress=stop)
    record = DataImport.objects.get()
    assert (record.state, "nothing was stored" in record.error) == ("failed", True)
    assert not Performance.revisions.exists()
    assert not Channel.objects.exists()


def test_what_goes_wrong_after_an_import_is_in_force_deletes_none_of_its_rows():
    record = stored()
    store._fail(record, "The database was busy.")
    record.refresh_from_db()
    assert (record.state, record.error) == ("current", "")
    assert spend() == [10, 12]


def test_a_worker_that_lost_its_lease_leaves_the_import_to_the_one_that_has_it():
    record = draft()
    job = services.start(record.pk, caller="user:ann", now=NOW)

    def taken_over(*_):
        raise jobs.JobStopped("This worker has lost its lease.")

    context = JobContext(job.pk, {"import": record.pk}, "user:ann", NOW, taken_over, lambda: None)
    with pytest.raises(jobs.JobStopped):
        store.perform(context)
    record.refresh_from_db()
    assert record.state == "storing"
    jobs.run_next(clock=lambda: NOW)
    assert spend() == [10, 12]


def test_rows_that_others_stored_meanwhile_fail_the_job_and_the_import():
    def save(*_):
        raise IntegrityError("channel and date exist")

    column = next(each for each in import_targets.get(KIND).columns if each.name == "channel")
    odd = plain_target(Importer("odd", "Odd", (column,), ("channel",), lambda *_: [], save), ())
    with isolated(import_targets, [odd]):
        file = io.BytesIO(b"channel\nSearch\nSearch\n")
        with services.check_file(file, "odd", {}, NOW.date()) as found:
            assert found.findings.faults[0].reason == "Search is in row 2 already"
        file = io.BytesIO(b"channel\n" + b"x" * 300 + b"\n")
        with services.check_file(file, "odd", {}, NOW.date()) as found:
            assert found.findings.fault_count == 1
        file = io.BytesIO(b"channel\nSearch\n")
        record = services.create_draft("odd", "a.csv", file, actor="user:ann", now=NOW)
        job = services.start(record.pk, caller="user:ann", now=NOW)
        jobs.run_next(clock=lambda: NOW)
    record.refresh_from_db()
    job.refresh_from_db()
    assert (record.state, "nothing was stored" in record.error) == ("failed", True)
    assert job.state == "failed"


def test_a_file_that_was_edited_after_its_check_is_not_stored_without_the_rows_it_spoiled():
    file = io.BytesIO(b"date,revenue\n2026-10-05,48210\n2026-10-12,51940\n")
    with services.check_file(file, "budget-totals", {}, NOW.date()) as found:
        assert found.is_storable
        file.seek(0)
        file.write(b"date,revenue\n2026-10-05,48210\n2026-10-12,?1940\n")
        with pytest.raises(
            ValueError, match="Line 3 was changed since the check: '\\?1940' is not"
        ):
            services.store_file(
                file, found, name="a.csv", given={}, actor="x", progress=lambda *_: None
            )
    assert DataImport.objects.get().state == "failed"
    assert not TotalRevenue.objects.exists()


def test_so_many_rows_are_described():
    column = next(each for each in import_targets.get(KIND).columns if each.name == "channel")
    importer = Importer(
        "odd", "Odd", (column,), ("channel",), lambda *_: [], lambda *_: ImportCounts()
    )
    odd = plain_target(importer, (), lambda *_: None, most=1)
    with isolated(import_targets, [odd]):
        file = io.BytesIO(b"channel\nSearch\nPrint\n")
        with services.check_file(file, "odd", {}, NOW.date()) as found:
            assert found.findings.faults[0].reason == "is beyond 1 rows"


def test_an_import_whose_state_changed_meanwhile_is_not_made_current():
    file = io.BytesIO(FILE.encode())

    def purged(*_):
        DataImport.objects.update(state="failed")

    with (
        services.check_file(file, KIND, {}, NOW.date()) as found,
        pytest.raises(services.NotStorable, match="its state changed"),
    ):
        services.store_file(file, found, name="a", given={}, actor="x", progress=purged)
    assert spend() == []


def test_a_job_of_an_import_that_was_stored_otherwise_changes_nothing():
    record = stored()
    job = jobs.start(store.STORE_JOB, {"import": record.pk}, caller="user:ann", now=NOW)
    jobs.run_next(clock=lambda: NOW)
    job.refresh_from_db()
    assert job.result == {"import": record.pk, "state": "current"}


def test_a_job_cancelled_before_it_ran_fails_its_import_which_may_be_stored_again():
    record = draft()
    job = services.start(record.pk, caller="user:ann", now=NOW)
    jobs.cancel(job.pk, actor="user:ann", now=NOW)
    assert spend() == []
    record.refresh_from_db()
    assert record.state == "failed"
    assert record.error == "Its job ended before it was done; nothing was stored. Store it again."
    assert services.start(record.pk, caller="user:ann", now=NOW).pk != job.pk


def test_what_is_left_behind_is_purged():
    old = draft()
    DataImport.objects.filter(pk=old.pk).update(created_at=NOW - timedelta(days=8))
    left = draft(name="b.csv")
    DataImport.objects.filter(pk=left.pk).update(
        created_at=NOW - timedelta(days=2), state="storing"
    )
    busy = draft(name="c.csv")
    services.start(busy.pk, caller="user:ann", now=NOW)
    DataImport.objects.filter(pk=busy.pk).update(created_at=NOW - timedelta(days=2))
    lost = draft(name="d.csv")
    ended = services.start(lost.pk, caller="user:ann", now=NOW)
    Job.objects.filter(pk=ended.pk).update(state="failed", ended_at=NOW)  # its worker was lost
    assert services.purge(NOW) == 1
    states = DataImport.objects.order_by("file_name").values_list("file_name", "state")
    assert list(states) == [("b.csv", "failed"), ("c.csv", "storing"), ("d.csv", "failed")]


def test_choices_are_checked_and_every_bad_one_named():
    record = draft()
    bad = {
        "preset": "x", "date_order": "ymd", "number_format": "x", "currency": "usd",
        "rates": {"EUR": "x", "XXQ": 1}, "more": 1,
    }  # fmt: skip
    with pytest.raises(services.InvalidChoices) as refused:
        services.choose(record, bad)
    for word in (
        "unknown: more",
        "preset is",
        "date_order",
        "number_format",
        "currency",
        "EUR=x",
        "XXQ",
    ):
        assert word in str(refused.value)
    strange = {"columns": {"nothing": "a"}}
    with (
        pytest.raises(services.InvalidChoices, match="has no field nothing"),
        services.check_file(io.BytesIO(b"a"), KIND, strange, NOW.date()),
    ):
        pass


def test_what_cannot_be_read_is_said():
    with services.check_file(io.BytesIO(b""), KIND, {}, NOW.date()) as found:
        assert found.findings.faults[0].reason == "the file is empty"
        assert not found.is_storable
    content = io.BytesIO(b"date,channel,spend\n10/5/2026,a,1\n")
    with services.check_file(content, KIND, {}, NOW.date()) as found:
        assert found.findings.faults[0].column == "date_order"
    content = io.BytesIO(b"date,channel,channel,spend\n2026-10-05,a,b,1\n")
    with services.check_file(content, KIND, {}, NOW.date()) as found:
        assert "is in the header twice" in found.findings.faults[0].reason
    with services.check_file(io.BytesIO(b"date,channel,spend\n"), KIND, {}, NOW.date()) as found:
        assert found.findings.faults[0].reason == "there is no row below the header"
    with pytest.raises(services.FileTooLarge, match="no limit"):
        services.create_draft(
            KIND, "", io.BytesIO(bytes(services.draft.MAX_FILE_BYTES + 1)), actor="", now=NOW
        )


def test_of_many_faults_the_first_are_listed_and_all_are_counted():
    lines = "".join(f"2026-10-05,Search {n},many,1\n" for n in range(FAULTS_LISTED + 1))
    content = io.BytesIO(f"date,channel,spend,revenue\n{lines}".encode())
    with services.check_file(content, KIND, {}, NOW.date()) as found:
        findings = found.findings
    assert (len(findings.faults), findings.fault_count) == (FAULTS_LISTED, FAULTS_LISTED + 1)


def test_the_preview_says_of_how_many_records_the_revenue_is_unknown():
    with services.check_file(
        io.BytesIO(f"{FILE}2026-10-19,Search,9,\n".encode()), KIND, {}, NOW.date()
    ) as found:
        assert (
            "In all $31.00 of spend, $41.00 of revenue, and 1 record of unknown revenue."
            in found.findings.consequences
        )


def test_an_import_that_is_not_in_force_cannot_be_undone():
    with pytest.raises(services.NotStorable, match="cannot be undone"):
        services.undo(draft().pk, actor="user:ann", now=NOW)


def test_every_sample_is_read_whole():
    of_customers = {"contacts", "subscriptions", "payments", "billed-use"}
    Meter.objects.create(code="api_calls", title="API calls")
    for target in sorted(import_targets, key=lambda each: each.kind in of_customers):
        if target.kind in of_customers and not Customer.objects.exists():
            Customer.objects.create(external_id="acme", name="Acme", currency="USD")
            Customer.objects.create(external_id="globex", name="Globex", currency="EUR")
        text = "\n".join(",".join(row) for row in target.sample)
        with services.check_file(io.BytesIO(text.encode()), target.kind, {}, NOW.date()) as found:
            assert found.is_storable, (target.kind, found.findings.faults)


# --- Blank cells ----------------------------------------------------------------------------------

BLANK = "date,channel,spend,revenue\n2026-10-19,Search,10,\n"


def remembered(record) -> list[str]:
    with services.check_draft(record, NOW) as found:
        return [each for each in (found.layout.notes if found.layout else []) if "as in" in each]


def test_how_blank_cells_were_read_is_remembered_for_the_same_source():
    stored(FILE.replace(",20\n", ",\n"), zero=["revenue"])
    record = draft(BLANK)
    assert "Blank cells of revenue count as 0, as in Import" in remembered(record)[0]
    services.choose(record, {"zero": []})
    assert remembered(record) == []
    other = draft(BLANK.replace("channel", "Channel name"))
    services.choose(other, {"columns": {"channel": "Channel name"}})
    assert remembered(other) == []


def test_a_remembered_choice_is_what_is_stored():
    stored(FILE.replace(",20\n", ",\n"), zero=["revenue"])
    assert Performance.objects.filter(revenue=None).count() == 0
    stored(BLANK)
    assert Performance.objects.filter(revenue=None).count() == 0
    stored(BLANK.replace("-19", "-26"), zero=[])
    assert Performance.objects.filter(revenue=None).count() == 1
    stored(BLANK.replace("10-19", "11-02"))
    assert Performance.objects.filter(revenue=None).count() == 2
