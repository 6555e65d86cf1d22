"""Calendar months, which are the billing periods; pure."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def month_of(day: date) -> date:
    """The first day of the day's month."""
    return day.replace(day=1)


def months_after(month: date, count: int) -> date:
    """The first day of the month `count` months later, or earlier if it is below 0."""
    number = month.year * 12 + month.month - 1 + count
    return date(number // 12, number % 12 + 1, 1)


def today_in(zone: str, now: datetime) -> date:
    """The date of `now` in a time zone."""
    return now.astimezone(ZoneInfo(zone)).date()
