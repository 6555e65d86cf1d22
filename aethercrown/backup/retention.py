"""Which back-ups of a folder stay: the newest of 7 days, of 4 weeks and of 12 months."""

from collections.abc import Iterable
from datetime import datetime

DAYS, WEEKS, MONTHS = 7, 4, 12


def backups_to_keep(times: Iterable[datetime]) -> set[datetime]:
    """Those that stay; the newest always does, so that one good back-up is there."""
    newest = sorted(set(times), reverse=True)
    rules = (
        (DAYS, lambda at: at.date().toordinal()),
        (WEEKS, lambda at: at.isocalendar()[:2]),
        (MONTHS, lambda at: (at.year, at.month)),
    )
    stay: set[datetime] = set()
    for most, span in rules:
        spans: dict[object, datetime] = {}
        for at in newest:
            spans.setdefault(span(at), at)
        stay.update(list(spans.values())[:most])
    return stay
