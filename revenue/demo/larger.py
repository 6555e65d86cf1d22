"""Larger plans that the demo company's customers took, or did not; pure."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise

from revenue.demo.company import PLANS, Life, Moment
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.price_book.default_book import BOOK
from revenue.upsell.opportunities import FoundOpportunity, UsageForecast, find_opportunities

SINCE = timedelta(days=300)  # of what is older, nothing is told
DECLINED = (100, 130, 160, 190)  # days ago
REASONS = ("Too dear this year.", "Will look at it next year.", "Not the right time.")


@dataclass(frozen=True, slots=True)
class Answer:
    """A larger plan that a customer was offered, and how they answered on a day."""

    place: int
    on: date
    found: FoundOpportunity
    inputs: PricingInputs
    is_taken: bool


def answers(lives: list[Life], today: date) -> list[Answer]:
    """Every move to a larger plan of the last months, and some who declined, by day."""
    taken = [each for place, life in enumerate(lives) for each in _taken(place, life, today)]
    declined = _declined(lives, today)
    return sorted([*taken, *declined], key=lambda each: (each.on, each.place))


def _taken(place: int, life: Life, today: date) -> Iterator[Answer]:
    for moments in life.subscriptions:
        for before, after in pairwise(moments):
            larger = after.amount and PLANS.index(after.plan) > PLANS.index(before.plan)
            if larger and today - SINCE < after.on < today:
                answer = _answer(place, life, before.plan, after, is_taken=True)
                if answer and answer.found.recommended == after.plan:
                    yield answer


def _declined(lives: list[Life], today: date) -> Iterator[Answer]:
    """Customers who outgrew their plan long ago and stayed on it."""
    ago = list(DECLINED)
    for place, life in enumerate(lives):
        moments = life.subscriptions[-1]
        if ago and life.pays and moments[-1].on <= today - timedelta(days=ago[0]):
            answer = _answer(place, life, moments[-1].plan, moments[-1], is_taken=False)
            if answer:
                yield replace(answer, on=today - timedelta(days=ago.pop(0)))


def _answer(
    place: int, life: Life, current: str, after: Moment, *, is_taken: bool
) -> Answer | None:
    now = replace(
        life.situation, usage={metric: Decimal(each) for metric, each in after.use.items()}
    )
    ahead = UsageForecast(_times(now, "0.9"), now, _times(now, "1.1"))
    found = find_opportunities(BOOK, current, now, ahead)
    return Answer(place, after.on, found[0], now, is_taken) if found else None


def _times(now: PricingInputs, factor: str) -> PricingInputs:
    usage = {metric: each * Decimal(factor) for metric, each in now.usage.items()}
    return replace(now, usage=usage)
