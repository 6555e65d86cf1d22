"""Files of a place that is looked at on a schedule: stored within guards, else asked about."""

import os
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.core.exceptions import ValidationError
from django.urls import reverse
from django.utils import timezone

from aethercrown.admin_actions import change_url
from aethercrown.http.outbound import AddressRefused, OutboundResponse, Unreachable
from marketing.channels.models import Channel, Performance
from operations.alerts.models import Alert
from operations.automations.models import Automation
from operations.automations.registry import RunContext, automation_registry
from operations.decisions import services as decisions
from operations.decisions.decision_types import Stale, decision_type_registry
from operations.decisions.models import Decision
from operations.imports import services
from operations.imports.models import DataImport, RepeatingImport
from operations.imports.services import places, repeat
from operations.imports.services.draft import MAX_FILE_BYTES
from operations.jobs import services as jobs
from operations.jobs.models import Job
from operations.jobs.services.start import OPEN_JOBS_OF_A_CALLER
from tests.aethercrown.registries import isolated

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
KIND = "budget-performance"
pytestmark = pytest.mark.django_db


def rows(day: int, spend: int, channel: str = "Search") -> str:
    return f"date,channel,spend,revenue\n2026-10-{day:02},{channel},{spend},20\n"


@pytest.fixture(autouse=True)
def _registered(db):
    with isolated(automation_registry), isolated(decision_type_registry):
        automation_registry.register_all(services.AUTOMATIONS)
        decision_type_registry.register_all(services.KINDS)
        with time_machine.travel(NOW, tick=False):
            yield


@pytest.fixture
def folder(settings, tmp_path):
    settings.IMPORT_ROOT = str(tmp_path)
    made = tmp_path / "ads"
    made.mkdir()
    return made


@pytest.fixture
def place(folder):
    return RepeatingImport.objects.create(name="Ads", kind=KIND, folder="ads", pattern="*.csv")


def put(folder, name, content, ago=HOUR):
    path = folder / name
    path.write_text(content)
    at = (NOW - ago).timestamp()
    os.utime(path, (at, at))
    return path


def look(place, mode="auto", **more):
    return services.look(place.pk, mode=mode, now=NOW, **more)


def accept_first(place, folder):
    """The first file, which a person decides."""
    put(folder, "1.csv", rows(1, 100), 9 * HOUR)
    (first,) = look(place)
    decisions.approve(first, actor="ada", now=NOW)
    jobs.run_next(clock=lambda: NOW)


def failed(decision_id: int) -> dict[str, object]:
    found = Decision.objects.get(pk=decision_id)
    return {each["name"]: each["value"] for each in found.guardrails if not each["passed"]}


def test_the_first_file_is_decided_by_a_person(place, folder):
    put(folder, "1.csv", rows(1, 100))
    (first,) = look(place)
    assert failed(first) == {"new_names": 1, "change_of_totals_percent": None}
    assert Performance.objects.count() == 0
    decisions.approve(first, actor="ada", now=NOW)
    jobs.run_next(clock=lambda: NOW)
    assert Performance.objects.count() == 1
    assert DataImport.objects.get().state == "current"
    decisions.measure_due(NOW + 2 * HOUR)
    decision = Decision.objects.get()
    assert ((decision.realised or {})["value"], decision.verdict) == (1, "inside")


def test_a_file_within_its_guards_is_stored_once_by_itself(place, folder):
    accept_first(place, folder)
    put(folder, "2.csv", rows(2, 120))
    assert len(look(place)) == 1
    jobs.run_next(clock=lambda: NOW)
    assert Performance.objects.count() == 2
    assert look(place) == []
    put(folder, "copy.csv", rows(2, 120))  # the same content under another name
    assert look(place) == []


@pytest.mark.parametrize(
    ("content", "guard"),
    [
        (rows(2, 131), {"change_of_totals_percent": 31.0}),
        (rows(2, 69), {"change_of_totals_percent": 31.0}),
        (rows(2, 100, "Serach"), {"new_names": 1}),
    ],
)
def test_what_exceeds_a_guard_waits_for_a_person(place, folder, content, guard):
    accept_first(place, folder)
    put(folder, "2.csv", content)
    (second,) = look(place)
    assert failed(second) == guard
    assert Decision.objects.get(pk=second).status == "proposed"
    assert Performance.objects.count() == 1


