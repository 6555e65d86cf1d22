"""Execute runs: claim one under a lease, perform it, record how it ended."""

import logging
import traceback
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from time import monotonic

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from aethercrown.background import closing_connection
from aethercrown.backup import automation_pause
from aethercrown.db.leases import lease_end
from aethercrown.history import attribution
from aethercrown.monitoring import redaction
from aethercrown.severity import HIGH
from aethercrown.text import last_line, storable_json, storable_text
from operations.alerts import services as alerts
from operations.automations import reports, run_rules, worker_id
from operations.automations.lease import LeaseRenewal
from operations.automations.log_capture import LogCapture
from operations.automations.models import Automation, Run
from operations.automations.registry import RunContext, RunOutcome, automation_registry
from operations.automations.run_rules import DueRun, RunResult
from operations.automations.services.enqueue import enqueue_due_runs, lock, new_run

Clock = Callable[[], datetime]
ALERT_SOURCE, RUN_FAILED = "automations", "run_failed"
log = logging.getLogger(__name__)


def run_due(name: str, *, clock: Clock = timezone.now) -> list[RunResult]:
    """Execute every run of one automation that is due and free, oldest first."""
    enqueue_due_runs(name, clock())
    results = []
    rows = Run.objects.claimable(clock()).filter(automation__name=name).order_by("planned_for")
    for run_id in list(rows.values_list("pk", flat=True)):
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
    """Execute the run of one planned time now, or report why it was not executed."""
    with transaction.atomic():
        automation = lock(name)
        due = DueRun(planned_for, trigger)
        Run.objects.bulk_create([new_run(automation, due, clock())], ignore_conflicts=True)
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
    """Claim a run and perform it; None if it is another worker's, done, or not due yet."""
    claimed = claim(run_id, worker_id.current(), clock())
    if claimed is None:
        return None
    begin = monotonic()
    renew_lease = partial(closing_connection(renew), run_id, claimed.attempt)
    with LeaseRenewal(
        renew_lease, run_rules.LEASE_RENEWAL_INTERVAL, run_rules.LEASE_LENGTH
    ) as lease:
        result = _perform(claimed, lease, clock)
    return replace(result, seconds=monotonic() - begin)


@transaction.atomic
def claim(run_id: int, worker: str, now: datetime) -> Run | None:
    """Give the run to one worker; None if automation is off or another run of it is running."""
    automation = Automation.objects.select_for_update().get(runs=run_id)
    running = automation.runs.filter(state=Run.State.RUNNING, lease_until__gte=Now())
    is_off = not settings.AUTOMATION_ENABLED or automation_pause.is_paused()
    if is_off or running.exclude(pk=run_id).exists():
        return None
    taken = (
        Run.objects.claimable(now)
        .filter(pk=run_id, attempt__lt=run_rules.MAX_ATTEMPTS)
        .update(
            state=Run.State.RUNNING,
            attempt=F("attempt") + 1,
            lease_until=lease_end(run_rules.LEASE_LENGTH),
            worker=worker,
            started_at=now,
        )
    )
    claimed = Run.objects.get(pk=run_id) if taken else None
    if claimed:
        claimed.automation = automation
    return claimed


def renew(run_id: int, attempt: int) -> bool:
    """Extend the lease of an attempt; False if another attempt has the run."""
    rows = _attempt_rows(run_id, attempt)
    return rows.update(lease_until=lease_end(run_rules.LEASE_LENGTH)) == 1


@transaction.atomic
def finish(claimed: Run, outcome: RunOutcome, now: datetime, logged: str = "") -> bool:
    """Record a success; False, and nothing is written, if another attempt has the run."""
    log_text = redaction.text(logged).strip()
    result = {"decisions": outcome.decisions, "detail": outcome.detail}
    written = _attempt_rows(claimed.pk, claimed.attempt).update(
        state=Run.State.DONE,
        lease_until=None,
        ended_at=now,
        summary=storable_text(outcome.summary),
        result=storable_json({**result, "log": log_text} if log_text else result),
        error="",
    )
    if written:
        alerts.resolve(ALERT_SOURCE, RUN_FAILED, claimed.automation.name, now=now)
    return written == 1


