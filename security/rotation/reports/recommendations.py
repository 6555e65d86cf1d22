"""What a person should do about the keys, the most urgent first."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from security.rotation import schedule
from security.rotation.alerts import RUN_MISSED_MESSAGE
from security.rotation.models import ManagedSecret
from security.rotation.schedule import CRITICAL

LONG_OVERDUE = timedelta(days=30)


def recommendations(
    keys: Iterable[ManagedSecret], now: datetime, last_run_at: datetime | None
) -> list[str]:
    """Sentences for people; empty if nothing needs a person."""
    rows = list(keys)
    overdue = [key for key in rows if schedule.due_status(key.due_at, now) == "overdue"]
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
