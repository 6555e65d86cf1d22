"""When customers are reminded of a step that waits for them. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from enterprise.sla.business_time import BusinessHours, add, later_day


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """Business days to the first reminder, between reminders, and how many a step gets.

    `silent_after` business days after the last one, the customer counts as silent.
    """

    first_after: int = 2
    every: int = 3
    most: int = 3
    silent_after: int = 3


def reminder_at(rule: ReminderRule, since: datetime, number: int, hours: BusinessHours) -> datetime:
    """When the `number`-th reminder is due, held to the open hours of the contact's zone."""
    days = rule.first_after + (number - 1) * rule.every
    return add(hours, later_day(hours, since, days), timedelta(0))


def silent_at(rule: ReminderRule, since: datetime, hours: BusinessHours) -> datetime:
    """When the customer counts as silent, if nothing happens until then."""
    days = rule.first_after + (rule.most - 1) * rule.every + rule.silent_after
    return add(hours, later_day(hours, since, days), timedelta(0))
