"""Beat's scheduler over the database, for a clock that was ahead and is set back.

What it sent while the clock was ahead is marked as sent in the future. Without this it would send
nothing until that time comes: hours, after a clock that was hours ahead for a second.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from django_celery_beat.schedulers import DatabaseScheduler, ModelEntry

MAX_STEP_SECONDS = 5.0  # the clock is slewed by less between two ticks


class PresentEntry(ModelEntry):  # type: ignore[misc]  # the base has no types
    """An entry that was never sent later than now."""

    last_run_at: datetime

    def is_due(self) -> Any:
        self.last_run_at = min(self.last_run_at, self._default_now())
        return super().is_due()


class SteadyScheduler(DatabaseScheduler):  # type: ignore[misc]  # the same
    """Plans anew when the clock was set back since the last tick."""

    Entry = PresentEntry
    wall: Callable[[], float] = staticmethod(time.time)
    steady: Callable[[], float] = staticmethod(time.monotonic)
    _offset: float | None = None

    def tick(self, *args: Any, **named: Any) -> Any:
        """Send what is due; seconds until the next call."""
        offset = self.wall() - self.steady()
        if self._offset is not None and offset < self._offset - MAX_STEP_SECONDS:
            self._heap = None  # its times are of the old clock
            now = datetime.fromtimestamp(self.wall(), UTC)
            self._last_full_sync = datetime.now()  # noqa: DTZ005 - as the base class has it
            self.Changes.objects.filter(last_update__gt=now).update(last_update=now)
        self._offset = offset
        return super().tick(*args, **named)
