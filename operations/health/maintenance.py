"""Maintenance windows that repeat: times of the wall clock in a zone, and how long one lasts.

A window begins by the zone's own clock, across changes to and from summer time, and lasts the
minutes that it says: an hour that the change repeats or skips makes it neither longer nor shorter.
"""

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from operations.automations import occurrences, schedule_text
from operations.automations.occurrences import WallClock
from operations.automations.schedule_text import InvalidSchedule

MAX_MINUTES = 7 * 24 * 60
NO_CLOCK_TIME = 'Name the time of day, such as "at 02:00 on Sunday" or "at 22:00 on the last day".'
_anchor = datetime(2000, 1, 1, tzinfo=UTC)  # of intervals, which are refused


@lru_cache(maxsize=1024)
def read_times(text: str) -> WallClock:
    """The times at which windows begin. Raises InvalidSchedule."""
    found = schedule_text.parse(text, _anchor)
    if not isinstance(found, WallClock):
        raise InvalidSchedule(NO_CLOCK_TIME)
    return found


def problems(times: str, zone: str, minutes: int | None, now: datetime) -> dict[str, str]:
    """What is wrong with a window, by field; nothing for none at all."""
    found = {}
    if zone and zone not in available_timezones():
        found["maintenance_zone"] = f"There is no time zone {zone}: write it as Europe/Berlin."
    if times and minutes is None:
        found["maintenance_minutes"] = "Say how long each window lasts."
    if not times and minutes is not None:
        found["maintenance_times"] = f"Say when it begins. {NO_CLOCK_TIME}"
    if times:
        try:
            schedule_text.check_usable(read_times(times), now)
        except InvalidSchedule as error:
            found["maintenance_times"] = str(error)
    return found


def ends_at(times: str, zone: str, minutes: int, now: datetime) -> datetime | None:
    """When the window ends in which `now` lies; None outside."""
    length = timedelta(minutes=minutes)
    begun = occurrences.latest(read_times(times), ZoneInfo(zone or "UTC"), now - length, now, 1)
    return begun[0] + length if begun else None


def next_at(times: str, zone: str, now: datetime) -> datetime | None:
    """When the next window begins."""
    coming = occurrences.upcoming(read_times(times), ZoneInfo(zone or "UTC"), now, 1)
    return coming[0] if coming else None
