"""What was chosen for customers' use on days without a plan."""

from collections.abc import Collection

from django.db.models import Q

from revenue.billing import unbilled_use
from revenue.billing.models import UnbilledUseChoice
from revenue.billing.unbilled_use import ChosenDays, UseChoice


def chosen(customer_ids: Collection[int]) -> dict[int, list[ChosenDays]]:
    """The choices in force of each customer that has some, with those of merged records."""
    rows = UnbilledUseChoice.objects.filter(
        Q(customer__in=customer_ids) | Q(customer__merged_into__in=customer_ids)
    )
    found: dict[int, list[ChosenDays]] = {}
    for row in rows.select_related("customer").order_by("pk"):
        days = ChosenDays(row.first_day, row.end_day, UseChoice(row.choice), row.plan)
        owner = row.customer.merged_into_id or row.customer_id
        found.setdefault(owner, []).append(days)
    return {owner: unbilled_use.in_force(every) for owner, every in found.items()}
