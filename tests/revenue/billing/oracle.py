"""What a history costs, day by day in exact fractions: written apart from the code it checks.

Fee: each active day costs price x quantity, less the coupon (a percentage or an amount), / days of
its billing interval; rounded once for each interval and row of terms. Use: by month and plan, tiers
by the plan's days of the month's days; rounded once a line.
"""

from calendar import monthrange
from datetime import date, timedelta
from fractions import Fraction

from tests.revenue.billing.histories import LIST_PRICES, Event, History

DAY = timedelta(days=1)
LENGTH = {"quarter": 3, "half_year": 6, "year": 12, "two_years": 24, "three_years": 36}
WEEKLY = Fraction(12, 52)
INCLUDED, SEAT, PEAK, LOAD = 10_000, Fraction(5), Fraction(7), Fraction(3)
UNITS = {"small": "0.013", "large": "0.0071"}
MANY, FACTOR = 20_000, Fraction("1.1")  # calls a month, above which the list price rises
HELD_DAYS = 366


def cents(amount):
    """Half a cent is rounded up."""
    return Fraction((amount * 100 + Fraction(1, 2)).__floor__(), 100)


def price_of(event):
    if event.basis != "list":
        return Fraction(event.price)
    fixed: dict[str, Fraction | int] = {"month": 1, "week": WEEKLY, **LENGTH}
    months = Fraction(fixed[event.interval])
    return cents(LIST_PRICES[event.plan] * months)


def state_on(event, day):
    is_over = event.state == "trial" and day >= event.trial_until
    return "active" if is_over else event.state


def coupon_is_over(event, day):
    return event.coupon_until is not None and day >= event.coupon_until


def share_on(event, day):
    """The share that a percentage leaves on a day."""
    over = coupon_is_over(event, day)
    return Fraction(1) if over else 1 - Fraction(event.coupon_percent, 100)


def net_on(event, day):
    """The fee of a whole interval after the coupon that is in force on a day."""
    fee = price_of(event) * event.quantity
    off = 0 if coupon_is_over(event, day) else Fraction(event.coupon_amount)
    return max(fee * share_on(event, day) - off, Fraction(0))


def event_on(events: list[Event], day: date):
    """The terms in force on a day: the last by day; of one day, the last recorded."""
    found = None
    for each in events:
        if each.on <= day and (found is None or each.on >= found.on):
            found = each
    return found


def plus_months(day, count):
    year, month = divmod(day.year * 12 + day.month - 1 + count, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def interval_around(day, anchor, every):
    if every == "month":
        return day.replace(day=1), plus_months(day.replace(day=1), 1)
    if every == "week":
        start = anchor
        while start + 7 * DAY <= day:
            start += 7 * DAY
        return start, start + 7 * DAY
    count = 0
    while plus_months(anchor, (count + 1) * LENGTH[every]) <= day:
        count += 1
    return plus_months(anchor, count * LENGTH[every]), plus_months(
        anchor, (count + 1) * LENGTH[every]
    )


def fees(events, end):
    """The fees of every interval that begins before `end`."""
    total, day, anchor, before = Fraction(0), events[0].on, None, None
    parts: dict = {}
    while True:
        event = event_on(events, day)
        active = state_on(event, day) == "active"
        if active and (before is None or before != event.interval):
            anchor = day
        before = event.interval if active else None
        if active:
            start, stop = interval_around(day, anchor, event.interval)
            if start < end:
                key = (start, stop, event, net_on(event, day), state_on(event, day))
                parts[key] = parts.get(key, 0) + 1
            elif day >= end:
                break
        elif day >= end:
            break
        day += DAY
    for (start, stop, _, net, _), days in parts.items():
        total += cents(net * days / (stop - start).days)
    return total


class Calendar:
    """The plan that carries each day's use, by what is known at a time."""

    def __init__(self, history: History, events: list[list[Event]], billed):
        every = [each for each in events if each]
        self.order = sorted(every, key=lambda rows: (min(e.on for e in rows), rows[0].subscription))
        self.billed = billed  # by day, the plan of an invoice that was issued for its month

    def on(self, day):
        """Plan, state and terms."""
        found = None
        for rows in self.order:
            event = event_on(rows, day)
            if event and state_on(event, day) in {"active", "trial", "free"}:
                found = event
        if found is not None:
            return found.plan, state_on(found, day), found
        return (self.billed[day], "active", None) if day in self.billed else (None, "", None)

    def in_force(self, day):
        return any(
            event is not None and state_on(event, day) in {"active", "trial", "free"}
            for event in (event_on(rows, day) for rows in self.order)
        )


def use_of_month(calendar: Calendar, use, start):
    """What the month's use costs; `use` by metric and day."""
    calls = use["calls"]
    days = monthrange(start.year, start.month)[1]
    plans: dict = {}
    for place in range(days):
        day = start + place * DAY
        plan, state, event = calendar.on(day)
        if plan and state == "active":
            plans.setdefault(plan, []).append((day, event))
    total = Fraction(0)
    for plan, mine in plans.items():
        count, used = len(mine), sum(calls.get(day, 0) for day, _ in mine)
        included = Fraction(INCLUDED * count, days)
        total += cents(max(used - included, Fraction(0)) * Fraction(UNITS[plan]))
        on = [day for day, _ in mine]
        total += cents(SEAT * seats_of(calendar, use["seats"], on) * count / days)
        peaks = [use["peak"][day] for day in on if day in use["peak"]]
        total += cents(PEAK * max(peaks, default=0) * count / days)
        total += cents(
            LOAD * mean_of([use["load"][day] for day in on if day in use["load"]]) * count / days
        )
        if Fraction(used * days, count) > MANY:
            total += raised(mine, days)
    return total


def raised(mine, days):
    """The list price's rise on the days that are at the list price."""
    shares: dict = {}
    for day, event in mine:
        if event is not None and event.basis == "list" and event.quantity:
            share = share_on(event, day) * event.quantity
            shares.setdefault((share, event.plan), []).append(day)
    total = Fraction(0)
    for (share, plan), listed in shares.items():
        part = share * len(listed) / days
        total += cents(LIST_PRICES[plan] * FACTOR * part) - cents(LIST_PRICES[plan] * part)
    return total


def mean_of(values):
    """To six decimals, as quantities are."""
    return Fraction(round(Fraction(sum(values), len(values)) * 10**6), 10**6) if values else 0


def seats_of(calendar, seats, days):
    """The last reading on the days, or one that was held into them without a gap."""
    for day in reversed(days):
        if day in seats:
            return seats[day]
        before = day - DAY
        if before in days:
            continue
        first = day  # a span of the plan begins here
        while before >= first - HELD_DAYS * DAY and calendar.in_force(before):
            if before in seats:
                return seats[before]
            before -= DAY
    return 0
