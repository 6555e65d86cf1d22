"""What was chosen for customers' use on days without a plan."""

from collections.abc import Collection, Mapping

from revenue.billing import unbilled_use
from revenue.billing.models import UnbilledUseChoice
from revenue.billing.unbilled_use import ChosenDays, UseChoice
from revenue.customers.reports import owners_of


def chosen(
    customer_ids: Collection[int], owners: Mapping[int, int] | None = None
) -> dict[int, list[ChosenDays]]:
    """The choices in force of each customer that has some, with those of merged records."""
    rows = UnbilledUseChoice.objects.filter(customer__in=owners_of(customer_ids, owners))
    found: dict[int, list[ChosenDays]] = {}
    for row in rows.select_related("customer").order_by("pk"):
        days = ChosenDays(row.first_day, row.end_day, UseChoice(row.choice), row.plan)
        owner = row.customer.merged_into_id or row.customer_id
        found.setdefault(owner, []).append(days)
    return {owner: unbilled_use.in_force(every) for owner, every in found.items()}
