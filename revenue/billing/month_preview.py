"""What issuing a month would do: invoices, their sum, who is not billed, what differs; pure."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from heapq import nlargest
from typing import Any

LISTED = 10  # the largest differences from the month before
NAMED = 200  # customers named in a stored preview


@dataclass(frozen=True, slots=True)
class PastInvoice:
    """A customer's invoice of the month before: its total, and its use by metric."""

    total: Decimal
    usage: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class Difference:
    """A customer's total beside the month before; None where there was no invoice then."""

    customer_id: int
    before: Decimal | None
    now: Decimal

    @property
    def amount(self) -> Decimal:
        return self.now - (self.before or Decimal(0))


@dataclass(slots=True)
class MonthPreview:
    """Customers by id. `without_use` are billed, but lack metrics that the month before had."""

    invoices: int = 0
    total: Decimal = Decimal(0)
    refused: list[tuple[int, str]] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)
    without_use: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def add(
        self,
        customer_id: int,
        total: Decimal,
        usage: Mapping[str, Decimal],
        past: PastInvoice | None,
    ) -> None:
        """Count an invoice."""
        self.invoices += 1
        self.total += total
        before = past.total if past else None
        found = Difference(customer_id, before, total)
        if found.amount:
            self.differences = nlargest(LISTED, [*self.differences, found], key=_size)
        if missing := missing_use(usage, past.usage if past else {}):
            self.without_use.append((customer_id, missing))

    @property
    def ids_without_use(self) -> set[int]:
        return {key for key, _ in self.without_use}

    def as_dict(self) -> dict[str, Any]:
        """For a stored row; of long lists the first NAMED, beside their length."""
        return {
            "invoices": self.invoices,
            "total": self.total,
            "refused": self.refused[:NAMED],
            "refused_count": len(self.refused),
            "differences": [asdict(each) for each in self.differences],
            "without_use": self.without_use[:NAMED],
            "without_use_count": len(self.without_use),
        }


def _size(each: Difference) -> tuple[Decimal, int]:
    return abs(each.amount), -each.customer_id


def missing_use(now: Mapping[str, Decimal], before: Mapping[str, Decimal]) -> tuple[str, ...]:
    """The metrics that were used the month before, and of which nothing is known now."""
    return tuple(sorted(name for name, value in before.items() if value and name not in now))
