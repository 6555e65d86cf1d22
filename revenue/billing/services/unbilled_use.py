"""Choosing whether use on days without a plan is billed, waived or left."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

from django.db import transaction

from revenue.billing import periods
from revenue.billing.models import DailyUse, UnbilledUseChoice
from revenue.billing.plan_calendar import PlanCalendar
from revenue.billing.reports.previews import adjusted_since
from revenue.billing.reports.versions import in_force
from revenue.billing.unbilled_use import UseChoice
from revenue.customers.models import Customer
from revenue.customers.plan_terms import PlanTerms, expanded
from revenue.customers.reports import agreed_terms
from revenue.customers.services import InvalidEntry, lock_customer
from revenue.pricing import reports as pricing

DAY = timedelta(days=1)


@transaction.atomic
def choose(
    customer_id: int,
    first: date,
    last: date,
    choice: UseChoice,
    *,
    by: str,
    now: datetime,
    plan: str = "",
    note: str = "",
) -> UnbilledUseChoice:
    """Bill the use of these days, waive it, or leave it; both days are included.

    Billed use is priced as on `plan`, by default the last plan before these days, without its base
    fee, on the bill of its month, or as an adjustment where that month is closed. What an invoice
    billed stays billed. Raises InvalidEntry, also for days whose closed month is not adjusted any
    more, and NothingPublished.
    """
    customer = lock_customer(customer_id)
    _check_days(customer, first, last, now)
    terms = agreed_terms([customer.pk]).get(customer.pk, [])
    _check_without_plan(terms, first, last)
    if choice is UseChoice.BILL:
        plan = plan or _last_plan(terms, first)
        _check_adjusted(customer, first, now)
        for month in _months(first, last):
            _check_priced(customer, plan, month)
    return UnbilledUseChoice.objects.create(
        customer=customer,
        first_day=first,
        end_day=last + DAY,
        choice=choice,
        plan=plan if choice is UseChoice.BILL else "",
        note=note,
        chosen_at=now,
        chosen_by=by[:150],
    )


def _check_days(customer: Customer, first: date, last: date, now: datetime) -> None:
    today = periods.today_in(customer.time_zone, now)
    if last < first:
        raise InvalidEntry("last_day", f"{last} is before the first day, {first}.")
    if last > today:
        raise InvalidEntry("last_day", f"{last} is after today, {today}.")
    use = DailyUse.objects.filter(customer=customer) | DailyUse.objects.filter(
        customer__merged_into=customer
    )
    if not use.filter(day__range=(first, last)).exists():
        raise InvalidEntry("first_day", f"{customer} used nothing from {first} to {last}.")


def _check_without_plan(terms: list[list[PlanTerms]], first: date, last: date) -> None:
    days = PlanCalendar.of(terms).days_in_force(periods.Month(first, last + DAY))
    taken = next((each.start for each in days if each.terms is not None), None)
    if taken is not None:
        raise InvalidEntry("first_day", f"A plan is in force on {taken}: its use is priced by it.")


def _last_plan(terms: list[list[PlanTerms]], day: date) -> str:
    """The plan last in force before a day."""
    steps = [each for rows in terms for each in expanded(rows) if each.on < day and each.plan]
    if not steps:
        raise InvalidEntry("plan", "There was no plan before these days; name the one to bill by.")
    return max(steps, key=lambda each: each.on).plan


def _check_adjusted(customer: Customer, first: date, now: datetime) -> None:
    since = adjusted_since(customer.pk, periods.today_in(customer.time_zone, now))
    if since is not None and first < since:
        raise InvalidEntry(
            "first_day", f"Bills before {since} are not adjusted any more: choose later days."
        )


def _months(first: date, last: date) -> Iterator[date]:
    """The first day of each month of these days."""
    start = first
    while start <= last:
        month = periods.billing_month(start)
        yield month.start
        start = month.end


def _check_priced(customer: Customer, plan: str, month: date) -> None:
    """A month is priced by the book in force on its first day."""
    known = {each.code for each in pricing.book(in_force(customer.currency, month)).plans}
    if plan not in known:
        names = ", ".join(sorted(known))
        raise InvalidEntry("plan", f"{plan} is in no price book in force. Known: {names}.")
