"""Two years of a small software company's customers, at the default prices; pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from revenue.customers.billing_interval import month_of, months_before
from revenue.customers.plan_terms import PriceBasis
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.calculation.recommend import recommend_plan
from revenue.pricing.price_book.default_book import BOOK

MONTHS = 24
INITIAL_CUSTOMERS = 40  # customers when the two years begin
NEW_CUSTOMERS_A_MONTH = (2, 8)  # how many come in a month: from, below
GROWS, SHRINKS, LEAVES, RETURNS = 0.08, 0.03, 0.02, 0.08  # chances a month
PLANS = tuple(each.code for each in BOOK.plans)
USAGE_RANGES: tuple[Mapping[str, tuple[int, int]], ...] = (  # a month, from and below, by plan
    {"api_calls": (1_500, 9_500), "storage_gb": (10, 95), "user_seats": (2, 10)},
    {"api_calls": (12_000, 80_000), "storage_gb": (110, 650), "user_seats": (11, 45)},
    {"api_calls": (60_000, 400_000), "storage_gb": (600, 3_000), "user_seats": (55, 250)},
)
EMPLOYEES = (8, 40, 160, 700)  # by size
LIST_EVERY, YEARLY_EVERY = 3, 6  # every third has negotiated, half of these by the year
MOVES_UP = 0.7  # the chance that one who outgrows a plan takes the next at once
SEGMENTS = ("Software", "Retail", "Health", "Finance", "Education")
SIZES = ("1-10", "11-50", "51-200", "201-1000")
OWNERS = ("Ada Moreau", "Ben Okafor", "Carla Lindt")
FIRST = (
    *("North", "Blue", "Bright", "River", "Stone"),
    *("Silver", "Green", "Summit", "Harbour", "Maple"),
)
SECOND = ("wind", "leaf", "field", "bridge", "forge", "light", "gate", "point", "works", "mill")
ENDINGS = ("Ltd", "GmbH", "Inc", "SARL")


@dataclass(frozen=True, slots=True)
class Agreement:
    """From a day on, a plan, its price a month and the use; an amount of None is the end."""

    on: date
    plan: str
    amount: Decimal | None
    usage: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class DemoCustomer:
    """A customer with its subscriptions; each inner list is one subscription.

    Some pay the list price, which follows their use on the invoice; some have negotiated a price
    for their use, by the month or by the year.
    """

    name: str
    segment: str
    size: str
    owner: str
    subscriptions: list[list[Agreement]] = field(default_factory=list)
    plan: int = 0
    usage: dict[str, int] = field(default_factory=dict)
    basis: PriceBasis = PriceBasis.LIST
    interval: str = "month"

    @property
    def pays(self) -> bool:
        return self.subscriptions[-1][-1].amount is not None

    @property
    def situation(self) -> PricingInputs:
        usage = {metric: Decimal(each) for metric, each in self.usage.items()}
        return PricingInputs(usage, company={"employee_count": Decimal(self.employees)})

    @property
    def employees(self) -> int:
        return EMPLOYEES[SIZES.index(self.size)]

    @property
    def suitable_plan(self) -> int:
        """The index of the plan that suits the usage."""
        return PLANS.index(recommend_plan(BOOK, self.situation).recommended_tier)

    def agree(self, on: date) -> Agreement:
        price = BOOK.plan(PLANS[self.plan]).base
        if self.basis is PriceBasis.NEGOTIATED:
            price = calculate_price(BOOK, PLANS[self.plan], self.situation).final_price
        return Agreement(on, PLANS[self.plan], price, dict(self.usage))


def customers_over_time(random: np.random.Generator, today: date) -> list[DemoCustomer]:
    """Every customer of the MONTHS that end in the month of `today`, nothing after today."""
    first = months_before(month_of(today), MONTHS - 1)
    found = [_new_customer(random, each, first) for each in range(INITIAL_CUSTOMERS)]
    for month in (months_before(first, -count) for count in range(MONTHS)):
        for customer in found:
            _simulate_month(random, customer, month, today)
        for _ in range(int(random.integers(*NEW_CUSTOMERS_A_MONTH))):
            on = _random_day(random, month)
            if on <= today:
                found.append(_new_customer(random, len(found), on))
    return found


def _random_day(random: np.random.Generator, month: date) -> date:
    return month + timedelta(days=int(random.integers(0, 28)))


def _new_customer(random: np.random.Generator, number: int, on: date) -> DemoCustomer:
    words = number % len(FIRST), number // len(FIRST) % len(SECOND)
    ending = ENDINGS[number // (len(FIRST) * len(SECOND)) % len(ENDINGS)]
    plan = int(random.choice(len(PLANS), p=(0.5, 0.38, 0.12)))
    customer = DemoCustomer(
        f"{FIRST[words[0]]}{SECOND[words[1]]} {ending}",
        SEGMENTS[int(random.integers(len(SEGMENTS)))],
        SIZES[min(3, plan + int(random.integers(2)))],
        OWNERS[int(random.integers(len(OWNERS)))],
        plan=plan,
        usage={metric: int(random.integers(*span)) for metric, span in USAGE_RANGES[plan].items()},
        basis=PriceBasis.LIST if number % LIST_EVERY else PriceBasis.NEGOTIATED,
        interval="month" if number % YEARLY_EVERY else "year",
    )
    customer.subscriptions.append([customer.agree(on)])
    return customer


def _simulate_month(
    random: np.random.Generator, customer: DemoCustomer, month: date, today: date
) -> None:
    """Simulate one month: at most one change, after the last one."""
    on, chance = _random_day(random, month), float(random.random())
    agreements = customer.subscriptions[-1]
    if not agreements[-1].on < on <= today:
        return
    if not customer.pays:
        if chance < RETURNS:
            customer.subscriptions.append([customer.agree(on)])
    elif chance < LEAVES:
        agreements.append(Agreement(on, agreements[-1].plan, None))
    elif chance < LEAVES + GROWS:
        _grow(customer, moves=bool(random.random() < MOVES_UP))
        agreements.append(customer.agree(on))
    elif chance < LEAVES + GROWS + SHRINKS:
        customer.usage = {
            metric: max(1, each * 10 // 17) for metric, each in customer.usage.items()
        }
        agreements.append(customer.agree(on))


def _grow(customer: DemoCustomer, *, moves: bool) -> None:
    """Increase all usage; with `moves`, take the next plan where the usage calls for it."""
    customer.usage = {metric: each * 17 // 10 for metric, each in customer.usage.items()}
    if moves and customer.suitable_plan > customer.plan:
        customer.plan += 1
