"""Which stored events count: a backfill takes an event out, and back in, by rows of its own.

Such a row has the source VOIDS, the id of the event that it is about in `corrects`, and its time.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from enterprise.usage.models import UsageEvent

VOIDS = "backfill"
Root = tuple[str, datetime]  # id and time of the event that a row is about


@dataclass(slots=True)
class NetEvent:
    """An event with all rows about it added up; both figures are 0 once it is taken out."""

    event_id: str
    at: datetime
    quantity: Decimal = Decimal(0)
    counts: int = 0
    newest: UsageEvent | None = None  # its row; of several the one that was stored last

    @property
    def is_live(self) -> bool:
        return bool(self.quantity or self.counts)


def root_of(row: UsageEvent) -> Root:
    return (row.corrects if row.source == VOIDS else row.event_id), row.occurred_at


def net_events(rows: Iterable[UsageEvent]) -> dict[Root, NetEvent]:
    """The events that rows, in the order in which they were stored, are about."""
    found: dict[Root, NetEvent] = {}
    for row in rows:
        root = root_of(row)
        net = found.setdefault(root, NetEvent(*root))
        net.quantity += row.quantity
        net.counts += row.counts
        if row.source != VOIDS:
            net.newest = row
    return found


def live_events(rows: Iterable[UsageEvent]) -> list[UsageEvent]:
    """The events that are not taken out, each once."""
    nets = net_events(rows).values()
    return [each.newest for each in nets if each.is_live and each.newest is not None]
