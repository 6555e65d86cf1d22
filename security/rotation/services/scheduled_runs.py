"""Begin and end scheduled rotation runs: choose the keys that are due, under one lock."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Sum

from security.rotation import reports, schedule
from security.rotation.models import ManagedSecret, RotationPolicy, RotationRun
from security.rotation.registry import rotators
from security.rotation.schedule import LEVELS
from security.rotation.services import steps

State = ManagedSecret.State


@transaction.atomic
def begin(
    now: datetime, local: datetime, actor: str, *, force: bool
) -> tuple[RotationRun, list[ManagedSecret]]:
    """Store a run and choose its keys, under one lock, so that runs share the hourly limit."""
    _lock_runs()
    last = RotationRun.objects.first()
    due = due_keys(now)
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


def due_keys(now: datetime) -> list[ManagedSecret]:
    """Eligible keys whose rotator works without a person, the longest due first."""
    automatic = [each.name for each in rotators if each.automatic]
    rows = steps.ready(now).filter(state=State.ACTIVE, eligible_at__lte=now, rotator__in=automatic)
    return list(rows.order_by("due_at", "pk"))


def end(run: RotationRun, rotated: int, failed: int, now: datetime) -> None:
    """Store the outcome of a run."""
    RotationRun.objects.filter(pk=run.pk).update(ended_at=now, rotated=rotated, failed=failed)


def resume_runs(*, actor: str) -> None:
    """Let runs rotate again after a pause."""
    paused = RotationRun.objects.filter(resumed_at=None).exclude(paused_because="")
    paused.update(resumed_at=steps.database_now(), resumed_by=actor)


def _lock_runs() -> None:
    """Lock the rows of all levels: only one run begins at a time."""
    rows = [RotationPolicy(level=level) for level in LEVELS]
    RotationPolicy.objects.bulk_create(rows, ignore_conflicts=True)
    list(RotationPolicy.objects.select_for_update().order_by("level"))
