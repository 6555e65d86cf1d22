"""The ledger's writers: each planned time runs once, whoever announces it and how often.

A message or the sweep enters due slots (one row each, the second is ignored); a claim by
compare-and-set gives one worker the run; every later write names the attempt it belongs to, so
that a worker which was paused past its lease can change nothing any more.
"""

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import BooleanField, DateTimeField, ExpressionWrapper, F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone
from django_celery_beat.models import CrontabSchedule, IntervalSchedule, PeriodicTask

from aethercrown.backup import automation_pause
from aethercrown.db.batch_delete import forget
from aethercrown.history import attribution
from aethercrown.monitoring import redaction
from aethercrown.severity import HIGH
from operations.alerts import services as alerts
from operations.automations import (
    occurrences,
    registry,
    reports,
    run_rules,
    schedule_text,
    seeding,
    worker_id,
)
from operations.automations.lease import LeaseRenewal
from operations.automations.log_capture import LogCapture
from operations.automations.models import Automation, Run
from operations.automations.occurrences import Interval, Schedule
from operations.automations.registry import RunContext, RunOutcome
from operations.automations.run_rules import DueRun, RunResult

Clock = Callable[[], datetime]
SOURCE, FAILED, DEMOTED = "automations", "run_failed", "demoted"
OPEN = (Run.State.QUEUED, Run.State.RUNNING)
log = logging.getLogger(__name__)


class AutomationDisabled(Exception):
    """AUTOMATION_ENABLED is False: nothing starts."""


# --- What is due ------------------------------------------------------------------------------
@transaction.atomic
def enqueue_due_runs(name: str, now: datetime) -> int:
    """Enter the slots that came due since the last one known; returns how many are to run.

    The automation is locked, so that two announcements of one slot come one after the other.
    """
    automation = _locked(name)
    if not (automation.is_enabled and settings.AUTOMATION_ENABLED):
        return 0
    entries = _due(automation, now)
    Run.objects.bulk_create(
        (_row(automation, entry, now) for entry in entries), ignore_conflicts=True
    )
    return sum(not entry.reason for entry in entries)


@transaction.atomic
def enqueue_manual_run(name: str, now: datetime, trigger: str = Run.Trigger.MANUAL) -> Run:
    """Enter a run that somebody asks for, to be done as soon as a worker is free."""
    if not settings.AUTOMATION_ENABLED:
        raise AutomationDisabled(
            "AUTOMATION_ENABLED is False: nothing runs until it is True again."
        )
    run = _row(_locked(name), DueRun(now, trigger), now)
    run.save()
    return run


def recover_runs(now: datetime) -> list[tuple[str, str]]:
    """Enter slots that no beat announced, then as `take_back`: (automation, queue) to wake."""
    known = Automation.objects.filter(name__in=registry.names())
    for name in known.values_list("name", flat=True):
        enqueue_due_runs(name, now)
    return requeue_abandoned_runs(now)


def requeue_abandoned_runs(now: datetime) -> list[tuple[str, str]]:
    """Queue runs that dead workers left, or fail them after the last attempt; who is to wake.

    A lapsed lease tells, and sooner that the process is gone from this machine. Where there is
    nothing to do it takes two short questions.
    """
    running = Run.objects.filter(state=Run.State.RUNNING)
    over = Q(lease_until__lt=Now())
    found = running.values_list("worker", ExpressionWrapper(over, BooleanField()))
    gone = {worker for worker, _ in found if worker_id.is_gone(worker)}
    if gone or any(is_over for _, is_over in found):
        lapsed = running.filter(over | Q(worker__in=gone))
        for run in lapsed.filter(attempt__gte=run_rules.MAX_ATTEMPTS).select_related("automation"):
            _give_up(lapsed, run, run_rules.WORKER_LOST, now)
        lapsed.update(state=Run.State.QUEUED, lease_until=None, not_before=now)
    if not settings.AUTOMATION_ENABLED:
        return []
    waiting = Run.objects.filter(
        state=Run.State.QUEUED, not_before__lte=now, automation__name__in=registry.names()
    )
    names = waiting.order_by().values_list("automation__name", flat=True).distinct()
    return [(name, registry.named(name).queue) for name in sorted(names)]


