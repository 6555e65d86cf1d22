"""What a person should do about the keys, the most urgent first. Pure."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from security.rotation import schedule
from security.rotation.alerts import RUN_MISSED_MESSAGE
from security.rotation.policy import CRITICAL
from security.rotation.schedule import HasDueAt

LONG_OVERDUE = timedelta(days=30)


class SecretStatus(HasDueAt, Protocol):
    """What recommendations need to know of a key."""

    @property
    def key_id(self) -> str: ...
    @property
    def level(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def fail_count(self) -> int: ...
    @property
    def created_at(self) -> datetime: ...


def recommendations(
    keys: Iterable[SecretStatus], now: datetime, last_run_at: datetime | None
) -> list[str]:
    """Sentences for people; empty if nothing needs a person."""
    rows = list(keys)
    overdue = [key for key in rows if schedule.due_status(key, now) == "overdue"]
    urgent = [key for key in overdue if key.level == CRITICAL or now - key.due_at > LONG_OVERDUE]
    found = [
        f"{key.key_id} has no value that works: rotate it, or register a new value."
        for key in rows
        if key.state == "failed"
    ]
    found += [
        f"Rotate {key.key_id}: it is {key.level} and overdue since {key.due_at:%Y-%m-%d}."
        for key in sorted(urgent, key=lambda key: key.due_at)
    ]
    failing = sorted(key.key_id for key in rows if key.fail_count)
    if failing:
        found.append(f"See why rotation fails for {', '.join(failing)}.")
    others = len(overdue) - len(urgent)
    if others:
        found.append(f"Rotate the {others} other overdue key{'s' if others > 1 else ''}.")
    first_key_at = min((key.created_at for key in rows), default=None)
    if schedule.is_run_missed(last_run_at, first_key_at, now):
        found.append(RUN_MISSED_MESSAGE)
    return found
