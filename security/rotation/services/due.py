"""Rotate the keys that are due, within the hourly limit."""

import logging
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime

from django.utils import timezone

from security.rotation import schedule
from security.rotation.models import ManagedSecret
from security.rotation.registry import rotators
from security.rotation.results import RotationFailure, RotationResult, RotationRunResult
from security.rotation.services import bulk, execute, policy, scheduled_runs, steps
from security.rotation.services.rotate import SCHEDULED, rotate
from security.rotation.services.steps import Clock, Failpoint, RotationRequest

KeyFilter = Callable[[Sequence[ManagedSecret]], Sequence[ManagedSecret]]
log = logging.getLogger(__name__)


def rotate_due(
    *,
    actor: str = "",
    force: bool = False,
    permit: KeyFilter = tuple,
    clock: Clock = steps.database_now,
    local_clock: Callable[[], datetime] = timezone.now,
    failpoint: Failpoint = steps.no_failpoint,
) -> RotationRunResult:
    """Rotate every key that is due, the longest due first, within the hourly limit.

    Safe to repeat. `force` ignores the limit and a pause. Keys that need a person are left out,
    and so are those that `permit` does not return. The database's clock decides what is due;
    `local_clock` is only compared with it.
    """
    now = clock()
    policy.reschedule()
    run, chosen = scheduled_runs.begin(now, local_clock(), actor, force=force)
    if run.paused_because:
        return RotationRunResult([], [], run.due, run.due, run.paused_because)
    request = RotationRequest(SCHEDULED, None, actor, clock, failpoint)
    rotated, failures = _rotate_all(permit(chosen), request)
    scheduled_runs.end(run, len(rotated), len(failures), clock())
    return RotationRunResult(rotated, failures, run.due, run.held_back)


def next_due() -> list[ManagedSecret]:
    """The keys that one run with a full hourly allowance would rotate."""
    active = ManagedSecret.objects.filter(state=ManagedSecret.State.ACTIVE).count()
    return scheduled_runs.due_keys(steps.database_now())[: schedule.hourly_limit(active)]


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
            result = rotate(key.key_id, reason=request.reason, actor=request.actor,
                            clock=request.clock, failpoint=request.failpoint)  # fmt: skip
            results.append(result)
        except Exception as error:
            log.exception("Key %s could not be rotated", key.pk)
            failures.append(RotationFailure(key.key_id, execute.error_message(error)))
    return results, failures
