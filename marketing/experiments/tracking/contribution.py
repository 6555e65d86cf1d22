"""What the events of one visitor add to the counts of a test, in whatever order they came."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from marketing.experiments.tracking.event_input import MILLION, EventKind
from marketing.experiments.windows import bucket_start, is_within


class VisitorEvent(NamedTuple):
    """A stored event of a visitor; `value` in millionths."""

    kind: str
    place: int
    at: datetime
    has_id: bool
    is_dated: bool
    value: int


@dataclass(frozen=True, slots=True)
class Contribution:
    """One visitor in the counts; without a bucket it was not exposed in an open one."""

    bucket: datetime | None = None
    impressions: int = 0
    converters: int = 0
    value: int = 0
    unexposed_conversions: int = 0
    late: int = 0
    late_exposures: int = 0
    ignored: int = 0
    is_contaminated: bool = False

    @property
    def visitors(self) -> int:
        return int(self.bucket is not None)

    @property
    def squares(self) -> float:
        """The square of the value, in whole units."""
        return (self.value / MILLION) ** 2


NOTHING_YET = Contribution()


class Span(NamedTuple):
    """The times in which exposures of a test count."""

    window: timedelta
    closed_until: datetime | None = None  # exposures in buckets before it come too late
    ended_at: datetime | None = None  # later exposures are ignored


def contribution(events: Sequence[VisitorEvent], place: int, span: Span) -> Contribution:
    """The first impression in an open bucket is the exposure; conversions count within its window.

    A visitor counts in the arm that was stored first, `place`; an event that names another is
    contamination.
    """
    window, closed_until, ended_at = span
    all_seen = [each for each in events if each.kind == EventKind.IMPRESSION]
    seen = [each for each in all_seen if ended_at is None or each.at <= ended_at]
    converted = [each for each in events if each.kind == EventKind.CONVERSION]
    open_ones = [
        each
        for each in seen
        if closed_until is None or bucket_start(each.at, window) >= closed_until
    ]
    is_contaminated = any(each.place != place for each in events)
    late_exposures, ignored = len(seen) - len(open_ones), len(all_seen) - len(seen)
    if not open_ones:
        return Contribution(
            unexposed_conversions=len(converted),
            late_exposures=late_exposures,
            ignored=ignored,
            is_contaminated=is_contaminated,
        )
    exposure = min(open_ones, key=lambda each: (each.at, not each.is_dated))
    counted = [each for each in converted if counts_for(exposure, each, window)]
    return Contribution(
        bucket=bucket_start(exposure.at, window),
        impressions=_impressions(open_ones),
        converters=int(bool(counted)),
        value=sum(each.value for each in counted),
        late=len(converted) - len(counted),
        late_exposures=late_exposures,
        ignored=ignored,
        is_contaminated=is_contaminated,
    )


def _impressions(seen: Sequence[VisitorEvent]) -> int:
    """Each with an id, and one for those without."""
    return sum(each.has_id for each in seen) + any(not each.has_id for each in seen)


def counts_for(exposure: VisitorEvent, conversion: VisitorEvent, window: timedelta) -> bool:
    """Whether a conversion counts for an exposure."""
    return is_within(
        exposure.at,
        conversion.at,
        window,
        are_both_dated=exposure.is_dated and conversion.is_dated,
    )
