"""Rotations that a worker does: whatever calls or writes something outside holds no web thread.

The caller waits a little for the result. Who asks again in time gets the result of the first
order instead of a second rotation; the new value is handed out once.
"""

import logging
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction

from aethercrown.backup import automation_pause
from aethercrown.crypto import sealing
from aethercrown.db.bulk import forget
from aethercrown.transitions import InvalidTransition
from security.rotation import reports
from security.rotation.models import ManagedSecret, RotationOrder, SecretVersion
from security.rotation.results import RotationResult
from security.rotation.services import execute, four_eyes, steps
from security.rotation.services.execute import RotationFailed
from security.rotation.services.rotate import (
    COMPROMISED,
    MANUAL,
    ROTATABLE,
    check_is_new,
    check_promise,
    check_request,
    check_version,
    rehearse,
    rotate,
)
from security.rotation.services.steps import LEASE_DURATION, Clock, RotationInProgress

WAIT_SECONDS = 5.0  # of the caller
LOOK_EVERY_SECONDS = 0.05
COLLECT_WITHIN = timedelta(minutes=15)
RETENTION = timedelta(days=30)  # of ended orders; the audit log keeps what was done
SEALED_VALUE = "sealed_value"
RESTORED = "The platform was restored from a back-up meanwhile: ask again if it is still wanted."
LOST_AFTER = LEASE_DURATION + timedelta(minutes=1)  # of a worker that was killed
State = RotationOrder.State
OPEN = (State.QUEUED, State.RUNNING)
wake: list[Callable[[], object]] = []  # `tasks` adds its own, so services import no tasks
log = logging.getLogger(__name__)


def order(
    key: ManagedSecret, actor: str, now: datetime, *, value: str | None = None, **asked: Any
) -> RotationOrder:
    """Ask a worker to rotate, or find what the same caller asked for.

    A `value` that a person entered is kept encrypted, until the rotation has ended. Raises
    RotationInProgress, InvalidTransition for a key that cannot be rotated, and InvalidArgument.
    """
    found = _earlier(key, actor, now, value, asked)
    if found is not None:
        return found
    if value is not None:
        check_request(key, value, asked.get("reason", MANUAL))
    if key.state not in ROTATABLE:
        raise InvalidTransition(f"{key} is {key.state}: it cannot be rotated.")
    if not asked.get("rehearse"):
        four_eyes.check(key, actor, asked.get("reason", MANUAL), now)
    if not steps.unleased().filter(pk=key.pk).exists():
        raise RotationInProgress(f"{key} is being rotated already.")
    if value is not None:
        _check_value(key, value, asked, now)
        asked[SEALED_VALUE] = sealing.seal(value, _sealing_context(key))
    try:
        with transaction.atomic():
            made = RotationOrder.objects.create(key=key, actor=actor, asked=asked, ordered_at=now)
    except IntegrityError as error:
        raise RotationInProgress(f"{key} is being rotated already.") from error
    transaction.on_commit(wake_worker, robust=True)
    return made


def _check_value(key: ManagedSecret, value: str, asked: Mapping[str, Any], now: datetime) -> None:
    """Whether it works already, once nothing else stands against the rotation."""
    check_version(key, asked.get("expected_version"))
    if not asked.get("end_previous") and asked.get("reason") != COMPROMISED:
        check_promise(key, now)
    check_is_new(key, value)


def _earlier(
    key: ManagedSecret, actor: str, now: datetime, value: str | None, asked: Mapping[str, Any]
) -> RotationOrder | None:
    """What the same caller asked for a moment ago, with the same `value`."""
    mine = RotationOrder.objects.filter(key=key, actor=actor, collected_at=None)
    for each in mine.filter(ordered_at__gt=now - COLLECT_WITHIN).select_related("key"):
        given = {name: part for name, part in each.asked.items() if name != SEALED_VALUE}
        entered = _entered_value(each) if SEALED_VALUE in each.asked else None
        if given == asked and (SEALED_VALUE in each.asked, entered) == (value is not None, value):
            return each
    return None


def _entered_value(made: RotationOrder) -> str | None:
    """The value that a person entered: of the order, then of its version; None where it failed."""
    if sealed := made.asked[SEALED_VALUE]:
        return sealing.unseal(sealed, _sealing_context(made.key))
    number = made.answer["version"] if made.answer else 0
    version = SecretVersion.objects.filter(key=made.key, number=number).first()
    return reports.decrypt(made.key, version) if version else None


def _sealing_context(key: ManagedSecret) -> str:
    return f"rotation order:{key.pk}"


