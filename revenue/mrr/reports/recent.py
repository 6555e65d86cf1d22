"""What moved the MRR lately: the sum, and the largest movements with their customers."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F, Q, Sum, Window
from django.db.models.functions import Coalesce

from aethercrown.db.fields import AmountField
from revenue.mrr.models import MrrMovement
from revenue.mrr.movements import ZERO, MovementKind


class RecentMovement(NamedTuple):
    """One movement; an amount below zero reduced the MRR."""

    external_id: str
    customer: str
    kind: str
    signed_amount: Decimal


class RecentMovements(NamedTuple):
    """The sums of each kind since a day, and the largest movements."""

    by_kind: dict[str, Decimal]
    largest: Sequence[RecentMovement]

    @property
    def net(self) -> Decimal:
        return sum(self.by_kind.values(), ZERO)


def recent_movements(currency: str, since: date, most: int = 4) -> RecentMovements:
    """What was booked for that day and later, in one query; a merged customer is the kept one."""
    rows = MrrMovement.objects.filter(currency=currency, on__gte=since).order_by("-amount", "-pk")
    sums = {f"sum_{kind}": _whole_sum(kind) for kind in MovementKind}
    named = rows.annotate(
        who=Coalesce(F("customer__merged_into__external_id"), F("customer__external_id")),
        name=Coalesce(F("customer__merged_into__name"), F("customer__name")),
        **sums,
    )
    found = list(named.values_list("who", "name", "kind", "amount", *sums)[:most])
    totals = zip(MovementKind, found[0][4:], strict=True) if found else ()
    return RecentMovements(
        {kind.value: kind.sign * total for kind, total in totals if total is not None},
        [
            RecentMovement(who, name, kind, MovementKind(kind).sign * amount)
            for who, name, kind, amount, *_ in found
        ],
    )


def _whole_sum(kind: MovementKind) -> Window:
    """The sum of a kind over all rows that are found, on each of them."""
    return Window(Sum("amount", filter=Q(kind=kind.value)), output_field=AmountField())
