"""Jobs are started, run once, cancelled, and survive their worker."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models.functions import Now
from django.utils import timezone

from aethercrown import cancellation
from aethercrown.backup import automation_pause
from aethercrown.db.leases import lease_end
from aethercrown.history.attribution import current_actor
from operations.automations import worker_id
from operations.jobs import notify, reports, services, tasks
from operations.jobs.models import Job
from operations.jobs.registry import job_kinds
from operations.jobs.services import execute, recover
from operations.jobs.services.start import _saved
from security.apikeys import services as keys
from tests.aethercrown.registries import isolated
from tests.operations.conftest import NOON

pytestmark = pytest.mark.django_db
GONE = f"{worker_id.HOST}:4194399"  # above any process number of Linux


class Clock:
    """A clock that stands still until a test moves it on."""

    def __init__(self):
        self.seconds = 100.0

    def __call__(self):
        return self.seconds


def ran(**more):
    job = services.run_next(**more)
    assert job is not None
    return job


def claimed(worker="here:1"):
    job = execute.claim(worker, timezone.now())
    assert job is not None
    return job


def test_a_job_is_queued_run_and_keeps_its_result(start, told, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = start(total="120.50")
    assert (job.state, told) == ("queued", [1])
    done = ran()
    assert (done.pk, done.state, done.result) == (job.pk, "done", {"seen": {"total": "120.50"}})
    assert (done.attempt, done.slot, done.caller_slot, done.lease_until) == (1, None, None, None)
    assert done.percent == 100.0
    assert services.run_next() is None


def test_a_broker_that_is_down_refuses_no_job(start, monkeypatch, caplog):
    def down():
        raise OSError("no broker")

    monkeypatch.setattr(notify, "announcers", [down])
    notify.announce()
    assert "the next recovery starts it" in caplog.text


def test_a_failure_is_recorded_without_secrets_and_not_repeated(start, kind):
    def perform(context):
        raise ValueError("password=hunter22 is wrong")

    kind(perform)
    start()
    done = ran()
    assert done.state == "failed"
    assert "ValueError" in done.error
    assert "hunter22" not in done.error
    assert services.run_next() is None


def test_a_job_above_its_time_fails_at_a_checkpoint(start, kind):
    kind(lambda context: cancellation.checkpoint(), max_seconds=-1)
    start()
    assert "DeadlineExceeded" in ran().error


def test_progress_is_stored_at_most_once_a_second(start):
    start()
    job, clock = claimed(), Clock()
    writer = execute.ProgressWriter(job, lambda: True, clock)
    writer.report(3, 10, "Fitting")
    writer.report(4, 10, "Fitting")
    assert [*Job.objects.values_list("done", "total", "note")] == [(3, 10, "Fitting")]
    job.refresh_from_db()
    assert job.percent == 30.0
    clock.seconds += execute.REPORT_SECONDS
    writer.report(5, None, "")
    job.refresh_from_db()
    assert (job.done, job.percent) == (5, None)


def test_a_kind_is_told_once_when_its_queued_job_is_cancelled(kind, start):
    told: list[dict[str, int]] = []
    kind(on_cancelled=told.append)
    job = start(subject_id=7)
    for _ in range(2):
        services.cancel(job.pk, actor="ada", now=NOON)
    assert told == [{"subject_id": 7}]


def test_a_job_of_a_kind_that_is_gone_can_be_cancelled(start):
    job = start()
    with isolated(job_kinds):
        assert services.cancel(job.pk, actor="ada", now=NOON).state == "cancelled"


def test_a_queued_job_is_cancelled_at_once_and_again_changes_nothing(start):
    job = services.cancel(start().pk, actor="ada", now=NOON)
    assert (job.state, job.cancelled_by, job.caller_slot) == ("cancelled", "ada", None)
    assert services.cancel(job.pk, actor="bob", now=NOON).cancelled_by == "ada"
    assert services.run_next() is None


def test_a_running_job_stops_at_its_next_checkpoint(start, kind):
    steps = []

    def perform(context):
        for step in context.track(range(3), 3):
            steps.append(step)
            services.cancel(context.job_id, actor="ada", now=NOON)
            context.checkpoint()

    kind(perform)
    start()
    clock = Clock()
    original, execute.REPORT_SECONDS = execute.REPORT_SECONDS, 0.0
    try:
        done = ran()
    finally:
        execute.REPORT_SECONDS = original
    assert (done.state, steps, clock.seconds) == ("cancelled", [0], 100.0)


def test_a_job_that_tracks_its_items_takes_all_of_them(start, kind):
    kind(lambda context: list(context.track("abc", 3, "Letters.")))
    start()
    done = ran()
    assert (done.state, done.result) == ("done", ["a", "b", "c"])


def test_a_job_that_has_ended_cannot_be_cancelled(start):
    job = start()
    services.run_next()
    with pytest.raises(services.InvalidTransition, match="is done"):
        services.cancel(job.pk, actor="ada", now=NOON)


def test_a_caller_has_a_limited_number_of_open_jobs(start):
    for _ in range(5):
        start()
    with pytest.raises(services.JobLimitReached, match="5 open jobs"):
        start()
    start(caller="user:2")
    services.run_next()
    start()


def test_a_slot_that_was_taken_just_now_is_left_for_the_next(start):
    first = start()
    again = Job(kind=first.kind, title=first.title, caller=first.caller)
    assert not _saved(again, first.caller_slot)
    assert _saved(again, first.caller_slot + 1)


def test_a_second_job_of_a_caller_waits_for_the_first_of_another(start):
    start()
    start()
    other = start(caller="user:2", now=NOON + timedelta(hours=1))
    services.run_next()
    assert ran().pk == other.pk


def test_only_so_many_run_at_once(start, settings):
    settings.JOBS_AT_ONCE = 2
    for number in range(3):
        start(caller=f"user:{number}")
    assert [claimed().slot, claimed().slot] == [0, 1]
    assert execute.claim("here:1", NOON) is None
    assert recover.recover_jobs(NOON) is False


def test_two_workers_never_get_one_slot(start):
    first, second = start(), start(caller="user:2")
    assert execute._claimed(first.pk, 0, "here:1", NOON)
    assert not execute._claimed(first.pk, 1, "here:2", NOON)
    assert not execute._claimed(second.pk, 0, "here:2", NOON)
    with pytest.raises(IntegrityError), transaction.atomic():
        Job.objects.filter(pk=second.pk).update(state="running", slot=0, lease_until=Now())


@pytest.mark.django_db(transaction=True)
def test_many_workers_at_once_run_each_job_once(start, settings, at_once):
    settings.JOBS_AT_ONCE = 3
    for number in range(3):
        start(caller=f"user:{number}")
    found = at_once(lambda: execute.claim("here:1", timezone.now()), 6)
    claims = [each for each in found if isinstance(each, Job)]
    assert not [each for each in found if isinstance(each, Exception)]
    assert len({each.pk for each in claims}) == len(claims) >= 1
    assert len({each.slot for each in claims}) == len(claims)


@pytest.mark.django_db(transaction=True)
def test_many_starts_at_once_keep_the_limit(start, at_once):
    found = at_once(start, 8)
    limited = [each for each in found if isinstance(each, services.JobLimitReached)]
    assert len(limited) + Job.objects.count() == 8
    assert Job.objects.count() <= 5


def test_a_job_whose_worker_died_is_run_again(start, kind):
    seen = []
    kind(lambda context: seen.append(context.job_id))
    job = start()
    claimed(GONE)
    assert recover.recover_jobs(timezone.now()) is True
    done = ran()
    assert (done.pk, done.state, done.attempt, seen) == (job.pk, "done", 2, [job.pk])


def test_a_lease_that_has_ended_frees_the_job(start):
    start()
    job = claimed("elsewhere:1")
    assert recover.recover_jobs(timezone.now()) is False
    Job.objects.update(lease_until=lease_end(timedelta(seconds=-1)))
    assert recover.recover_jobs(timezone.now()) is True
    assert not execute.end(job, "done", NOON)
    assert not execute.renew(job.pk, job.attempt)
    again = claimed()
    assert execute.renew(again.pk, again.attempt)


def test_a_worker_that_lost_its_job_stops(start):
    start()
    job = claimed()
    with pytest.raises(services.JobStopped):
        execute.ProgressWriter(job, lambda: False).checkpoint()
    Job.objects.update(attempt=7)
    with pytest.raises(services.JobStopped):
        execute.ProgressWriter(job, lambda: True).checkpoint()


def test_a_job_whose_worker_lost_its_lease_is_not_cancelled_but_run_again(start, kind):
    def perform(context):
        if Job.objects.get().attempt == 1:
            raise services.JobStopped("The database was away for a minute.")

    kind(perform)
    start()
    assert ran().state == "running"
    Job.objects.update(lease_until=lease_end(timedelta(seconds=-1)))
    assert recover.recover_jobs(timezone.now()) is True
    assert (ran().state, Job.objects.get().attempt) == ("done", 2)


def test_a_job_is_done_in_the_name_of_its_caller(start, kind, django_user_model):
    kind(lambda context: current_actor().actor)
    anna = django_user_model.objects.create_user("anna")
    key = keys.create("crm", ["optimization:write"]).key
    for caller, actor in (
        (f"account:{anna.pk}", "user:anna"),
        (f"user:{anna.pk}", f"user:{anna.pk}"),  # a name that looks like an account's number
        (f"key:{key.pk}", f"key:{key.pk}"),
    ):
        start(caller=caller)
        assert ran().result == actor


def test_what_waits_when_its_caller_may_not_act_any_more_is_cancelled(
    start, kind, django_user_model
):
    undone: list[Any] = []
    kind(lambda context: undone.append("ran"), on_cancelled=undone.append)
    anna = django_user_model.objects.create_user("anna")
    key = keys.create("crm", ["optimization:write"]).key
    for number, caller in enumerate((f"account:{anna.pk}", f"key:{key.pk}", "account:0", "key:0")):
        start(caller=caller, number=number)
    anna.is_active = False
    anna.save()
    keys.revoke(key.pk)
    for reason in ("switched off", "has ended", "switched off", "has ended"):
        job = ran()
        assert (job.state, job.cancelled_by) == ("cancelled", "automation:platform")
        assert reason in job.error
        assert job.caller_slot is None
    assert [each["number"] for each in undone] == [0, 1, 2, 3]
    taken = start(caller="account:0", number=4)
    execute._refuse(taken, "It was taken over meanwhile.", NOON)  # no attempt of it runs
    assert (taken.state, len(undone)) == ("queued", 4)


def test_a_lease_given_by_a_clock_that_was_ahead_is_shortened(start):
    start()
    claimed("elsewhere:1")
    Job.objects.update(lease_until=lease_end(timedelta(hours=2)))
    recover.recover_jobs(timezone.now())
    until = Job.objects.get().lease_until
    assert until is not None
    assert until < timezone.now() + execute.LEASE_LENGTH * 2


@pytest.mark.parametrize(("name", "told"), [("try", [{}]), ("of a later version", [])])
def test_after_three_lost_workers_it_has_failed(start, kind, name, told):
    undone: list[Any] = []
    kind(on_cancelled=undone.append)
    start()
    for _ in range(recover.MAX_ATTEMPTS):
        claimed(GONE)
        Job.objects.filter(attempt=recover.MAX_ATTEMPTS).update(kind=name)
        recover.recover_jobs(timezone.now())
    job = Job.objects.get()
    assert (job.state, job.error, job.caller_slot) == ("failed", recover.WORKER_LOST, None)
    assert undone == told


def test_a_cancelled_job_whose_worker_died_is_not_run_again(start, kind):
    undone: list[Any] = []
    kind(on_cancelled=undone.append)
    job = start()
    claimed(GONE)
    services.cancel(job.pk, actor="ada", now=NOON)
    assert recover.recover_jobs(timezone.now()) is False
    assert (Job.objects.get().state, undone) == ("cancelled", [{}])


def test_nothing_runs_while_automation_is_paused_and_a_restore_ends_open_jobs(start):
    start()
    automation_pause.begin("Restored.", NOON)
    assert services.run_next() is None
    assert recover.recover_jobs(NOON) is False
    assert services.cancel_restored(NOON) == 1
    automation_pause.end("ada", NOON)
    assert services.run_next() is None
    assert Job.objects.get().error == recover.RESTORED


def test_old_jobs_are_deleted_and_open_ones_stay(start):
    start()
    services.run_next(clock=lambda: NOON)
    start()
    assert services.delete_old_jobs(NOON + recover.RETENTION) == 0
    assert services.delete_old_jobs(NOON + recover.RETENTION + timedelta(seconds=1)) == 1
    assert [each.state for each in reports.open_jobs()] == ["queued"]


def test_the_tasks_run_jobs_and_ask_for_the_next(start, monkeypatch):
    sent = []
    monkeypatch.setattr(tasks.run_jobs, "apply_async", lambda **more: sent.append(more))
    start()
    tasks.recover()
    tasks.run_jobs()
    assert len(sent) == 2
    tasks.run_jobs()
    tasks.recover()
    tasks.recover_when_a_worker_starts()
    tasks.purge_jobs()
    assert len(sent) == 2


def test_a_database_that_fails_is_a_failure_of_the_job(start, kind):
    def perform(context):
        raise DatabaseError("gone")

    kind(perform)
    start()
    assert ran().state == "failed"
