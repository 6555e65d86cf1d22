"""Back-ups by themselves, their trial, and a platform that stands still after a restoration."""

from datetime import UTC, datetime, timedelta

import pytest
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone

from aethercrown.backup import create, last_restore_test, stream
from aethercrown.backup.automation_pause import begin, current, end, is_paused
from aethercrown.models import RestoreTest
from aethercrown.monitoring.doctor import CAUTION, GOOD
from operations.alerts.models import Alert
from operations.automations import seeding
from operations.automations.models import Automation, Run
from operations.automations.registry import RunContext
from operations.automations.services import execute
from operations.backups import reports, services
from operations.jobs import services as jobs
from operations.jobs.registry import JobKind, job_kinds
from operations.messaging import services as outbox
from operations.messaging.models import Destination, Message
from security.audit.models import Event
from tests.aethercrown.registries import isolated

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.BACKUP_FOLDER = tmp_path / "backups"
    settings.AUDIT_ANCHORS = tmp_path / "anchors"
    settings.BACKUP_KEY = "k" * 40
    return settings.BACKUP_FOLDER


@pytest.fixture
def run():
    """A run of the trial, under way."""
    from django.apps import apps  # noqa: PLC0415 - the registry as migrations have it

    day = timedelta(days=30)
    seeding.seed(apps, name=services.TEST_RESTORE, title="RestoreTest", every=day, mode="auto")
    return Run.objects.create(
        automation=Automation.objects.get(name=services.TEST_RESTORE),
        planned_for=NOON,
        state=Run.State.RUNNING,
        attempt=1,
        not_before=NOON,
        queued_at=NOON,
        lease_until=timezone.now() + timedelta(hours=1),
    )


def context(now=NOON, *, dry_run=False):
    return RunContext("x", None, now, now, "auto", dry_run)


def alerts():
    return list(Alert.objects.values_list("kind", "state"))


def test_a_backup_is_made_and_old_ones_go(folder):
    for days in range(10):
        services.back_up(context(NOON - timedelta(days=9 - days)))
        if days == 1:  # real ones for the first two, names for the rest
            break
    newest = create.newest(folder, NOON)
    assert newest is not None
    assert newest.name == "aethercrown-20261114T120000Z.backup"
    assert "was restored without a difference" in services.run_restore_test(context()).summary
    assert alerts() == []


def test_a_trial_is_remembered_with_what_it_brought_back(folder):
    services.back_up(context())
    services.run_restore_test(context(NOON + timedelta(hours=1)))
    trial = RestoreTest.objects.get()
    assert str(trial) == "aethercrown-20261122T120000Z.backup on 22 Nov 2026"
    assert (trial.made_at, trial.at) == (NOON, NOON + timedelta(hours=1))
    assert trial.rows > 0
    assert trial.seconds > 0


def test_an_overdue_restore_test_is_reported_each_night_until_there_is_one(folder):
    tried_out(NOON - timedelta(days=36))
    services.back_up(context())
    assert alerts() == [("not tested", "open")]
    services.run_restore_test(context())
    assert alerts() == [("not tested", "resolved")]


def test_a_restore_test_is_overdue_by_its_own_schedule(run):
    Automation.objects.filter(name=services.TEST_RESTORE).update(when="every 90 days")
    MigrationRecorder.Migration.objects.update(applied=NOON)
    assert not last_restore_test.overdue(NOON + timedelta(days=94))
    assert last_restore_test.overdue(NOON + timedelta(days=95))


def test_a_dry_run_writes_nothing(folder):
    assert services.back_up(context(dry_run=True)).summary == "Would write a back-up into backups."
    assert "nothing" in services.run_restore_test(context(dry_run=True)).summary
    assert not folder.exists()


def test_a_backup_that_is_not_made_is_reported(folder):
    folder.write_text("a file is in the way")
    with pytest.raises(FileExistsError):
        services.back_up(context())
    assert alerts() == [("not made", "open")]


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"x", stream.ArchiveDamaged), (stream.PLAIN, stream.NotEncrypted)],
)
def test_a_backup_that_cannot_be_restored_is_reported(folder, content, error):
    folder.mkdir()
    (folder / "aethercrown-20261122T120000Z.backup").write_bytes(content)
    with pytest.raises(error):
        services.run_restore_test(context())
    assert alerts() == [("not restored", "open")]


def test_a_missing_backup_is_reported():
    with pytest.raises(services.NoBackup):
        services.run_restore_test(context())
    assert alerts() == [("not restored", "open")]


def test_after_a_restoration_nobody_holds_anything_and_nothing_runs(run):
    listener = Destination.objects.create(name="a", channel="email", address="a@example.com")
    letter = Message.objects.create(
        event_key="x",
        destination=listener,
        to="a",
        channel="email",
        title="t",
        text="t",
        payload={},
        next_at=NOON,
        created_at=NOON,
        state="sending",
        lease_until=timezone.now(),
    )
    notes = services.finalize_restore(timezone.now(), None)
    assert notes[0].startswith("1 run and 1 message are retried")
    assert is_paused()
    run.refresh_from_db()
    assert run.attempt == 2
    assert execute.claim(run.pk, "worker", timezone.now()) is None
    assert outbox.deliver_due() == 0
    letter.refresh_from_db()
    assert (letter.state, letter.claims) == ("sending", 1)


def test_open_jobs_end_with_a_restoration_and_its_notes_say_so():
    with isolated(job_kinds):
        job_kinds.register(
            JobKind("try", "Try", "revenue", "revenue.view_invoice", lambda context: None)
        )
        job = jobs.start("try", {}, caller="user:1", now=NOON, subject="a")
    notes = services.finalize_restore(NOON, None)
    assert notes[1] == "1 open job ended: start it again if it is still wanted."
    job.refresh_from_db()
    assert (job.state, job.ended_at) == ("cancelled", NOON)
    assert is_paused()
    services.finalize_restore(NOON, None)
    assert end("user:anna", NOON) == 1  # the second restore found automation paused


def test_a_person_ends_the_standstill_and_the_audit_knows():
    begin("Restored.", NOON)
    assert str(current()) == "Restored."
    assert end("user:anna", NOON) == 1
    assert end("user:anna", NOON) == 0
    assert current() is None
    assert Event.objects.get(event="automation.resumed").actor == "user:anna"


def states():
    return [each.state for each in reports.findings(NOON)]


def tried_out(at):
    done = {"backup": "a.backup", "made_at": at, "seconds": 1.0, "rows": 1}
    return RestoreTest.objects.create(at=at, **done)


def test_the_doctor_knows_how_old_the_last_trial_is():
    assert states() == [CAUTION]
    trial = tried_out(NOON - timedelta(days=3))
    assert states() == [GOOD]
    trial.at = NOON - timedelta(days=36)
    trial.save()
    begin("Restored.", NOON)
    told = [each.message for each in reports.findings(NOON)]
    assert told[0] == "The last restore test was 36 days ago."
    assert told[1] == "Automation is paused since 22 Nov 2026, 12:00 UTC: Restored."
    assert reports.LOOK.name == "backup"
    assert len(list(reports.LOOK.run())) == 2
