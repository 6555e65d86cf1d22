"""Security levels, and what each requires. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

CRITICAL, HIGH, MEDIUM, LOW = "critical", "high", "medium", "low"
LEVELS = (CRITICAL, HIGH, MEDIUM, LOW)
DEFAULT_GRACE: Mapping[str, timedelta] = {
    CRITICAL: timedelta(hours=24),
    HIGH: timedelta(hours=72),
    MEDIUM: timedelta(days=7),
    LOW: timedelta(days=7),
}


@dataclass(frozen=True, slots=True)
class EffectivePolicy:
    """Days between rotations, and how long an old value still works."""

    interval_days: int
    grace: timedelta

    @property
    def interval(self) -> timedelta:
        return timedelta(days=self.interval_days)
