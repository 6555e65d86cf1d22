"""The instant at which local clocks show a time, also in days on which they change. Pure."""

from datetime import UTC, datetime, timedelta

SECOND = timedelta(seconds=1)


def instant(wall: datetime) -> datetime:
    """The instant in UTC: of a time shown twice the first, of one skipped the first after it."""
    return wall.astimezone(UTC) if exists(wall) else _gap_end(wall)


def exists(wall: datetime) -> bool:
    """Whether clocks show this time; one inside a gap comes back changed from UTC."""
    back = wall.astimezone(UTC).astimezone(wall.tzinfo)
    return back.replace(tzinfo=None, fold=0) == wall.replace(tzinfo=None)


def _gap_end(wall: datetime) -> datetime:
    """The first instant after the gap that contains `wall`, by bisection to the second."""
    before = wall.replace(fold=1).astimezone(UTC)
    after = wall.astimezone(UTC)
    old = before.astimezone(wall.tzinfo).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // SECOND // 2 * SECOND
        if middle.astimezone(wall.tzinfo).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after
