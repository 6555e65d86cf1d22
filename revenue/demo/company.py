"""Two years of a small software company's customers: who came, grew, shrank, left, came back."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from revenue.customers.recurring import month_of, months_before

MONTHS = 24
AT_FIRST = 40  # customers when the two years begin
A_MONTH = (2, 8)  # how many come in a month: from, below
GROWS, SHRINKS, LEAVES, RETURNS = 0.05, 0.02, 0.022, 0.08  # chances a month
PLANS = (("starter", Decimal("49.00")), ("professional", Decimal("199.00")),
         ("enterprise", Decimal("499.00")))  # fmt: skip
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
    """From a day on, a plan with so many seats; an amount of None is the end."""

    on: date
    plan: str
    amount: Decimal | None


@dataclass(slots=True)
class Life:
    """One customer and what was agreed with it; each inner list is a subscription."""

    name: str
    segment: str
    size: str
    owner: str
    subscriptions: list[list[Moment]] = field(default_factory=list)
    plan: int = 0
    seats: int = 1

    @property
    def pays(self) -> bool:
        return self.subscriptions[-1][-1].amount is not None

    def agree(self, on: date) -> Moment:
        name, price = PLANS[self.plan]
        return Moment(on, name, price * self.seats)


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
        seats=1 + int(random.integers(6)),
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
        _grow(life)
        moments.append(life.agree(on))
    elif chance < LEAVES + GROWS + SHRINKS and life.seats > 1:
        life.seats -= 1
        moments.append(life.agree(on))


def _grow(life: Life) -> None:
    """More seats, or the next plan where there are enough of them."""
    if life.seats >= 4 and life.plan + 1 < len(PLANS):
        life.plan, life.seats = life.plan + 1, max(1, life.seats // 2)
    else:
        life.seats += 1
