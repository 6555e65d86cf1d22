"""When customers are reminded of a step that waits for them. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from enterprise.sla.business_time import BusinessHours, add, later_day

LATE = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """Business days to the first reminder, between reminders, and how many a step gets.

    `silent_after` business days after the last one, the customer counts as silent.
    """

    first_after: int = 2
    every: int = 3
    most: int = 3
    silent_after: int = 3


@dataclass(frozen=True, slots=True)
class LastReminder:
    """When the last reminder of a step was due, and when it was written: caps may hold it back."""

    due_at: datetime
    sent_at: datetime

    @property
    def counts_from(self) -> datetime:
        """The next one is planned from its due time, unless it came a day or more after that."""
        return self.due_at if self.sent_at - self.due_at < LATE else self.sent_at


def reminder_at(
    rule: ReminderRule, since: datetime, last: LastReminder | None, hours: BusinessHours
) -> datetime:
    """When the next reminder is due, held to the open hours of the contact's zone.

    `since` is when the step began to wait; it is never reminded of sooner after that than a first.
    """
    first = _opening(hours, since, rule.first_after)
    if last is None:
        return first
    return max(first, _opening(hours, last.counts_from, rule.every))


def silent_at(rule: ReminderRule, last: LastReminder, hours: BusinessHours) -> datetime:
    """When the customer counts as silent, if nothing happens after the last reminder."""
    return _opening(hours, last.counts_from, rule.silent_after)


def _opening(hours: BusinessHours, since: datetime, days: int) -> datetime:
    return add(hours, later_day(hours, since, days), timedelta(0))
