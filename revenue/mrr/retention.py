"""Net and gross retention: what the customers of a span's start pay at its end; pure.

Only both ends count: a customer who left and came back within the span has not left, unlike in
the bridge. Net retention is (opening + gained - lost) / opening, gross (opening - lost) /
opening, which are the sums of c and of min(o, c) over customers with o > 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from operator import add, sub
from typing import NamedTuple

from revenue.customers.billing_interval import months_before
from revenue.mrr.bridge import Bridge, percent
from revenue.mrr.movements import ZERO

SPANS = (1, 3, 12)  # months: a month, a quarter and a year have ends of their own


class RetentionDelta(NamedTuple):
    """Of customers who paid at the start: MRR gained, MRR lost, and how many left."""

    gained: Decimal = ZERO
    lost: Decimal = ZERO
    left: int = 0

    def plus(self, other: "RetentionDelta") -> "RetentionDelta":
        return RetentionDelta(*map(add, self, other))

    def minus(self, other: "RetentionDelta") -> "RetentionDelta":
        return RetentionDelta(*map(sub, self, other))


NO_CHANGE = RetentionDelta()
SpanKey = tuple[int, date]  # length of the span in months, and its last month


def customer_deltas(nets: Mapping[date, Decimal]) -> Iterator[tuple[SpanKey, RetentionDelta]]:
    """What one customer adds to each span; `nets` is the net MRR change by first day of the month.

    Spans with equal ends, or that began with nothing, add nothing.
    """
    if not nets:
        return
    first, last = min(nets), max(nets)
    ends = list(_months(first, last, max(SPANS)))
    closings, running = [], ZERO
    for month in ends:
        running += nets.get(month, ZERO)
        closings.append(running)
    for months in SPANS:
        for at in range(months, len(ends)):
            before, after = closings[at - months], closings[at]
            if before > 0 and before != after:
                yield (months, ends[at]), _delta(before, after)


def _months(first: date, last: date, more: int) -> Iterator[date]:
    """Each month from the first to `more` - 1 after the last: the last that a span reaches."""
    end = months_before(last, 1 - more)
    while first <= end:
        yield first
        first = months_before(first, -1)


def _delta(before: Decimal, after: Decimal) -> RetentionDelta:
    if after > before:
        return RetentionDelta(gained=after - before)
    return RetentionDelta(lost=before - after, left=int(not after))


class SpanRetention(NamedTuple):
    """One span: MRR and paying customers when it began, and how they changed."""

    opening: Decimal
    payers: int
    delta: RetentionDelta

    @property
    def net(self) -> float | None:
        """Net retention in percent of the opening; None without an opening."""
        return percent(self.opening + self.delta.gained - self.delta.lost, self.opening)

    @property
    def gross(self) -> float | None:
        """Gross retention, without gains: 100 percent at most."""
        return percent(self.opening - self.delta.lost, self.opening)

    @property
    def churn(self) -> float | None:
        """Percent of the paying customers at the start who pay nothing at the end."""
        return percent(Decimal(self.delta.left), Decimal(self.payers))


def span_retention(
    bridges: Sequence[Bridge], delta: Mapping[SpanKey, RetentionDelta]
) -> dict[SpanKey, SpanRetention]:
    """The retention of each span that lies within these consecutive months."""
    found = {}
    for at, last in enumerate(bridges):
        for months in SPANS:
            if at + 1 >= months:
                first, key = bridges[at + 1 - months], (months, last.starts_on)
                found[key] = SpanRetention(first.opening, first.payers, delta.get(key, NO_CHANGE))
    return found
