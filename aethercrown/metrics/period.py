"""A span of days, the one before it, and the same span a year ago. Pure."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both included."""

    first: date
    last: date

    def __post_init__(self) -> None:
        if self.last < self.first:
            raise ValueError(f"The period ends on {self.last}, before it starts on {self.first}.")

    @property
    def days(self) -> int:
        return (self.last - self.first).days + 1

    def moments(self, zone: tzinfo | None) -> tuple[datetime, datetime]:
        """Its first moment in a time zone, and the first one after it."""
        after = datetime.combine(self.last, time.min, zone) + timedelta(days=1)
        return datetime.combine(self.first, time.min, zone), after

    def before(self) -> "Period":
        """The span before: as many months where it begins with one, else as many days.

        Of months whose last is not over, the earlier last one ends on the same day of the month.
        Raises ValueError before the year 1.
        """
        if self.first.day > 1:
            end = _earlier(self.first, timedelta(days=1))
            return Period(_earlier(self.first, timedelta(days=self.days)), end)
        months = _month_number(self.last) - _month_number(self.first) + 1
        first = month_from(_month_number(self.first) - months)
        last = month_from(_month_number(self.last) - months)
        is_whole = (self.last + timedelta(days=1)).day == 1
        days = monthrange(last.year, last.month)[1]
        return Period(first, last.replace(day=days if is_whole else min(self.last.day, days)))

    def year_before(self) -> "Period":
        return Period(_year_before(self.first), _year_before(self.last))


def months_to(day: date, months: int) -> Period:
    """The `months` calendar months up to `day`, the last one up to that day."""
    return Period(month_from(_month_number(day) - months + 1), day)


def days_to(day: date, days: int) -> Period:
    return Period(_earlier(day, timedelta(days=days - 1)), day)


def month_from(number: int) -> date:
    """The first day of a month by its number. Raises ValueError before the year 1."""
    return date(number // 12, number % 12 + 1, 1)


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _earlier(day: date, by: timedelta) -> date:
    try:
        return day - by
    except OverflowError as error:
        raise ValueError(f"There is no such day before {day}.") from error


def _year_before(day: date) -> date:
    leap_day = (day.month, day.day) == (2, 29)
    return date(day.year - 1, day.month, 28 if leap_day else day.day)
