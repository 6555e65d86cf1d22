"""Rotate the keys that are due in a run, within the hourly limit that all runs share."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Sum
from django.utils import timezone

from security.rotation import reports, schedule
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun
from security.rotation.registry import rotators
from security.rotation.results import RotationFailure, RotationResult, RotationRunResult
from security.rotation.schedule import LEVELS
from security.rotation.services import bulk, execute, policy, steps
from security.rotation.services.rotate import SCHEDULED, rotate
from security.rotation.services.steps import RotationRequest

KeyFilter = Callable[[Sequence[ManagedSecret]], Sequence[ManagedSecret]]
State = ManagedSecret.State
log = logging.getLogger(__name__)


def rotate_due(
    *,
    actor: str = "",
    force: bool = False,
    permit: KeyFilter = tuple,
    local_clock: Callable[[], datetime] = timezone.now,
) -> RotationRunResult:
    """Rotate every key that is due, the longest due first, within the hourly limit.

    Safe to repeat. `force` ignores the limit and a pause. Keys that need a person are left out,
    and so are those that `permit` does not return. The database's clock decides what is due;
    `local_clock` is only compared with it.
    """
    policy.reschedule()
    run, chosen = _begin_run(steps.database_now(), local_clock(), actor, force=force)
    if run.paused_because:
        return RotationRunResult([], [], run.due, run.due, run.paused_because)
    rotated, failures = _rotate_all(permit(chosen), RotationRequest(SCHEDULED, actor=actor))
    run.ended_at, run.rotated, run.failed = steps.database_now(), len(rotated), len(failures)
    run.save(update_fields=["ended_at", "rotated", "failed"])
    return RotationRunResult(rotated, failures, run.due, run.held_back)


def next_due() -> list[ManagedSecret]:
    """The keys that one run with a full hourly allowance would rotate."""
    active = ManagedSecret.objects.filter(state=State.ACTIVE).count()
    return _due_keys(steps.database_now())[: schedule.hourly_limit(active)]


def resume_runs(*, actor: str) -> None:
    """Let runs rotate again after a pause."""
    paused = RotationRun.objects.filter(resumed_at=None).exclude(paused_because="")
    paused.update(resumed_at=steps.database_now(), resumed_by=actor)


@transaction.atomic
def _begin_run(
    now: datetime, local: datetime, actor: str, *, force: bool
) -> tuple[RotationRun, list[ManagedSecret]]:
    """Store a run and choose its keys, under one lock, so that runs share the hourly limit."""
    _lock_runs()
    last = RotationRun.objects.first()
    due = _due_keys(now)
    conditions = schedule.RunConditions(
        keys=ManagedSecret.objects.filter(state=State.ACTIVE).count(),
        due=len(due),
        begun_this_hour=_begun_within_an_hour(now),
        now=now,
        local_now=local,
        last_run_at=last.begun_at if last else None,
        paused=bool(reports.paused_because()),
    )
    allowance = schedule.RunAllowance(len(due)) if force else schedule.run_allowance(conditions)
    chosen = due[: allowance.limit]
    run = RotationRun.objects.create(
        begun_at=now,
        actor=actor,
        due=len(due),
        held_back=len(due) - len(chosen),
        paused_because=allowance.paused_because,
    )
    return run, chosen


def _begun_within_an_hour(now: datetime) -> int:
    """How many rotations the runs of the last hour were given."""
    runs = RotationRun.objects.filter(begun_at__gt=now - timedelta(hours=1), begun_at__lte=now)
    return runs.aggregate(begun=Sum(F("due") - F("held_back")))["begun"] or 0


def _due_keys(now: datetime) -> list[ManagedSecret]:
    """Eligible keys whose rotator works without a person, the longest due first."""
    automatic = [each.name for each in rotators if each.automatic]
    rows = steps.ready(now).filter(state=State.ACTIVE, eligible_at__lte=now, rotator__in=automatic)
    return list(rows.order_by("due_at", "pk"))


def _lock_runs() -> None:
    """Lock the rows of all levels: only one run begins at a time."""
    rows = [RotationPolicy(level=level) for level in LEVELS]
    RotationPolicy.objects.bulk_create(rows, ignore_conflicts=True)
    list(RotationPolicy.objects.select_for_update().order_by("level"))


def _rotate_all(
    keys: Iterable[ManagedSecret], request: RotationRequest
) -> tuple[list[RotationResult], list[RotationFailure]]:
    """Keys without a target in batches, the others one by one."""
    batch: list[ManagedSecret] = []
    single: list[ManagedSecret] = []
    for key in keys:
        (single if rotators.get(key.rotator).has_target else batch).append(key)
    results = bulk.rotate_many(batch, request)
    done = {each.key_id for each in results}
    failures = []
    for key in [*single, *(each for each in batch if each.key_id not in done)]:
        try:
            results.append(rotate(key.key_id, reason=SCHEDULED, actor=request.actor))
        except Exception as error:
            log.exception("Key %s could not be rotated", key.pk)
            failures.append(RotationFailure(key.key_id, execute.error_message(error)))
    return results, failures
