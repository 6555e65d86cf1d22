"""What customers who paid when a span began pay when it ends, each by both ends alone; pure.

A customer who left and came back within the span has not left; the bridge's sums, by movements,
say otherwise. Net retention is (opening + gained - lost) / opening, gross (opening - lost) /
opening, which are the sums of c and of min(o, c) over customers with o > 0.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from revenue.mrr.billing_interval import months_before
from revenue.mrr.bridge import Bridge

SPANS = (1, 3, 12)  # months: a month, a quarter and a year have ends of their own
ZERO = Decimal(0)


class Kept(NamedTuple):
    """Over customers who paid at the start: what some gave more, some less, and who left."""

    gained: Decimal = ZERO
    lost: Decimal = ZERO
    left: int = 0

    def plus(self, other: "Kept") -> "Kept":
        return Kept(self.gained + other.gained, self.lost + other.lost, self.left + other.left)

    def minus(self, other: "Kept") -> "Kept":
        return Kept(self.gained - other.gained, self.lost - other.lost, self.left - other.left)


NONE = Kept()
Place = tuple[int, date]  # the length of a span, and its last month


def of_customer(nets: Mapping[date, Decimal]) -> Iterator[tuple[Place, Kept]]:
    """What one customer adds to each span; `nets` is what moved in each month, by its first day.

    Spans in which both ends are equal, or that began with nothing, add nothing.
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
                yield (months, ends[at]), _kept(before, after)


def _months(first: date, last: date, more: int) -> Iterator[date]:
    """Each month from the first to `more` - 1 after the last: until then a span may see it."""
    end = months_before(last, 1 - more)
    while first <= end:
        yield first
        first = months_before(first, -1)


def _kept(before: Decimal, after: Decimal) -> Kept:
    if after > before:
        return Kept(gained=after - before)
    return Kept(lost=before - after, left=int(not after))


class Retained(NamedTuple):
    """One span: MRR and paying customers when it began, and what of them was kept."""

    opening: Decimal
    payers: int
    kept: Kept

    @property
    def net(self) -> float | None:
        """Percent of the opening that its customers bring at the end; None without an opening."""
        return _percent(self.opening + self.kept.gained - self.kept.lost, self.opening)

    @property
    def gross(self) -> float | None:
        """The same without what some gave more: 100 at most."""
        return _percent(self.opening - self.kept.lost, self.opening)

    @property
    def churn(self) -> float | None:
        """Percent of the customers who paid at the start and pay nothing at the end."""
        return _percent(Decimal(self.kept.left), Decimal(self.payers))


def spans(bridges: Sequence[Bridge], kept: Mapping[Place, Kept]) -> dict[Place, Retained]:
    """Each span that lies within months that follow each other."""
    found = {}
    for at, last in enumerate(bridges):
        for months in SPANS:
            if at + 1 >= months:
                first, place = bridges[at + 1 - months], (months, last.starts_on)
                found[place] = Retained(first.opening, first.payers, kept.get(place, NONE))
    return found


def _percent(part: Decimal, whole: Decimal) -> float | None:
    return round(float(100 * part / whole), 1) if whole > 0 else None