def test_a_decision_is_rolled_back_as_its_import_is_undone(place, folder):
    accept_first(place, folder)
    decision = Decision.objects.get()
    assert repeat.may_undo(decision.subject)
    assert not repeat.may_undo("import 0")
    decisions.roll_back(decision.pk, actor="ada", now=NOW)
    assert Performance.objects.count() == 0
    record = DataImport.objects.get()
    assert record.state == "undone"
    DataImport.objects.update(state="failed")
    with pytest.raises(Stale, match="cannot be undone"):
        repeat.undo_import(decision.case)


def test_a_draft_that_is_gone_cannot_be_stored(place, folder):
    put(folder, "1.csv", rows(1, 100))
    (first,) = look(place)
    case = Decision.objects.get().case
    assert repeat.measure(case, NOW) is None
    DataImport.objects.update(content=None)
    with pytest.raises(Stale):
        repeat.store_it(case)
    DataImport.objects.all().delete()
    with pytest.raises(Stale, match="was deleted"):
        decisions.approve(first, actor="ada", now=NOW)


def test_a_file_that_cannot_be_stored_is_told_until_a_look_finds_none(place, folder):
    path = put(folder, "1.csv", rows(1, 100).replace("100", "many"))
    assert look(place) == []
    place.refresh_from_db()
    assert "1.csv, line 2" in place.outcome
    assert Alert.objects.get().state == "open"
    assert DataImport.objects.get().state == "draft"
    path.unlink()
    look(place)  # the file waits on its page still
    assert Alert.objects.get().state == "open"
    put(folder, "1.csv", rows(1, 100))
    look(place)
    assert Alert.objects.get().state == "resolved"


def test_a_choice_that_names_no_field_is_told_and_no_file_is_lost(place, folder):
    RepeatingImport.objects.update(choices={"columns": {"chanel": "Campaign"}})
    put(folder, "1.csv", rows(1, 100))
    assert look(place) == []
    place.refresh_from_db()
    assert "has no field chanel" in place.outcome
    RepeatingImport.objects.update(choices={})
    assert len(look(place)) == 1


def test_files_that_are_still_written_or_of_another_name_are_left(place, folder):
    put(folder, "1.csv", rows(1, 100), timedelta(seconds=10))
    put(folder, "1.txt", rows(1, 100))
    (folder / "a.csv").mkdir()
    assert look(place) == []


def test_nothing_outside_the_root_is_read(place, folder, settings, tmp_path):
    outside = tmp_path.parent / "outside.csv"
    outside.write_text(rows(1, 100))
    os.utime(outside, (0, 0))
    (folder / "link.csv").symlink_to(outside)
    assert look(place) == []
    for bad, said in (("../..", "not below"), ("/etc", "not below"), ("none", "no folder none")):
        place.folder = bad
        with pytest.raises(services.NotReadable, match=said):
            places.folder_of(place)
    settings.IMPORT_ROOT = ""
    assert look(place) == []
    place.refresh_from_db()
    assert "IMPORT_ROOT is not set" in place.outcome


def test_a_file_that_cannot_be_read_is_named_and_keeps_no_other(place, folder):
    path = put(folder, "1.csv", "")
    os.truncate(path, MAX_FILE_BYTES + 1)
    os.utime(path, (0, 0))
    put(folder, "2.csv", rows(1, 100))
    assert len(look(place)) == 1
    place.refresh_from_db()
    assert place.outcome == "1.csv has more than 20,971,520 bytes."
    assert places._read("gone.csv", folder / "gone.csv").fault.startswith("cannot be read: No such")


def test_a_folder_that_cannot_be_listed_is_told(place, folder, monkeypatch):
    def refuse(_path):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(folder), "iterdir", refuse)  # root may read every folder
    assert look(place) == []
    place.refresh_from_db()
    assert place.outcome == "ads cannot be read: Permission denied."


# --- An address ---------------------------------------------------------------------------------


def answering(status=200, body=b"", error=None):
    def fetch(url, **_options):
        assert url == "https://ads.example.com/export/canary?token=x"
        if error:
            raise error
        return OutboundResponse(status, {}, body, 0.1)

    return fetch


@pytest.fixture
def address(db):
    return RepeatingImport.objects.create(
        name="Web", kind=KIND, place="https",
        address="https://ads.example.com/export/canary?token=x",
    )  # fmt: skip


