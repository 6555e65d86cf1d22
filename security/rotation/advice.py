"""What a person should do about the keys, most urgent first."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Protocol

from security.rotation import schedule

FAR = timedelta(days=30)


class Watched(Protocol):
    """What is looked at: a row, or a plain value in a test."""

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
    @property
    def due_at(self) -> datetime: ...


def of(keys: Iterable[Watched], now: datetime, last_pass_at: datetime | None) -> list[str]:
    """Sentences; empty where nothing needs a hand."""
    rows = list(keys)
    late = [key for key in rows if schedule.standing(key, now) == "overdue"]
    said = [
        f"{key.key_id} has no value that works: rotate it, or register a new value."
        for key in rows
        if key.state == "failed"
    ]
    said += [
        f"Rotate {key.key_id}: it is {key.level} and overdue since {key.due_at:%Y-%m-%d}."
        for key in sorted(late, key=lambda key: key.due_at)
        if key.level == "critical" or now - key.due_at > FAR
    ]
    failing = [key.key_id for key in rows if key.fail_count]
    if failing:
        said.append(f"See why rotation fails for {', '.join(sorted(failing))}.")
    others = len(late) - sum(words.startswith("Rotate ") for words in said)
    if others > 0:
        said.append(f"Rotate the {others} other overdue key{'s' if others > 1 else ''}.")
    if schedule.silent(last_pass_at, min((key.created_at for key in rows), default=None), now):
        said.append("No automatic pass has run for 26 hours: see whether beat and a worker run.")
    return said