# --- Doing it ---------------------------------------------------------------------------------
def run_due(name: str, *, clock: Clock = timezone.now) -> list[RunResult]:
    """Do everything that one automation has due, oldest first; what another does is left."""
    enqueue_due_runs(name, clock())
    results = []
    for run_id in _startable(name, clock()):
        result = attempt(run_id, clock=clock)
        if result is None:
            break
        results.append(result)
    return results


def run_planned(
    name: str,
    planned_for: datetime,
    *,
    trigger: str = Run.Trigger.SCHEDULE,
    clock: Clock = timezone.now,
) -> RunResult:
    """Do one planned time of one automation here and now, or say why it was not done."""
    with transaction.atomic():
        automation = _locked(name)
        entry = DueRun(planned_for, trigger)
        Run.objects.bulk_create([_row(automation, entry, clock())], ignore_conflicts=True)
    planned = automation.runs.get(planned_for=planned_for)
    result = attempt(planned.pk, clock=clock)
    if result is not None:
        return result
    automation.runs.filter(pk=planned.pk, state=Run.State.QUEUED, attempt=0).update(
        state=Run.State.SKIPPED, reason=run_rules.OVERLAP, ended_at=clock()
    )
    planned.refresh_from_db()
    summary = planned.reason or planned.summary
    return RunResult(name, planned.state, summary, run_id=planned.pk)


def attempt(run_id: int, *, clock: Clock = timezone.now) -> RunResult | None:
    """Claim a run and perform it; None where it is another's, done, or has to wait."""
    claimed = claim(run_id, worker_id.current(), clock())
    if claimed is None:
        return None
    begin = monotonic()
    aside = partial(_renew_aside, run_id, claimed.attempt)
    with LeaseRenewal(aside, run_rules.LEASE_RENEWAL_INTERVAL, run_rules.LEASE_LENGTH) as lease:
        result = _performed(claimed, lease, clock)
    return replace(result, seconds=monotonic() - begin)


@transaction.atomic
def claim(run_id: int, worker: str, now: datetime) -> Run | None:
    """Give the run to one worker, unless the switch is off or its automation is running.

    Leases are counted on the database's clock, the one clock all workers share.
    """
    automation = Automation.objects.select_for_update().get(runs=run_id)
    running = automation.runs.filter(state=Run.State.RUNNING, lease_until__gte=Now())
    is_off = not settings.AUTOMATION_ENABLED or automation_pause.holds()
    if is_off or running.exclude(pk=run_id).exists():
        return None
    taken = (
        Run.objects.free(now)
        .filter(pk=run_id, attempt__lt=run_rules.MAX_ATTEMPTS)
        .update(
            state=Run.State.RUNNING,
            attempt=F("attempt") + 1,
            lease_until=_lease_end(),
            worker=worker,
            started_at=now,
        )
    )
    claimed = Run.objects.get(pk=run_id) if taken else None
    if claimed:
        claimed.automation = automation
    return claimed


def renew(run_id: int, attempt: int) -> bool:
    """Prolong a lease; False where another attempt has the run."""
    return _mine(run_id, attempt).update(lease_until=_lease_end()) == 1


@transaction.atomic
def finish(claimed: Run, outcome: RunOutcome, now: datetime, heard: str = "") -> bool:
    """Record a success; False, and nothing written, where another attempt has the run."""
    written = _mine(claimed.pk, claimed.attempt).update(
        state=Run.State.DONE,
        lease_until=None,
        ended_at=now,
        summary=run_rules.legible(outcome.summary),
        result=run_rules.recordable(run_rules.result_json(outcome, redaction.text(heard))),
        error="",
    )
    if written:
        alerts.resolve(SOURCE, FAILED, claimed.automation.name, now=now)
    return written == 1


@transaction.atomic
def fail(claimed: Run, error: str, now: datetime) -> bool:
    """Record a failure, and queue the next attempt where one is left; False as `finish`.

    A run that a person asked for is not repeated: the person sees what happened.
    """
    if claimed.attempt >= run_rules.MAX_ATTEMPTS or claimed.trigger == Run.Trigger.MANUAL:
        return _give_up(Run.objects.all(), claimed, error, now)
    written = _mine(claimed.pk, claimed.attempt).update(
        state=Run.State.QUEUED,
        lease_until=None,
        ended_at=now,
        not_before=now + run_rules.RETRY_DELAYS[claimed.attempt],
        error=run_rules.legible(error),
    )
    return written == 1


