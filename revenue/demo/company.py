"""Two years of a small software company's customers: who came, grew, shrank, left, came back.

Each uses something a month and pays what the documented prices make of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from revenue.mrr.billing_interval import month_of, months_before
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_price import calculate_price
from revenue.pricing.calculation.recommend import recommend_plan
from revenue.pricing.price_book.default_book import BOOK

MONTHS = 24
AT_FIRST = 40  # customers when the two years begin
A_MONTH = (2, 8)  # how many come in a month: from, below
GROWS, SHRINKS, LEAVES, RETURNS = 0.08, 0.03, 0.02, 0.08  # chances a month
PLANS = tuple(each.code for each in BOOK.plans)
USES: tuple[Mapping[str, tuple[int, int]], ...] = (  # a month, from and below, by plan
    {"api_calls": (1_500, 9_500), "storage_gb": (10, 95), "user_seats": (2, 10)},
    {"api_calls": (12_000, 80_000), "storage_gb": (110, 650), "user_seats": (11, 45)},
    {"api_calls": (60_000, 400_000), "storage_gb": (600, 3_000), "user_seats": (55, 250)},
)
EMPLOYEES = (8, 40, 160, 700)  # by size
MOVES_UP = 0.7  # the chance that one who outgrows a plan takes the next at once
SEGMENTS = ("Software", "Retail", "Health", "Finance", "Education")
SIZES = ("1-10", "11-50", "51-200", "201-1000")
OWNERS = ("Ada Moreau", "Ben Okafor", "Carla Lindt")
FIRST = (
    "North",
    "Blue",
    "Bright",
    "River",
    "Stone",
    "Silver",
    "Green",
    "Summit",
    "Harbour",
    "Maple",
)
SECOND = ("wind", "leaf", "field", "bridge", "forge", "light", "gate", "point", "works", "mill")
ENDINGS = ("Ltd", "GmbH", "Inc", "SARL")


@dataclass(frozen=True, slots=True)
class Moment:
    """From a day on, a plan and what it brings at that use; an amount of None is the end."""

    on: date
    plan: str
    amount: Decimal | None
    use: Mapping[str, int] = field(default_factory=dict)


@dataclass(slots=True)
class Life:
    """One customer and what was agreed with it; each inner list is a subscription."""

    name: str
    segment: str
    size: str
    owner: str
    subscriptions: list[list[Moment]] = field(default_factory=list)
    plan: int = 0
    use: dict[str, int] = field(default_factory=dict)

    @property
    def pays(self) -> bool:
        return self.subscriptions[-1][-1].amount is not None

    @property
    def situation(self) -> PricingInputs:
        """What is known when a price is asked for."""
        usage = {metric: Decimal(each) for metric, each in self.use.items()}
        return PricingInputs(usage, company={"employee_count": Decimal(self.employees)})

    @property
    def employees(self) -> int:
        return EMPLOYEES[SIZES.index(self.size)]

    @property
    def called(self) -> int:
        """The place of the plan that the use calls for."""
        return PLANS.index(recommend_plan(BOOK, self.situation).tier)

    def agree(self, on: date) -> Moment:
        price = calculate_price(BOOK, PLANS[self.plan], self.situation).final_price
        return Moment(on, PLANS[self.plan], price, dict(self.use))


def lives(random: np.random.Generator, today: date) -> list[Life]:
    """Every customer of the MONTHS that end in the month of `today`, nothing after today."""
    first = months_before(month_of(today), MONTHS - 1)
    found = [_begun(random, each, first) for each in range(AT_FIRST)]
    for month in (months_before(first, -count) for count in range(MONTHS)):
        for life in found:
            _lived(random, life, month, today)
        for _ in range(int(random.integers(*A_MONTH))):
            on = _some_day(random, month)
            if on <= today:
                found.append(_begun(random, len(found), on))
    return found


def _some_day(random: np.random.Generator, month: date) -> date:
    return month + timedelta(days=int(random.integers(0, 28)))


def _begun(random: np.random.Generator, number: int, on: date) -> Life:
    words = number % len(FIRST), number // len(FIRST) % len(SECOND)
    ending = ENDINGS[number // (len(FIRST) * len(SECOND)) % len(ENDINGS)]
    plan = int(random.choice(len(PLANS), p=(0.5, 0.38, 0.12)))
    life = Life(
        f"{FIRST[words[0]]}{SECOND[words[1]]} {ending}",
        SEGMENTS[int(random.integers(len(SEGMENTS)))],
        SIZES[min(3, plan + int(random.integers(2)))],
        OWNERS[int(random.integers(len(OWNERS)))],
        plan=plan,
        use={metric: int(random.integers(*span)) for metric, span in USES[plan].items()},
    )
    life.subscriptions.append([life.agree(on)])
    return life


def _lived(random: np.random.Generator, life: Life, month: date, today: date) -> None:
    """One month: at most one thing happens, after what happened last."""
    on, chance = _some_day(random, month), float(random.random())
    moments = life.subscriptions[-1]
    if not moments[-1].on < on <= today:
        return
    if not life.pays:
        if chance < RETURNS:
            life.subscriptions.append([life.agree(on)])
    elif chance < LEAVES:
        moments.append(Moment(on, moments[-1].plan, None))
    elif chance < LEAVES + GROWS:
        _grow(life, moves=bool(random.random() < MOVES_UP))
        _agreed(life, on)
    elif chance < LEAVES + GROWS + SHRINKS:
        life.use = {metric: max(1, each * 10 // 17) for metric, each in life.use.items()}
        _agreed(life, on)


def _agreed(life: Life, on: date) -> None:
    """A change of price is agreed; the same price is none."""
    moments, agreed = life.subscriptions[-1], life.agree(on)
    if (agreed.plan, agreed.amount) != (moments[-1].plan, moments[-1].amount):
        moments.append(agreed)


def _grow(life: Life, *, moves: bool) -> None:
    """More of everything, and the next plan where the use calls for it and they take it."""
    life.use = {metric: each * 17 // 10 for metric, each in life.use.items()}
    if moves and life.called > life.plan:
        life.plan += 1
