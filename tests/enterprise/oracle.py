"""Business time by walking through UTC minute by minute: slow, and plainly by the definition."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from enterprise.sla.business_time import BusinessHours, read_intervals

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
WORKDAYS = range(5)


def week(text, days=WORKDAYS, zone="UTC", special=None, **more):
    """Hours with the same intervals on some days."""
    weekly = tuple(read_intervals(text if day in days else "") for day in range(7))
    closed = {day: read_intervals(hours) for day, hours in (special or {}).items()}
    return BusinessHours(zone, weekly, closed, **more)


def is_open(hours, instant):
    local = instant.astimezone(ZoneInfo(hours.zone))
    wall = datetime.combine(date.min, local.time()) - datetime.combine(date.min, time())
    return any(each.start <= wall < each.end for each in hours.intervals(local.date()))


def walked(hours, start, end, step=MINUTE):
    """The open time of [start, end), whose ends and edges lie on whole steps."""
    total, at = timedelta(0), start.astimezone(UTC)
    while at < end:
        total += step if is_open(hours, at) else timedelta(0)
        at += step
    return total


def at(zone, year, month, day, hour=0, minute=0):  # noqa: PLR0917 - the parts of a time
    return datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone))
