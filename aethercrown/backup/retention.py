"""Which back-ups are kept: the newest of each of 7 days, 4 weeks and 12 months. Pure."""

from collections.abc import Iterable
from datetime import datetime

KEPT_DAYS, KEPT_WEEKS, KEPT_MONTHS = 7, 4, 12


def backups_to_keep(times: Iterable[datetime]) -> set[datetime]:
    """The times to keep; the newest is always among them."""
    newest = sorted(set(times), reverse=True)
    rules = (
        (KEPT_DAYS, lambda at: at.date().toordinal()),
        (KEPT_WEEKS, lambda at: at.isocalendar()[:2]),
        (KEPT_MONTHS, lambda at: (at.year, at.month)),
    )
    kept: set[datetime] = set()
    for limit, period in rules:
        newest_of: dict[object, datetime] = {}
        for at in newest:
            newest_of.setdefault(period(at), at)
        kept.update(list(newest_of.values())[:limit])
    return kept
