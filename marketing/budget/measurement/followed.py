"""Whether the amounts in force were spent: planned beside spent, by channel. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from aethercrown.formatting import counted, money_text

TOLERANCE = Decimal("0.10")  # of the planned amount


@dataclass(frozen=True, slots=True)
class PlannedSpend:
    """A channel's planned amount a week, and the mean of the weeks with rows; None without any.

    A week without rows is unknown, not 0: `known_weeks` of `weeks` have rows.
    """

    channel: str
    planned: Decimal
    spent: Decimal | None
    known_weeks: int
    weeks: int

    @property
    def is_followed(self) -> bool | None:
        """Within a tenth of the planned amount; None where weeks without rows leave it open."""
        if self.spent is None:
            return None if self.planned else True
        if abs(self.spent - self.planned) > TOLERANCE * self.planned:
            return False
        return True if self.known_weeks == self.weeks or not self.planned else None


def compare(
    planned: Mapping[str, Decimal], spent: Mapping[str, Sequence[Decimal]], weeks: int
) -> tuple[PlannedSpend, ...]:
    """Each channel's planned amount a week beside what its weeks with rows spent, of `weeks`.

    Unplanned channels with spend too.
    """
    names = sorted({*planned, *(name for name, rows in spent.items() if any(rows))})
    return tuple(
        PlannedSpend(
            name,
            planned.get(name, Decimal(0)),
            _mean(spent.get(name, ())),
            len(spent.get(name, ())),
            weeks,
        )
        for name in names
    )


def _mean(weeks: Sequence[Decimal]) -> Decimal | None:
    return round(sum(weeks, Decimal(0)) / len(weeks), 2) if weeks else None


def sentences(rows: Sequence[PlannedSpend], currency: str) -> Iterator[str]:
    """What was not followed, or is not known to be; nothing if all was."""
    for each in rows:
        if each.is_followed:
            continue
        planned = f"{money_text(each.planned, currency)} a week is in force"
        if each.spent is None:
            yield f"{each.channel} has no rows in {counted(each.weeks, 'week')}, and {planned}."
            continue
        spent = f"{each.channel} spent {money_text(each.spent, currency)} a week"
        if each.known_weeks < each.weeks:
            of = f"{each.known_weeks} of {counted(each.weeks, 'week')}"
            yield f"{spent} in {of}, has no rows in the others, and {planned}."
        else:
            yield f"{spent} over {counted(each.weeks, 'week')}, and {planned}."
