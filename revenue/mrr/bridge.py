"""The MRR bridge: how MRR moved from a month's opening to its closing; pure.

opening + new + reactivation + expansion - contraction - churn = closing, exactly, in any span,
because each month's closing is the next one's opening and every amount is a Decimal.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from revenue.customers.billing_interval import month_of, months_before
from revenue.mrr.movements import NOTHING, ZERO, MovementKind, MovementSums


@dataclass(frozen=True, slots=True)
class Bridge:
    """One span; `payers` is the number of paying customers when it began."""

    starts_on: date
    opening: Decimal
    payers: int
    moved: Mapping[MovementKind, MovementSums] = field(default_factory=dict)

    def amount(self, kind: MovementKind) -> Decimal:
        """The amount of one kind, without its sign."""
        return self.moved.get(kind, NOTHING).amount

    def signed(self, kind: MovementKind) -> Decimal:
        return kind.sign * self.amount(kind)

    @property
    def won(self) -> Decimal:
        """What paying customers and those who came back brought more."""
        return self.amount(MovementKind.EXPANSION) + self.amount(MovementKind.REACTIVATION)

    @property
    def lost(self) -> Decimal:
        return self.amount(MovementKind.CONTRACTION) + self.amount(MovementKind.CHURN)

    @property
    def closing(self) -> Decimal:
        return self.opening + sum((self.signed(kind) for kind in MovementKind), ZERO)

    @property
    def payers_closing(self) -> int:
        return self.payers + sum(each.payers for each in self.moved.values())


BridgeRow = tuple[date, str, Decimal, int]  # day, kind, amount, change in paying customers


def monthly_bridges(rows: Iterable[BridgeRow], first: date, last: date) -> list[Bridge]:
    """A bridge for each month from that of `first` to that of `last`; rows in any order.

    Rows before the first month make up its opening; rows after the last month are ignored.
    """
    month, ends = month_of(first), month_of(last)
    opening, payers = ZERO, 0
    moved: dict[date, dict[MovementKind, MovementSums]] = {}
    for day, name, amount, change in rows:
        kind, of = MovementKind(name), month_of(day)
        if of < month:
            opening += kind.sign * amount
            payers += change
        else:
            of_month = moved.setdefault(of, {})
            of_month[kind] = of_month.get(kind, NOTHING).plus(amount, change)
    found = []
    while month <= ends:
        one = Bridge(month, opening, payers, moved.get(month, {}))
        found.append(one)
        opening, payers = one.closing, one.payers_closing
        month = months_before(month, -1)
    return found


def combine(bridges: Iterable[Bridge]) -> Bridge:
    """Consecutive months as one span. Raises ValueError for none."""
    listed = list(bridges)
    if not listed:
        raise ValueError("A bridge needs at least one month.")
    moved = {
        kind: MovementSums(
            sum((each.amount(kind) for each in listed), ZERO),
            sum(each.moved.get(kind, NOTHING).payers for each in listed),
        )
        for kind in MovementKind
    }
    return Bridge(listed[0].starts_on, listed[0].opening, listed[0].payers, moved)


MONTHS_A_YEAR = 12


def arr(mrr: Decimal) -> Decimal:
    """Annual recurring revenue: twelve times the monthly."""
    return MONTHS_A_YEAR * mrr


def gross_churn(one: Bridge) -> float | None:
    """(churn + contraction) / opening."""
    return percent(one.lost, one.opening)


def net_churn(one: Bridge) -> float | None:
    """(churn + contraction - expansion - reactivation) / opening; negative for net growth."""
    return percent(one.lost - one.won, one.opening)


def growth(one: Bridge) -> float | None:
    """(closing - opening) / opening."""
    return percent(one.closing - one.opening, one.opening)


def quick_ratio(one: Bridge) -> float | None:
    """(new + expansion + reactivation) / (contraction + churn); None where nothing was lost."""
    won = one.amount(MovementKind.NEW) + one.won
    return round(float(won / one.lost), 2) if one.lost > 0 else None


def arpa(one: Bridge) -> Decimal | None:
    """MRR for each paying customer at the end."""
    return one.closing / one.payers_closing if one.payers_closing > 0 else None


def percent(part: Decimal, whole: Decimal) -> float | None:
    """To one decimal; None where the whole is not above zero."""
    return round(float(100 * part / whole), 1) if whole > 0 else None
