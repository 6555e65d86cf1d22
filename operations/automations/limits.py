"""The limits within which an automation acts without a person. Pure."""

from dataclasses import dataclass
from datetime import datetime, time, tzinfo


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Hours of the day in which nothing is applied; they may run over midnight."""

    begins: time
    ends: time
    zone: tzinfo

    def covers(self, now: datetime) -> bool:
        """Whether `now` lies in [begins, ends); always True where the two are equal."""
        clock = now.astimezone(self.zone).time()
        if self.begins < self.ends:
            return self.begins <= clock < self.ends
        return clock >= self.begins or clock < self.ends


@dataclass(frozen=True, slots=True)
class GuardrailLimits:
    """The limits of one automation; None switches a limit off."""

    largest_change_percent: float | None = 20.0
    applied_per_day: int | None = 100
    needs_sure_gain: bool = True
    data_age_hours: float | None = 48.0
    largest_daily_change_percent: float | None = None
    least_confidence_percent: float | None = None
    quiet_hours: QuietHours | None = None
    needs_no_critical_alert: bool = True