def dry_run(name: str, now: datetime) -> RunResult:
    """A dry run: everything is computed, and nothing of it stays, not even a ledger row."""
    automation = Automation.objects.get(name=name)
    context = RunContext(name, None, now, now, automation.mode, dry_run=True)
    begin = monotonic()
    try:
        with transaction.atomic():
            outcome = registry.named(name).perform(context)
            transaction.set_rollback(True)
    except Exception as error:
        log.exception("The dry run of %s failed", name)
        return RunResult(name, "failed", _told(error), monotonic() - begin)
    took, found = monotonic() - begin, dict(outcome.detail)
    return RunResult(name, "dry run", outcome.summary, took, detail=found)


def delete_old_runs(now: datetime) -> int:
    """Forget failed runs after a year and others after 90 days; how many went."""
    ended = Run.objects.filter
    good = ended(
        state__in=[Run.State.DONE, Run.State.SKIPPED], ended_at__lt=now - run_rules.RETENTION
    )
    failed = ended(state=Run.State.FAILED, ended_at__lt=now - run_rules.FAILED_RETENTION)
    return forget(good) + forget(failed)


@transaction.atomic
def disable_auto(name: str, because: str, now: datetime) -> bool:
    """Take an automation from auto back to propose; False where it is not in auto."""
    in_auto = Automation.objects.filter(name=name, mode=Automation.Mode.AUTO)
    if (automation := in_auto.select_for_update().first()) is None:
        return False
    automation.mode = Automation.Mode.PROPOSE
    automation.demoted_at, automation.demoted_because = now, because[:300]
    automation.save()
    told = f"{name} proposes again, and applies nothing by itself: {because}"
    return bool(alerts.raise_alert(SOURCE, DEMOTED, name, HIGH, told, now=now))


# --- Schedules --------------------------------------------------------------------------------
@transaction.atomic
def save_schedule(automation: Automation, wanted: Schedule, now: datetime) -> Automation:
    """Save an automation together with its place in beat's tables; beat sees it in seconds.

    Where the times change, or it is switched on again, slots count from now.
    """
    stored = Automation.objects.select_for_update().filter(pk=automation.pk).first()
    task = stored.task if stored else PeriodicTask(name=automation.name, task=seeding.WAKE_UP)
    if stored is None or _starts_anew(stored, automation, wanted):
        automation.scheduled_at = now
        task.last_run_at = now
    if automation.mode == Automation.Mode.AUTO and (stored is None or stored.mode != "auto"):
        automation.trusted_at = now
        alerts.resolve(SOURCE, DEMOTED, automation.name, now=now)
    task.interval, task.crontab = _beat_schedule(wanted, automation.zone)
    task.kwargs = seeding.wake_up_of(automation.name)
    task.queue = registry.named(automation.name).queue
    task.expire_seconds = seeding.STALE_AFTER
    task.enabled = automation.is_enabled
    task.save()
    automation.task = task
    automation.save()
    return automation


def _starts_anew(stored: Automation, automation: Automation, wanted: Schedule) -> bool:
    switched_on = automation.is_enabled and not stored.is_enabled
    return switched_on or stored.zone != automation.zone or stored.schedule != wanted


def _beat_schedule(
    wanted: Schedule, zone: str
) -> tuple[IntervalSchedule | None, CrontabSchedule | None]:
    """The row in beat's tables that says this; such rows are shared and never changed."""
    if isinstance(wanted, Interval):
        count, period = schedule_text.units(wanted.every)
        rows = IntervalSchedule.objects.filter(every=count, period=period)
        return rows.first() or IntervalSchedule.objects.create(every=count, period=period), None
    fields = {**schedule_text.crontab(wanted), "timezone": zone}
    crontabs = CrontabSchedule.objects.filter(**fields)
    return None, crontabs.first() or CrontabSchedule.objects.create(**fields)


# --- Parts ------------------------------------------------------------------------------------
def _locked(name: str) -> Automation:
    rows = Automation.objects.select_related("task__interval", "task__crontab")
    return rows.select_for_update(of=("self",)).get(name=name)


