"""Recover runs that dead workers left or nothing announced; delete old ones."""

from datetime import datetime

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q

from aethercrown.db.bulk import forget
from aethercrown.db.leases import lease_end, lease_expired, lease_too_long
from operations.automations import run_rules, worker_id
from operations.automations.models import Automation, Run
from operations.automations.registry import automation_registry
from operations.automations.services.enqueue import enqueue_due_runs
from operations.automations.services.execute import fail_for_good


def recover_runs(now: datetime) -> list[tuple[str, str]]:
    """Enqueue due runs that beat did not announce, then as `requeue_abandoned_runs`."""
    known = Automation.objects.filter(name__in=automation_registry.names())
    for name in known.values_list("name", flat=True):
        enqueue_due_runs(name, now)
    return requeue_abandoned_runs(now)


def requeue_abandoned_runs(now: datetime) -> list[tuple[str, str]]:
    """Queue runs that dead workers left, or fail them after the last attempt.

    Returns (automation, queue) of everything that waits to be executed. A worker is dead when
    its lease has expired or its process is gone from this machine. With nothing to do this costs
    three short queries.
    """
    running = Run.objects.filter(state=Run.State.RUNNING)
    running.filter(lease_too_long(run_rules.LEASE_LENGTH)).update(
        lease_until=lease_end(run_rules.LEASE_LENGTH)
    )
    expired = lease_expired()
    found = running.values_list("worker", ExpressionWrapper(expired, BooleanField()))
    gone = {worker for worker, _ in found if worker_id.is_gone(worker)}
    if gone or any(is_expired for _, is_expired in found):
        abandoned = running.filter(expired | Q(worker__in=gone))
        last_attempt = abandoned.filter(attempt__gte=run_rules.MAX_ATTEMPTS)
        for run in last_attempt.select_related("automation"):
            fail_for_good(abandoned, run, run_rules.WORKER_LOST, now)
        abandoned.update(state=Run.State.QUEUED, lease_until=None, not_before=now)
    if not settings.AUTOMATION_ENABLED:
        return []
    waiting = Run.objects.filter(
        state=Run.State.QUEUED,
        not_before__lte=now,
        automation__name__in=automation_registry.names(),
    )
    names = waiting.order_by().values_list("automation__name", flat=True).distinct()
    return [(name, automation_registry.get(name).queue) for name in sorted(names)]


def delete_old_runs(now: datetime) -> int:
    """Delete failed runs after a year and others after 90 days; returns how many."""
    ended = Run.objects.filter
    good = ended(
        state__in=[Run.State.DONE, Run.State.SKIPPED], ended_at__lt=now - run_rules.RETENTION
    )
    failed = ended(state=Run.State.FAILED, ended_at__lt=now - run_rules.FAILED_RETENTION)
    return forget(good) + forget(failed)
