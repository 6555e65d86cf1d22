"""The daily usage of the demo company's customers; pure."""

from collections.abc import Iterator
from datetime import date, timedelta
from decimal import Decimal
from math import exp

import numpy as np

from revenue.customers.billing_interval import month_of, months_before
from revenue.demo.company import Agreement, DemoCustomer

MONTHS = 13  # complete months, and the current one
METERED = 24  # customers with stored usage
METERS = (  # code, title, unit, input group, aggregation
    ("api_calls", "API calls", "calls", "usage", "sum"),
    ("storage_gb", "Storage", "GB", "usage", "last"),
    ("user_seats", "Seats", "seats", "usage", "last"),
    ("employee_count", "Employees", "people", "company", "last"),
)
WEEK = (1.1, 1.2, 1.2, 1.15, 1.05, 0.7, 0.6)  # by weekday; the mean is 1
Reading = tuple[str, date, Decimal]


def metered(customers: list[DemoCustomer]) -> list[int]:
    """The indexes of customers with stored usage: first those who outgrew their plan."""
    paying = [place for place, customer in enumerate(customers) if customer.pays]
    ranked = sorted(
        paying, key=lambda place: (customers[place].suitable_plan <= customers[place].plan, place)
    )
    return sorted(ranked[:METERED])


def readings(customer: DemoCustomer, today: date, random: np.random.Generator) -> Iterator[Reading]:
    """API calls of each day, and the other meters where they change."""
    agreements, before = customer.subscriptions[-1], None
    first = max(months_before(month_of(today), MONTHS), agreements[0].on)
    drift = float(random.normal(0.0008, 0.0015))  # a day
    for ago in range((today - first).days, 0, -1):
        day = today - timedelta(days=ago)
        now = agreement_on(agreements, day)
        noise = float(random.lognormal(-0.01, 0.14))
        calls = now.usage["api_calls"] / 30 * WEEK[day.weekday()] * exp(-drift * ago) * noise
        yield "api_calls", day, Decimal(round(calls))
        if now is not before:
            yield "storage_gb", day, Decimal(now.usage["storage_gb"])
            yield "user_seats", day, Decimal(now.usage["user_seats"])
        if before is None:
            yield "employee_count", day, Decimal(customer.employees)
        before = now


def agreement_on(agreements: list[Agreement], day: date) -> Agreement:
    """The agreement in force at the end of a day."""
    return [each for each in agreements if each.on <= day][-1]