def _due(automation: Automation, now: datetime) -> list[DueRun]:
    planned = automation.runs.exclude(trigger=Run.Trigger.MANUAL)
    last = planned.order_by("-planned_for").values_list("planned_for", flat=True).first()
    after = max(
        automation.scheduled_at, now - run_rules.CATCH_UP_WINDOW, last or automation.scheduled_at
    )
    until = now + occurrences.tolerance(automation.schedule)
    due = occurrences.latest(
        automation.schedule, automation.clock, after, until, run_rules.MAX_CATCH_UP_RUNS
    )
    busy = automation.runs.filter(state__in=OPEN).exists()
    return run_rules.plan_due_runs(due, automation.missed, now, busy=busy)


def _row(automation: Automation, entry: DueRun, now: datetime) -> Run:
    return Run(
        automation=automation,
        planned_for=entry.planned_for,
        trigger=entry.trigger,
        state=Run.State.SKIPPED if entry.reason else Run.State.QUEUED,
        reason=entry.reason,
        not_before=now,
        queued_at=now,
        ended_at=now if entry.reason else None,
    )


def _startable(name: str, now: datetime) -> list[int]:
    rows = Run.objects.free(now).filter(automation__name=name).order_by("planned_for")
    return list(rows.values_list("pk", flat=True))


def _performed(claimed: Run, lease: LeaseRenewal, clock: Clock) -> RunResult:
    """Perform a claimed run and record how it ended."""
    name = claimed.automation.name
    context = RunContext(
        automation=name,
        run_id=claimed.pk,
        planned_for=claimed.planned_for.astimezone(UTC),
        now=clock(),
        mode=claimed.automation.mode,
        dry_run=False,
        may_continue=lambda: lease.held() and bool(settings.AUTOMATION_ENABLED),
    )
    excerpt = LogCapture()
    try:
        with attribution.acting(f"automation:{name}"), excerpt:
            outcome = registry.named(name).perform(context)
    except Exception as error:
        log.exception("Run %s of %s failed in attempt %s", claimed.pk, name, claimed.attempt)
        told = redaction.text(excerpt.above("".join(traceback.format_exception(error, limit=-8))))
        return _ended(claimed, "failed", _told(error), is_mine=fail(claimed, told, clock()))
    is_mine = finish(claimed, outcome, clock(), excerpt.above(""))
    result = _ended(claimed, "done", outcome.summary, is_mine=is_mine)
    return replace(result, detail=dict(outcome.detail))


def _ended(claimed: Run, state: str, summary: str, *, is_mine: bool) -> RunResult:
    if not is_mine:
        log.warning("Run %s was taken over; attempt %s is void", claimed.pk, claimed.attempt)
        state, summary = "taken over", "Another worker took it over; nothing was recorded."
    return RunResult(claimed.automation.name, state, summary, run_id=claimed.pk)


@transaction.atomic
def _give_up(rows: QuerySet[Run], run: Run, error: str, now: datetime) -> bool:
    """Record that a run failed for good, and tell it; False where another has it."""
    written = _mine(run.pk, run.attempt, rows).update(
        state=Run.State.FAILED, lease_until=None, ended_at=now, error=run_rules.legible(error)
    )
    if written:
        words = f"{run} failed: {run_rules.last_line(error)}"
        where = reports.page(run)
        alerts.raise_alert(SOURCE, FAILED, run.automation.name, HIGH, words, link=where, now=now)
    return written == 1


def _told(error: Exception) -> str:
    return run_rules.legible(redaction.text(f"{type(error).__name__}: {error}"))


def _renew_aside(run_id: int, attempt: int) -> bool:
    """Renew from the lease's own thread, which keeps no connection between two renewals."""
    try:
        return renew(run_id, attempt)
    finally:
        connection.close()


def _mine(run_id: int, attempt: int, rows: QuerySet[Run] | None = None) -> QuerySet[Run]:
    mine = Run.objects.all() if rows is None else rows
    return mine.filter(pk=run_id, attempt=attempt, state=Run.State.RUNNING)


def _lease_end() -> ExpressionWrapper[Any]:
    return ExpressionWrapper(Now() + run_rules.LEASE_LENGTH, output_field=DateTimeField())