@transaction.atomic
def fail(claimed: Run, error: str, now: datetime) -> bool:
    """Record a failure and queue the next attempt, but not of a manual run; False as `finish`."""
    if claimed.attempt >= run_rules.MAX_ATTEMPTS or claimed.trigger == Run.Trigger.MANUAL:
        return fail_for_good(Run.objects.all(), claimed, error, now)
    written = _attempt_rows(claimed.pk, claimed.attempt).update(
        state=Run.State.QUEUED,
        lease_until=None,
        ended_at=now,
        not_before=now + run_rules.RETRY_DELAYS[claimed.attempt],
        error=storable_text(error),
    )
    return written == 1


@transaction.atomic
def fail_for_good(rows: QuerySet[Run], run: Run, error: str, now: datetime) -> bool:
    """Record the final failure and raise an alert; False if the attempt is not among `rows`."""
    written = _attempt_rows(run.pk, run.attempt, rows).update(
        state=Run.State.FAILED, lease_until=None, ended_at=now, error=storable_text(error)
    )
    if written:
        message = f"{run} failed: {last_line(error)}"
        alerts.raise_alert(
            ALERT_SOURCE,
            RUN_FAILED,
            run.automation.name,
            HIGH,
            message,
            link=reports.page(run),
            now=now,
        )
    return written == 1


def dry_run(name: str, now: datetime) -> RunResult:
    """Compute everything in a transaction and roll it back; no run is stored either."""
    automation = Automation.objects.get(name=name)
    context = RunContext(name, None, now, now, automation.mode, dry_run=True)
    begin = monotonic()
    try:
        with transaction.atomic():
            outcome = automation_registry.get(name).perform(context)
            transaction.set_rollback(True)
    except Exception as error:
        log.exception("The dry run of %s failed", name)
        return RunResult(name, "failed", _error_text(error), monotonic() - begin)
    seconds, detail = monotonic() - begin, dict(outcome.detail)
    return RunResult(name, "dry run", outcome.summary, seconds, detail=detail)


def _perform(claimed: Run, lease: LeaseRenewal, clock: Clock) -> RunResult:
    """Perform a claimed run and record how it ended."""
    name = claimed.automation.name
    context = RunContext(
        automation=name,
        run_id=claimed.pk,
        planned_for=claimed.planned_for.astimezone(UTC),
        now=clock(),
        mode=claimed.automation.mode,
        dry_run=False,
        may_continue=lambda: lease.is_held() and bool(settings.AUTOMATION_ENABLED),
    )
    capture = LogCapture()
    try:
        with attribution.acting(f"automation:{name}"), capture:
            outcome = automation_registry.get(name).perform(context)
    except Exception as error:
        log.exception("Run %s of %s failed in attempt %s", claimed.pk, name, claimed.attempt)
        trace = capture.above("".join(traceback.format_exception(error, limit=-8)))
        is_recorded = fail(claimed, redaction.text(trace), clock())
        return _result(claimed, "failed", _error_text(error), is_recorded=is_recorded)
    is_recorded = finish(claimed, outcome, clock(), capture.above(""))
    result = _result(claimed, "done", outcome.summary, is_recorded=is_recorded)
    return replace(result, detail=dict(outcome.detail))


def _result(claimed: Run, state: str, summary: str, *, is_recorded: bool) -> RunResult:
    if not is_recorded:
        log.warning("Run %s was taken over; attempt %s is void", claimed.pk, claimed.attempt)
        state, summary = "taken over", "Another worker took it over; nothing was recorded."
    return RunResult(claimed.automation.name, state, summary, run_id=claimed.pk)


def _error_text(error: Exception) -> str:
    return storable_text(redaction.text(f"{type(error).__name__}: {error}"))


def _attempt_rows(run_id: int, attempt: int, rows: QuerySet[Run] | None = None) -> QuerySet[Run]:
    """The run, if this attempt still has it."""
    found = Run.objects.all() if rows is None else rows
    return found.filter(pk=run_id, attempt=attempt, state=Run.State.RUNNING)