def wake_worker() -> None:
    try:
        for each in wake:
            each()
    except Exception:
        log.warning("No worker could be woken; the next look rotates", exc_info=True)


def wait(made: RotationOrder, seconds: float | None = None) -> bool:
    """Whether the order ended within `seconds`, WAIT_SECONDS if not given."""
    ends = time.monotonic() + (WAIT_SECONDS if seconds is None else seconds)
    while made.state in OPEN and time.monotonic() < ends:
        time.sleep(LOOK_EVERY_SECONDS)
        made.refresh_from_db()
    return made.state not in OPEN


def collect(made: RotationOrder, now: datetime) -> RotationResult | None:
    """Hand the result of an ended order out, with the new value, once; None of a rehearsal.

    Raises RotationFailed, and RotationInProgress if it was handed out already.
    """
    rows = RotationOrder.objects.filter(pk=made.pk, collected_at=None)
    if not rows.update(collected_at=now):
        raise RotationInProgress(f"The result for {made.key} was handed out already.")
    if made.state == State.FAILED:
        raise RotationFailed(made.error)
    if made.answer is None:
        return None
    answer = RotationResult.from_dict(made.answer)
    version = SecretVersion.objects.filter(key=made.key, number=answer.version).first()
    value = reports.decrypt(made.key, version) if version and answer.rotated_at else ""
    return answer.with_value(value or None)


def run_ordered(clock: Clock = steps.database_now) -> int:
    """Rotate what was asked for; returns how many succeeded. Safe to repeat.

    After a restore, only what was asked for since: the rest may have been done already.
    """
    _requeue_lost(clock())
    waiting = RotationOrder.objects.filter(state=State.QUEUED).order_by("pk")
    if restored_at := automation_pause.since():
        waiting = waiting.filter(ordered_at__gte=restored_at)
    return sum(_run(each, clock) for each in waiting.values_list("pk", flat=True))


def _requeue_lost(now: datetime) -> None:
    """The pending value of a killed worker is continued, so the order may begin again."""
    lost = RotationOrder.objects.filter(state=State.RUNNING, started_at__lt=now - LOST_AFTER)
    lost.update(state=State.QUEUED, started_at=None)


def _run(pk: int, clock: Clock) -> bool:
    rows = RotationOrder.objects.filter(pk=pk)
    if not rows.filter(state=State.QUEUED).update(state=State.RUNNING, started_at=clock()):
        return False  # another worker has it
    made = RotationOrder.objects.select_related("key").get(pk=pk)
    try:
        result = rotate_now(made.key, made.actor, made.asked, clock)
    except Exception as error:
        expected = isinstance(error, InvalidTransition)
        words = str(error) if expected else execute.error_message(error)
        if not expected:
            log.exception("An ordered rotation of key %s failed", made.key.pk)
        rows.update(state=State.FAILED, ended_at=clock(), error=words, asked=_without_value(made))
        return False
    answer = None if result is None else {**result.to_dict(), "new_key": None}
    rows.update(state=State.DONE, ended_at=clock(), answer=answer, asked=_without_value(made))
    return True


def _without_value(made: RotationOrder) -> dict[str, Any]:
    """What was asked, the entered value erased: that there was one is kept."""
    return {name: "" if name == SEALED_VALUE else each for name, each in made.asked.items()}


def end_restored(now: datetime) -> int:
    """End the open orders of a restored database, their values erased; returns how many."""
    rows = RotationOrder.objects.filter(state__in=OPEN)
    for each in rows:
        RotationOrder.objects.filter(pk=each.pk).update(
            state=State.FAILED, ended_at=now, error=RESTORED, asked=_without_value(each)
        )
    return len(rows)


def purge(now: datetime) -> int:
    """Delete orders that ended more than RETENTION ago; returns how many."""
    ended = RotationOrder.objects.exclude(state__in=OPEN)
    return forget(ended.filter(ended_at__lt=now - RETENTION))


def rotate_now(
    key: ManagedSecret, actor: str, asked: Mapping[str, Any], clock: Clock = steps.database_now
) -> RotationResult | None:
    """Do here what an order asks for; None of a rehearsal."""
    given = dict(asked)
    if given.pop("rehearse", False):
        rehearse(key.key_id, actor=actor)
        return None
    if sealed := given.pop(SEALED_VALUE, ""):
        given["value"] = sealing.unseal(sealed, _sealing_context(key))
    minutes = given.pop("grace_minutes", None)
    grace = None if minutes is None else timedelta(minutes=minutes)
    return rotate(key.key_id, grace=grace, actor=actor, clock=clock, **given)
