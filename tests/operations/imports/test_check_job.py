"""A worker checks long files, and what it found is the same as a page would find."""

import io
import json
from datetime import UTC, datetime

import pytest

from operations.imports import outcome, services
from operations.imports.models import DataImport
from operations.jobs import services as jobs
from operations.jobs.models import Job

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
ADS = "Campaign,Day,Cost,Conv. value\nA,2025-10-05,10,5\nTotal,--,10,5\n"
ASKS = "date,channel,spend\n10/5/2025,a,1\n"
WRONG = "date,channel,spend\n2025-10-05,a,much\n2025-10-05,,1\n"
pytestmark = pytest.mark.django_db


def draft(content):
    return services.create_draft(
        "budget-performance", "a.csv", io.BytesIO(content), actor="user:ann", now=NOW
    )


@pytest.mark.parametrize("content", [ADS, ASKS, WRONG, ""])
def test_what_a_job_stores_of_a_check_is_what_a_page_finds(content):
    with services.check_draft(draft(content.encode()), NOW) as found:
        here = found.outcome
        here.findings.new_names.clear()
        assert outcome.from_dict(json.loads(json.dumps(here.to_dict()))) == here
        assert here.is_storable == found.is_storable == (content == ADS)


@pytest.mark.parametrize(
    ("content", "is_long"),
    [(b"", False), (b"a" * 100_000, False), (b"a" * 100_001, True), (b"PK\x03\x04", True)],
)
def test_a_file_of_many_rows_and_any_workbook_is_long_however_small_it_is_packed(content, is_long):
    assert services.is_long(draft(content)) is is_long


def test_an_import_without_its_file_is_not_long():
    assert not services.is_long(DataImport(content=None))


@pytest.mark.parametrize("change", ["delete", "store"])
def test_a_file_that_is_gone_when_its_turn_comes_is_no_failure(change):
    record = draft(ADS.encode())
    services.start_check(record, caller="user:ann", now=NOW)
    rows = DataImport.objects.filter(pk=record.pk)
    rows.delete() if change == "delete" else rows.update(content=None)
    jobs.run_next(clock=lambda: NOW)
    job = Job.objects.get()
    assert (job.state, job.result) == ("done", {"import": record.pk, "check": None})
    assert services.outcome_of(job) is None


def test_a_check_is_of_the_choices_that_it_began_with():
    record = draft(ADS.encode())
    job = services.start_check(record, caller="user:ann", now=NOW)
    assert services.start_check(record, caller="user:ann", now=NOW) == job
    assert services.check_of(record) == job
    services.choose(record, {"currency": "EUR"})
    assert services.check_of(record) is None
    assert services.outcome_of(None) is None
