"""Why a bill differs from that of the month before, line by line; pure."""

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal

from aethercrown.formatting import money
from dashboards.pricing.tables import in_words
from dashboards.tables import Column, Table
from revenue.pricing.rating.rate import PriceLine

FIGURE = re.compile(r"\d[\d.,]*")


def changes(
    before: Sequence[PriceLine], after: Sequence[PriceLine], currency: str, earlier: str
) -> Table:
    """The lines whose amount differs, the largest change first; lines are matched by their words.

    Figures inside a line, such as its days or its use, do not make it another line.
    """
    unit = money(currency)
    columns = (
        Column("Line", prose=True),
        Column(earlier, unit),
        Column("This month", unit),
        Column("Difference", unit, signs=True),
    )
    was, now = _by_words(before), _by_words(after)
    rows = []
    for key in {**now, **was}:
        old, new = was.get(key), now.get(key)
        moved = (new[1] if new else Decimal(0)) - (old[1] if old else Decimal(0))
        if moved:
            words = in_words((new or old or ("",))[0])
            rows.append((words, old[1] if old else None, new[1] if new else None, moved))
    rows.sort(key=lambda row: -abs(row[3]))
    return Table("why", "Why it differs from the month before", columns, rows)


def _by_words(lines: Iterable[PriceLine]) -> dict[tuple[str, str], tuple[str, Decimal]]:
    """Each line's words and the sum of its amounts, by its kind and its words without figures."""
    found: dict[tuple[str, str], tuple[str, Decimal]] = {}
    for each in lines:
        key = each.kind, FIGURE.sub("#", each.description)
        words, amount = found.get(key, (each.description, Decimal(0)))
        found[key] = words, amount + each.amount
    return found
