"""Read the allocation in force."""

from datetime import datetime
from decimal import Decimal

from marketing.budget.models import Allocation
from marketing.budget.summaries import AllocationInForce


def in_force(currency: str) -> tuple[AllocationInForce, ...]:
    """The allocation in force, by channel; one query."""
    rows = Allocation.objects.filter(currency=currency, valid_to__isnull=True)
    named = rows.select_related("channel").order_by("channel__name")
    return tuple(
        AllocationInForce(
            row.channel.name, row.amount, row.currency, row.decision_id, row.valid_from
        )
        for row in named
    )


def amounts(currency: str) -> dict[str, Decimal]:
    """The amounts in force by channel."""
    return {row.channel: row.amount for row in in_force(currency)}


def ended_at(decision_id: int) -> datetime | None:
    """When a decision's amounts were replaced; None while they are in force."""
    rows = Allocation.objects.filter(decision_id=decision_id, valid_to__isnull=False)
    return rows.order_by("-valid_to").values_list("valid_to", flat=True).first()
