"""Add stored events to the counts: each visitor by all its events, whatever order they came in.

The counts hold the difference between what a visitor's events add up to now and what those that
were counted before had added up to, in one transaction with the mark that they are counted.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from aethercrown.db import ingest
from aethercrown.db.bulk import stamp
from aethercrown.db.ingest import MergeRule
from marketing.experiments.models import (
    AbTest,
    AbTestCount,
    AbTestEpoch,
    AbTestEvent,
    AbTestTotal,
    AbTestVisitor,
)
from marketing.experiments.tracking.contribution import (
    NOTHING_YET,
    Contribution,
    Span,
    VisitorEvent,
    contribution,
)
from marketing.experiments.tracking.event_input import EventKind

AT_ONCE = 2_000  # events in one transaction
ADDED = ("visitors", "impressions", "converters", "with_value", "value", "squares")
TOTALS = (
    *("unlinked_impressions", "unlinked_conversions", "unexposed_conversions"),
    *("late", "late_after_close", "late_exposures", "ignored", "contaminated"),
)
COUNT_RULE = MergeRule(added=ADDED, largest=("last_received_at",))
TOTAL_RULE = MergeRule(added=TOTALS)
CountKey = tuple[int, int, datetime]  # epoch, place, bucket


def count_events(test_id: int, *, at_once: int = AT_ONCE) -> int:
    """Count every stored event of a test that is not counted yet; how many there were."""
    whole = 0
    while found := _count_some(test_id, at_once):
        whole += found
    return whole


@transaction.atomic
def _count_some(test_id: int, at_once: int) -> int:
    test = AbTest.objects.select_for_update().get(pk=test_id)
    return count_locked(test, at_once)


def count_locked(test: AbTest, at_once: int) -> int:
    """Count some events of a test that the caller has locked."""
    events = list(
        AbTestEvent.objects.filter(test=test, is_counted=False).order_by("received_at", "pk")[
            :at_once
        ]
    )
    if not events:
        return 0
    batch = _Batch(test, events)
    batch.count_unlinked(each for each in events if is_unlinked(each))
    batch.count_visitors([each for each in events if not is_unlinked(each)])
    batch.store()
    AbTestEvent.objects.filter(pk__in=[each.pk for each in events]).update(is_counted=True)
    return len(events)


def is_unlinked(event: AbTestEvent) -> bool:
    """Whether nobody knows how many visitors stand behind an event."""
    return not event.visitor or event.count > 1


class _Batch:
    """The changes that some events make to the counts of one test."""

    def __init__(self, test: AbTest, events: Sequence[AbTestEvent]) -> None:
        self.test = test
        window = timedelta(hours=test.attribution_window_hours)
        self.span = Span(window, test.closed_until, test.concluded_at)
        self.counts: dict[CountKey, list[Any]] = defaultdict(lambda: [0, 0, 0, 0, 0, 0.0])
        self.received: dict[CountKey, datetime] = {}
        self.totals: dict[int, dict[str, int]] = defaultdict(lambda: dict.fromkeys(TOTALS, 0))
        self.last_received = max(each.received_at for each in events)

    def count_unlinked(self, events: Iterable[AbTestEvent]) -> None:
        for each in events:
            name = "impressions" if each.kind == EventKind.IMPRESSION else "conversions"
            self.totals[each.place][f"unlinked_{name}"] += each.count

    def count_visitors(self, events: Sequence[AbTestEvent]) -> None:
        visitors = self._visitors(events)
        known = _events_of(self.test, visitors)
        moved = []
        for name, visitor in visitors.items():
            old = self._add(visitor, known[name])
            if old != visitor.bucket:
                moved.append(visitor)
        AbTestVisitor.objects.bulk_update(moved, ["bucket"])

    def _add(self, visitor: AbTestVisitor, events: Sequence[AbTestEvent]) -> datetime | None:
        """Note what changes by a visitor's new events; the bucket that it had before."""
        before = visitor.bucket
        new = [each for each in events if not each.is_counted]
        closed_until = self.span.closed_until
        if closed_until and before is not None and before < closed_until:
            self._add_after_close(visitor, events, new)
            return before
        old = self._contribution(visitor, [each for each in events if each.is_counted])
        now = self._contribution(visitor, events)
        visitor.bucket = now.bucket
        self._change(visitor, old, -1)
        self._change(visitor, now, 1)
        return before

    def _add_after_close(
        self, visitor: AbTestVisitor, events: Sequence[AbTestEvent], new: Sequence[AbTestEvent]
    ) -> None:
        """What is closed never changes: a conversion that would have counted is counted apart."""
        keys = {each.pk for each in new}
        whole = self.span._replace(closed_until=None)
        old = _plain(each for each in events if each.pk not in keys)
        earlier = contribution(old, visitor.place, whole)
        later = contribution(_plain(events), visitor.place, whole)
        totals = self.totals[visitor.place]
        conversions = sum(each.kind == EventKind.CONVERSION for each in new)
        late = later.late - earlier.late
        totals["late"] += late
        totals["late_after_close"] += conversions - late
        totals["contaminated"] += later.is_contaminated - earlier.is_contaminated

    def _contribution(self, visitor: AbTestVisitor, events: Sequence[AbTestEvent]) -> Contribution:
        if not events:
            return NOTHING_YET
        return contribution(_plain(events), visitor.place, self.span)

    def _change(self, visitor: AbTestVisitor, part: Contribution, sign: int) -> None:
        totals = self.totals[visitor.place]
        totals["unexposed_conversions"] += sign * part.unexposed_conversions
        totals["late"] += sign * part.late
        totals["late_exposures"] += sign * part.late_exposures
        totals["ignored"] += sign * part.ignored
        totals["contaminated"] += sign * part.is_contaminated
        if part.bucket is None:
            return
        changes = (
            *(part.visitors, part.impressions, part.converters, int(part.value > 0)),
            *(part.value, part.squares),
        )
        counts = self.counts[visitor.epoch, visitor.place, part.bucket]
        for place, change in enumerate(changes):
            counts[place] += sign * change

    def _visitors(self, events: Sequence[AbTestEvent]) -> dict[str, AbTestVisitor]:
        """The rows of all visitors; those without an arm keep that of their first event."""
        first: dict[str, AbTestEvent] = {}
        for each in sorted(events, key=_earliest):
            first.setdefault(each.visitor, each)
        found = self._stored(first)
        epochs = list(AbTestEpoch.objects.filter(test=self.test).order_by("number"))
        AbTestVisitor.objects.bulk_create(
            [
                AbTestVisitor(
                    test=self.test, visitor=name, place=each.place,
                    epoch=_epoch_at(epochs, each.at), drawn_at=each.at,
                )
                for name, each in sorted(first.items())
                if name not in found
            ],
            ignore_conflicts=True,
        )  # fmt: skip
        return self._stored(first)

    def _stored(self, names: Iterable[str]) -> dict[str, AbTestVisitor]:
        rows = AbTestVisitor.objects.filter(test=self.test, visitor__in=list(names))
        return {each.visitor: each for each in rows.order_by("visitor")}

    def store(self) -> None:
        """Merge the changes, in the order of their keys."""
        received = stamp(self.last_received)
        rows = [
            (self.test.pk, epoch, place, stamp(bucket), *changes, received)
            for (epoch, place, bucket), changes in sorted(self.counts.items())
            if any(changes)
        ]
        ingest.merge(AbTestCount, ("test_id", "epoch", "place", "bucket"), COUNT_RULE, rows)
        totals = [
            (self.test.pk, place, *(changes[name] for name in TOTALS))
            for place, changes in sorted(self.totals.items())
            if any(changes.values())
        ]
        ingest.merge(AbTestTotal, ("test_id", "place"), TOTAL_RULE, totals)


def _earliest(event: AbTestEvent) -> tuple[datetime, bool, str]:
    """Of events at one time an impression comes first."""
    return event.at, event.kind != EventKind.IMPRESSION, str(event.pk)


def _events_of(
    test: AbTest, visitors: Mapping[str, AbTestVisitor]
) -> Mapping[str, list[AbTestEvent]]:
    found: dict[str, list[AbTestEvent]] = defaultdict(list)
    rows = AbTestEvent.objects.filter(test=test, visitor__in=list(visitors), count=1)
    for each in rows.order_by("pk"):
        found[each.visitor].append(each)
    return found


def _plain(events: Iterable[AbTestEvent]) -> list[VisitorEvent]:
    return [
        VisitorEvent(each.kind, each.place, each.at, each.has_id, each.is_dated, each.value)
        for each in events
    ]


def _epoch_at(epochs: Sequence[AbTestEpoch], at: datetime) -> int:
    """The epoch in force then; events before the first belong to it."""
    number = epochs[0].number
    for each in epochs:
        if each.started_at <= at:
            number = each.number
    return number
