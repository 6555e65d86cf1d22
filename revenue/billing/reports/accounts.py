"""Price simulations: the accounts that one rates, and the newest that a job made."""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date
from fractions import Fraction
from typing import Any

from django.db.models import OuterRef, Q, Subquery

from operations.jobs import reports as jobs
from operations.jobs.reports import Job
from revenue.billing import periods
from revenue.billing.periods import Month
from revenue.billing.reports.usage import first_days, readings
from revenue.customers.billing_interval import monthly
from revenue.customers.models import Subscription, SubscriptionChange
from revenue.customers.plan_terms import PriceBasis, SubscriptionState, expanded, on_day
from revenue.customers.reports import agreed_terms
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_use import AgreedPrice
from revenue.pricing.calculation.simulation import SimulatedAccount, Simulation, simulate
from revenue.pricing.models import PriceBookVersion

SIMULATED_MONTHS = 3  # complete months of each customer
Tracked = Callable[[Sequence[SimulatedAccount]], Iterable[SimulatedAccount]]
NO_USAGE = PricingInputs({})
BATCH = 1_000
ALL = 10_000_000
MAX_PAGE_ACCOUNTS = 1_000  # that a page prices by itself; a job prices more
SIMULATE_JOB = "revenue.simulate_prices"


def simulation_accounts(currency: str, today: date, most: int) -> list[SimulatedAccount]:
    """What a simulation rates: each active subscription with the usage of its last complete months.

    An agreed price stays what it is; only list prices follow the other version. Months without
    stored usage are left out. A customer without usage is rated by the plan alone, as is every
    subscription beside the one that started last. Without active subscriptions, the newest quotes
    are rated.
    """
    spans = periods.complete_months(today, SIMULATED_MONTHS)
    running = Subscription.objects.filter(currency=currency, state=SubscriptionState.ACTIVE)
    later = running.filter(customer=OuterRef("customer")).order_by("-started_on", "-external_id")
    carrier = Subquery(later.values("external_id")[:1])
    rows = running.exclude(plan="").annotate(carrier=carrier).order_by("external_id")
    fields = ("external_id", "customer_id", "customer__segment", "plan", "carrier")
    more = ("basis", "amount", "quantity")
    found = list(rows.values_list(*fields, *more)[:most])
    known = [
        account
        for start in range(0, len(found), BATCH)
        for account in _accounts_with_usage(found[start : start + BATCH], spans, today)
    ]
    return known or pricing.accounts_from_quotes(currency, most)


def _accounts_with_usage(
    rows: Sequence[Any], spans: Sequence[Month], today: date
) -> Iterator[SimulatedAccount]:
    keys = {row[1] for row in rows}
    coupons = list_prices_today(keys, today)
    by_customer, since = readings(keys, spans[0].start, spans[-1].end), first_days(keys)
    for key, customer, segment, plan, carrier, basis, amount, quantity in rows:
        usage = by_customer.get(customer, {}) if key == carrier else {}
        months = (periods.situation(usage, span, since.get(customer)) for span in spans)
        inputs = tuple(each for each in months if each.usage)
        listed = coupons.get(key, AgreedPrice(share=Fraction(quantity)))
        agreed = listed if basis == PriceBasis.LIST else AgreedPrice(amount)
        yield SimulatedAccount(
            key, segment or "none", plan, inputs or (NO_USAGE,) * len(spans), agreed
        )


def list_prices_today(customer_ids: Collection[int], today: date) -> Mapping[str, AgreedPrice]:
    """What quantity and coupon make of list prices today.

    By subscription, of customers who have or had a coupon.
    """
    some = Q(coupon_percent__gt=0) | Q(coupon_amount__gt=0)
    coupons = SubscriptionChange.objects.filter(some).order_by()
    owners = coupons.filter(subscription__customer__in=customer_ids)
    having = set(owners.values_list("subscription__customer", flat=True))
    every = (rows for found in agreed_terms(having).values() for rows in found)
    steps = (on_day(expanded(rows), today) for rows in every)
    return {
        each.subscription: AgreedPrice(
            share=each.kept_of_use * each.quantity,
            off=monthly(each.coupon_amount, each.interval),
        )
        for each in steps
        if each
    }


def simulation(
    version: PriceBookVersion,
    against: PriceBookVersion,
    today: date,
    most: int = ALL,
    tracked: Tracked = iter,
) -> Simulation:
    """All accounts rated by `against` and by `version`. Raises InvalidValues: other currency.

    `tracked` passes the accounts on and counts them.
    """
    known = simulation_accounts(against.book.currency, today, most)
    return simulate(pricing.book(against), pricing.book(version), tracked(known))


def needs_job(version: PriceBookVersion) -> bool:
    """Whether there are more accounts, or quotes without any, than a page prices by itself."""
    currency, enough = version.book.currency, MAX_PAGE_ACCOUNTS + 1
    running = Subscription.objects.filter(currency=currency, state=SubscriptionState.ACTIVE)
    count = running.exclude(plan="")[:enough].count()
    count = count or pricing.quotes().filter(currency=currency)[:enough].count()
    return count > MAX_PAGE_ACCOUNTS


def check_comparable(version: PriceBookVersion, against: PriceBookVersion) -> None:
    """Raises InvalidValues where the currencies differ."""
    simulate(pricing.book(against), pricing.book(version), ())


def digests(version: PriceBookVersion, against: PriceBookVersion) -> list[str]:
    """Of what is compared: a simulation holds as long as they are the same."""
    return [pricing.book(against).digest(), pricing.book(version).digest()]


def simulation_subject(version: PriceBookVersion) -> str:
    return str(version)[:200]


def newest_simulation(version: PriceBookVersion) -> Job | None:
    """The last job that simulated the version."""
    return jobs.latest((SIMULATE_JOB,), {"version": version.pk})
