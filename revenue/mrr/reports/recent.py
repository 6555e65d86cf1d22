"""What moved the MRR lately: the sum, and the largest movements with their customers."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from django.db.models import F, Sum
from django.db.models.functions import Coalesce

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
    """What was booked for that day and later, in two queries; a merged customer is the kept one."""
    rows = MrrMovement.objects.filter(currency=currency, on__gte=since).order_by()
    sums = rows.values_list("kind").annotate(Sum("amount"))
    by_kind = {kind: MovementKind(kind).sign * amount for kind, amount in sums}
    named = rows.annotate(
        who=Coalesce(F("customer__merged_into__external_id"), F("customer__external_id")),
        name=Coalesce(F("customer__merged_into__name"), F("customer__name")),
    )
    found = named.order_by("-amount", "-pk").values_list("who", "name", "kind", "amount")[:most]
    largest = [
        RecentMovement(who, name, kind, MovementKind(kind).sign * amount)
        for who, name, kind, amount in found
    ]
    return RecentMovements(by_kind, largest)