def test_an_address_is_fetched_and_the_same_answer_is_taken_once(address):
    fetch = answering(body=rows(1, 100).encode())
    assert len(look(address, fetch=fetch)) == 1
    made = DataImport.objects.get()
    assert made.file_name == "Web"  # the address is a secret, its path too
    assert "canary" not in f"{made} {Decision.objects.get().title} {list(Alert.objects.values())}"
    assert look(address, fetch=fetch) == []


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"status": 404}, "The address answered 404."),
        ({"error": Unreachable("timeout", "No answer")}, "No answer"),
        ({"error": AddressRefused("10.0.0.1 is not a public address.")}, "not a public address"),
    ],
)
def test_an_address_that_gives_no_file_is_told(address, answer, said):
    assert look(address, fetch=answering(**answer)) == []
    address.refresh_from_db()
    assert said in address.outcome
    assert "token" not in Alert.objects.get().message


# --- The schedule and the admin -----------------------------------------------------------------


def test_the_automation_looks_at_what_is_on(place, folder):
    put(folder, "1.csv", rows(1, 100))
    RepeatingImport.objects.create(name="Off", kind=KIND, is_enabled=False)
    (spec,) = services.AUTOMATIONS
    run = RunContext(spec.name, None, NOW, NOW, "auto", dry_run=False)
    assert spec.perform(run).summary == "1 place looked at, 1 new file."
    stopped = RunContext(
        spec.name, None, NOW, NOW, "auto", dry_run=False, may_continue=lambda: False
    )
    assert spec.perform(stopped).decisions == ()


def test_its_schedule_is_seeded():
    assert Automation.objects.get(name="operations.repeat_imports").mode == "auto"


def test_what_cannot_be_used_is_refused_beside_its_field(folder):
    row = RepeatingImport(name="x", kind="nothing", folder="none", choices={"presets": 1})
    with pytest.raises(ValidationError) as refused:
        services.check_repeating(row)
    assert set(refused.value.message_dict) == {"kind", "folder", "choices"}
    row = RepeatingImport(name="x", kind=KIND, place="https", address="http://example.com")
    with pytest.raises(ValidationError) as refused:
        services.check_repeating(row)
    assert set(refused.value.message_dict) == {"address"}
    for wrong in (
        {"columns": "date"},
        {"columns": {"date": 5}},
        {"columns": {"chanel": "Campaign"}},
        {"zero": [1]},
        {"header_line": "two"},
        [1],
    ):
        row.choices = wrong
        with pytest.raises(ValidationError) as refused:
            services.check_repeating(row)
        assert "choices" in refused.value.message_dict
    row.choices = {}
    row.address = "https://example.com/daily.csv"
    services.check_repeating(row)  # refuses nothing


def test_a_stored_import_is_made_to_repeat(place, folder):
    accept_first(place, folder)
    made = services.repeat_import(DataImport.objects.get().pk, name="Again")
    assert (made.kind, made.is_enabled, str(made)) == (KIND, False, "Again")


def test_people_enter_a_place_and_look_now(admin_client, folder):
    given = {
        "name": "Ads", "kind": KIND, "place": "folder", "folder": "ads", "pattern": "*.csv",
        "address": "", "choices": "{}", "most_new_names": "0", "most_change_percent": "30",
        "is_enabled": "on",
    }  # fmt: skip
    add = reverse("admin:operations_repeatingimport_add")
    assert "no folder none" in admin_client.post(add, given | {"folder": "none"}).text
    assert admin_client.post(add, given).status_code == 302
    row = RepeatingImport.objects.get()
    put(folder, "1.csv", rows(1, 100))
    page = reverse("admin:operations_repeatingimport_look_now", args=[row.pk])
    assert "Each waits for an approval" in admin_client.get(page).text
    asked = admin_client.post(page, follow=True).text
    assert "A worker looks now" in asked
    assert not DataImport.objects.exists()  # nothing is called or read while a page waits
    jobs.run_next(clock=timezone.now)
    assert Job.objects.get().result == {"new_files": 1}
    assert "1 new file." in admin_client.get(change_url(row)).text
    assert Channel.objects.count() == 0
    for _ in range(OPEN_JOBS_OF_A_CALLER + 1):
        refused = admin_client.post(page, follow=True).text
    assert "the limit" in refused
    row.delete()
    jobs.run_next(clock=timezone.now)
    assert Job.objects.get(state="done", result={"new_files": 0})
