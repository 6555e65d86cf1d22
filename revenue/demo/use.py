"""What the demo company's customers use each day; pure."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal

import numpy as np

from revenue.demo.company import Life, Moment
from revenue.mrr.billing_interval import month_of, months_before

MONTHS = 3  # complete ones, and the running one
METERED = 24  # customers; enough to see, few enough to load at once
METERS = (  # code, title, unit, part, rule
    ("api_calls", "API calls", "calls", "usage", "sum"),
    ("storage_gb", "Storage", "GB", "usage", "last"),
    ("user_seats", "Seats", "seats", "usage", "last"),
    ("employee_count", "Employees", "people", "company", "last"),
)
WEEK = (1.1, 1.2, 1.2, 1.15, 1.05, 0.7, 0.6)  # by weekday; the mean is 1
Reading = tuple[str, date, Decimal]


def metered(lives: list[Life]) -> list[int]:
    """The places of those whose use is kept: who outgrew a plan, and others who pay."""
    paying = [place for place, life in enumerate(lives) if life.pays]
    ranked = sorted(paying, key=lambda place: (lives[place].called <= lives[place].plan, place))
    return sorted(ranked[:METERED])


def readings(life: Life, today: date, random: np.random.Generator) -> Iterator[Reading]:
    """Calls of each day, and the other meters where they change."""
    moments, before = life.subscriptions[-1], None
    first = max(months_before(month_of(today), MONTHS), moments[0].on)
    drift = float(random.normal(0.0008, 0.0015))  # a day
    for ago in range((today - first).days, 0, -1):
        day = today - timedelta(days=ago)
        now = holding(moments, day)
        noise = float(random.lognormal(-0.01, 0.14))
        calls = now.use["api_calls"] / 30 * WEEK[day.weekday()] * (1 - drift * ago) * noise
        yield "api_calls", day, Decimal(round(calls))
        if now is not before:
            yield "storage_gb", day, Decimal(now.use["storage_gb"])
            yield "user_seats", day, Decimal(now.use["user_seats"])
        if before is None:
            yield "employee_count", day, Decimal(life.employees)
        before = now


def holding(moments: list[Moment], day: date) -> Moment:
    """What was agreed last before a day ends."""
    return [each for each in moments if each.on <= day][-1]
