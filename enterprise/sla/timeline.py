"""An SLA clock as its events: elapsed business time, due date and thresholds. Pure.

Elapsed time is never stored: it is the business time of the spans in which the clock runs, each
part of them by the calendar that is in force for it. A new target keeps elapsed time and pauses.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from enterprise.sla import business_time
from enterprise.sla.business_time import BusinessHours

START, PAUSE, RESUME, STOP = "start", "pause", "resume", "stop"
RETARGET, RECALENDAR = "retarget", "recalendar"
ALLOWED = {  # what may follow which state
    "running": (PAUSE, STOP, RETARGET, RECALENDAR),
    "paused": (RESUME, STOP, RETARGET, RECALENDAR),
}
NONE = timedelta(0)


@dataclass(frozen=True, slots=True)
class TimelineEvent:
    """One event of a clock; a start and a change carry the target and the calendar they bring.

    A calendar counts from `counts_from`, which for a start is the start itself.
    """

    kind: str
    at: datetime
    target: timedelta | None = None
    hours: BusinessHours | None = None
    counts_from: datetime | None = None


@dataclass(frozen=True, slots=True)
class Timeline:
    """The events of one clock since its last opening, in order; the first is its start."""

    events: tuple[TimelineEvent, ...]

    @property
    def state(self) -> str:
        """running, paused or stopped."""
        by_kind = {START: "running", RESUME: "running", PAUSE: "paused", STOP: "stopped"}
        found = [by_kind[each.kind] for each in self.events if each.kind in by_kind]
        return found[-1]

    @property
    def target(self) -> timedelta:
        """The target in force."""
        return [each.target for each in self.events if each.target is not None][-1]

    def elapsed(self, until: datetime) -> timedelta:
        """Open time of the running spans up to `until`."""
        parts = self._parts(until)
        return sum((business_time.between(each, a, b) for a, b, each in parts), NONE)

    def reached_at(self, amount: timedelta, now: datetime) -> datetime | None:
        """When elapsed time reached `amount`, or will if nothing more happens; None if never."""
        left = amount
        for first, last, hours in self._parts(now):
            found = business_time.between(hours, first, last)
            if left <= found:
                return business_time.add(hours, first, left)
            left -= found
        if self.state != "running":
            return None
        return business_time.add(self._calendars()[-1][1], now, left)

    def due_at(self, now: datetime) -> datetime | None:
        """When the target is used up; None while the clock is paused, and once it is stopped."""
        return self.reached_at(self.target, now) if self.state == "running" else None

    def percent(self, now: datetime) -> Decimal:
        """Elapsed time in percent of the target in force, one decimal."""
        return percent_of(self.elapsed(now), self.target)

    def elapsed_at_target(self) -> timedelta:
        """The elapsed time when the target in force was set; none for the first target."""
        setting = [each for each in self.events if each.target is not None][-1]
        return NONE if setting.kind == START else self.elapsed(setting.at)

    def _running_spans(self, until: datetime) -> Iterator[tuple[datetime, datetime]]:
        begun: datetime | None = None
        for each in self.events:
            if each.kind in (START, RESUME):
                begun = each.at
            elif each.kind in (PAUSE, STOP) and begun is not None:
                yield begun, min(each.at, until)
                begun = None
        if begun is not None:
            yield begun, until

    def _calendars(self) -> list[tuple[datetime, BusinessHours]]:
        """From when each calendar counts; a later change ends those that would count after it."""
        found: list[tuple[datetime, BusinessHours]] = []
        for each in self.events:
            if each.hours is not None:
                since = each.counts_from or each.at
                found = [kept for kept in found if kept[0] < since]
                found.append((since, each.hours))
        return found

    def _parts(self, until: datetime) -> Iterator[tuple[datetime, datetime, BusinessHours]]:
        """The running spans cut where another calendar begins to count."""
        calendars = self._calendars()
        ends = [since for since, _ in calendars[1:]] + [datetime.max.replace(tzinfo=UTC)]
        for first, last in self._running_spans(until):
            begins = first
            for (_, hours), end in zip(calendars, ends, strict=True):
                ended = min(last, end)
                if begins < ended:
                    yield begins, ended, hours
                    begins = ended


def percent_of(elapsed: timedelta, target: timedelta) -> Decimal:
    """Percent to one decimal, half up; exact, as thresholds are compared with whole seconds."""
    exact = Decimal(elapsed // timedelta(microseconds=1)) * 100
    share = exact / Decimal(target // timedelta(microseconds=1))
    return share.quantize(Decimal("0.1"), ROUND_HALF_UP)


def threshold_time(target: timedelta, threshold: int) -> timedelta:
    """The elapsed time at which `threshold` percent of the target is used up."""
    return target * threshold / 100


def is_carried_over(
    threshold: int, target: timedelta, at_target: timedelta, sent_before: Collection[int]
) -> bool:
    """Whether an earlier target sent a threshold that the new target had passed when it was set."""
    return threshold in sent_before and threshold_time(target, threshold) <= at_target


def open_thresholds(
    timeline: Timeline,
    thresholds: Sequence[int],
    recorded: Collection[int],
    sent_before: Collection[int],
) -> list[int]:
    """The thresholds that the target in force has still to record, lowest first.

    `recorded` were recorded for this target, `sent_before` for earlier ones of the clock.
    """
    at_target, target = timeline.elapsed_at_target(), timeline.target
    return [
        each
        for each in sorted(thresholds)
        if each not in recorded and not is_carried_over(each, target, at_target, sent_before)
    ]


def passed(timeline: Timeline, thresholds: Sequence[int], now: datetime) -> list[int]:
    """Those of the thresholds that elapsed time has reached."""
    elapsed = timeline.elapsed(now)
    return [each for each in thresholds if threshold_time(timeline.target, each) <= elapsed]


def next_threshold_at(
    timeline: Timeline, thresholds: Sequence[int], now: datetime
) -> datetime | None:
    """When the lowest open threshold is reached; None while paused or where none is open."""
    if not thresholds or timeline.state != "running":
        return None
    return timeline.reached_at(threshold_time(timeline.target, min(thresholds)), now)


def rebased(timeline: Timeline, change: TimelineEvent) -> Timeline:
    """The timeline as it would be with one more event: for previews."""
    return Timeline((*timeline.events, change))
