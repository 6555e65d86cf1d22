"""Whether the amounts in force were spent: planned beside spent, by channel. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from aethercrown.formatting import counted, money_text

TOLERANCE = Decimal("0.10")  # of the planned amount


@dataclass(frozen=True, slots=True)
class PlannedSpend:
    """A channel's planned amount a week, and the mean of what was spent; None without rows."""

    channel: str
    planned: Decimal
    spent: Decimal | None

    @property
    def is_followed(self) -> bool:
        """Within a tenth of the planned amount."""
        if self.spent is None:
            return False
        return abs(self.spent - self.planned) <= TOLERANCE * self.planned


def compare(
    planned: Mapping[str, Decimal], spent: Mapping[str, Sequence[Decimal]]
) -> tuple[PlannedSpend, ...]:
    """Each channel's planned amount a week beside the mean of its weeks; unplanned ones too."""
    names = sorted({*planned, *(name for name, weeks in spent.items() if any(weeks))})
    return tuple(
        PlannedSpend(name, planned.get(name, Decimal(0)), _mean(spent.get(name, ())))
        for name in names
    )


def _mean(weeks: Sequence[Decimal]) -> Decimal | None:
    return round(sum(weeks, Decimal(0)) / len(weeks), 2) if weeks else None


def sentences(rows: Sequence[PlannedSpend], weeks: int, currency: str) -> Iterator[str]:
    """What was not followed over so many weeks; nothing if all was."""
    for each in rows:
        planned = f"{money_text(each.planned, currency)} a week is in force"
        if each.spent is None:
            yield f"{each.channel} has no rows in {counted(weeks, 'week')}, and {planned}."
        elif not each.is_followed:
            spent = f"spent {money_text(each.spent, currency)} a week over {counted(weeks, 'week')}"
            yield f"{each.channel} {spent}, and {planned}."
