"""Rotate the keys that are due in a run, within the hourly limit that all runs share."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Sum

from security.rotation import reports, schedule, system_clock
from security.rotation.models import ManagedSecret, RotationRun, SecretVersion
from security.rotation.results import RotationFailure, RotationResult, RotationRunResult
from security.rotation.schedule import ClockReading
from security.rotation.services import bulk, execute, four_eyes, orders, policy, steps
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
    outside_later: bool = False,
    reading: Callable[[], ClockReading] = system_clock.read,
) -> RotationRunResult:
    """Rotate every key that is due, the longest due first, within the hourly limit.

    Safe to repeat. `force` ignores the limit and a pause. Keys whose new value would reach nobody
    are left out and named, and so are those that `permit` does not return. With `outside_later` a
    worker does those that call something outside. The database's clock decides what is due;
    `reading` is only compared with it.
    """
    policy.reschedule()
    run, chosen = _begin_run(steps.database_now(), reading(), actor, force=force)
    by_hand = [each.key_id for each in due_by_hand()]
    if run.paused_because:
        return RotationRunResult([], [], run.due, run.due, run.paused_because, by_hand)
    allowed = list(permit(chosen))
    later = [each for each in allowed if outside_later and reports.acts_outside(each)]
    _order(later)
    here = [each for each in allowed if each not in later]
    rotated, failures = _rotate_all(here, RotationRequest(SCHEDULED, actor=actor))
    run.ended_at, run.rotated, run.failed = steps.database_now(), len(rotated), len(failures)
    run.save(update_fields=["ended_at", "rotated", "failed"])
    names = [each.key_id for each in later]
    return RotationRunResult(rotated, failures, run.due, run.held_back, "", by_hand, names)


def rotate_due_for(actor: str, *, force: bool = False) -> RotationRunResult:
    """`rotate_due` as a person or an API key starts it; a worker does what calls something."""
    waiting: list[RotationFailure] = []

    def permit(keys: Sequence[ManagedSecret]) -> Sequence[ManagedSecret]:
        allowed = []
        for key in keys:
            try:
                four_eyes.check(key, actor, SCHEDULED, steps.database_now())
            except four_eyes.ApprovalRequired as error:
                waiting.append(RotationFailure(key.key_id, str(error)))
            else:
                allowed.append(key)
        return allowed

    result = rotate_due(actor=actor, force=force, permit=permit, outside_later=True)
    return replace(result, failures=[*result.failures, *waiting])


def _order(keys: list[ManagedSecret]) -> None:
    """Let a worker rotate these keys."""
    for key in keys:
        steps.note_approval(key, steps.database_now())
    if keys:
        transaction.on_commit(orders.wake_worker, robust=True)


def next_due(mode: str, actor: str) -> list[ManagedSecret]:
    """The keys that one run with a full hourly allowance would rotate; records a run of `mode`."""
    now = steps.database_now()
    due = _due_keys(now)
    active = ManagedSecret.objects.filter(state=State.ACTIVE).count()
    RotationRun.objects.create(
        begun_at=now, ended_at=now, actor=actor, mode=mode, due=len(due), held_back=len(due)
    )
    return due[: schedule.hourly_limit(active)]


def due_by_hand() -> list[ManagedSecret]:
    """Due keys that a person rotates: their new value reaches nobody by itself."""
    now = steps.database_now()
    rows = ManagedSecret.objects.filter(state=State.ACTIVE, eligible_at__lte=now)
    themselves = reports.rotating_themselves().values("pk")
    return list(rows.exclude(pk__in=themselves).order_by("due_at", "pk"))


def resume_runs(*, actor: str) -> None:
    """Let runs rotate again after a pause."""
    paused = RotationRun.objects.filter(resumed_at=None).exclude(paused_because="")
    paused.update(resumed_at=steps.database_now(), resumed_by=actor)


@transaction.atomic
def _begin_run(
    now: datetime, reading: ClockReading, actor: str, *, force: bool
) -> tuple[RotationRun, list[ManagedSecret]]:
    """Store a run and choose its keys, under one lock, so that runs share the hourly limit."""
    steps.lock_policies()  # only one run begins at a time
    due = _due_keys(now)
    conditions = _conditions(now, reading, len(due))
    allowance = schedule.RunAllowance(len(due)) if force else schedule.run_allowance(conditions)
    chosen = due[: allowance.limit]
    run = RotationRun.objects.create(
        begun_at=now,
        actor=actor,
        boot=reading.boot,
        uptime=reading.uptime,
        local_at=reading.wall,
        due=len(due),
        held_back=len(due) - len(chosen),
        paused_because=allowance.paused_because,
    )
    return run, chosen


def _conditions(now: datetime, reading: ClockReading, due: int) -> schedule.RunConditions:
    last = RotationRun.objects.first()
    here = RotationRun.objects.filter(boot=reading.boot, local_at__isnull=False).first()
    last_reading = None
    if here is not None and here.local_at is not None and here.uptime is not None:
        last_reading = ClockReading(here.local_at, here.boot, here.uptime)
    return schedule.RunConditions(
        keys=ManagedSecret.objects.filter(state=State.ACTIVE).count(),
        due=due,
        begun_this_hour=_begun_within_an_hour(now),
        now=now,
        reading=reading,
        last_reading=last_reading,
        last_run_at=last.begun_at if last else None,
        paused=bool(reports.paused_because()),
    )


def _begun_within_an_hour(now: datetime) -> int:
    """How many rotations the runs of the last hour were given."""
    runs = RotationRun.objects.filter(begun_at__gt=now - timedelta(hours=1), begun_at__lte=now)
    return runs.aggregate(begun=Sum(F("due") - F("held_back")))["begun"] or 0


def _due_keys(now: datetime) -> list[ManagedSecret]:
    """Eligible keys whose new value reaches its users, the longest due first.

    Within the grace that an earlier value was promised, a key waits.
    """
    themselves = reports.rotating_themselves().values("pk")
    rows = steps.ready(now).filter(state=State.ACTIVE, eligible_at__lte=now, pk__in=themselves)
    promised = SecretVersion.objects.filter(
        key=OuterRef("pk"), state=SecretVersion.State.RETIRING, retire_at__gt=now
    )
    return list(rows.exclude(Exists(promised)).order_by("due_at", "pk"))


def _rotate_all(
    keys: Iterable[ManagedSecret], request: RotationRequest
) -> tuple[list[RotationResult], list[RotationFailure]]:
    """Keys without a target in batches, the others one by one."""
    batch: list[ManagedSecret] = []
    single: list[ManagedSecret] = []
    for key in keys:
        (single if reports.acts_outside(key) else batch).append(key)
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
