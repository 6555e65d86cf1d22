"""Plays a random history through the services, and compares what was billed with the oracle."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from revenue.billing.models import Invoice
from revenue.billing.reports import credit_balance
from revenue.billing.services import invoices, usage
from revenue.billing.services.usage import DailyTotal
from revenue.customers import services as customers
from revenue.customers.billing_interval import months_before
from revenue.customers.models import Customer
from revenue.pricing import services as pricing
from revenue.pricing.models import (
    PlanCharge,
    PlanPrice,
    PriceBook,
    PriceBookVersion,
    PriceFactor,
    PricingPlan,
)
from tests.revenue.billing import oracle
from tests.revenue.billing.histories import (
    FIRST,
    LIST_PRICES,
    METRICS,
    MONTHS,
    DayUse,
    Event,
    History,
)

CURRENCY = "EUR"  # the standard book is in USD
GRACE = timedelta(days=2)
LAST = months_before(FIRST, -(MONTHS + 1))  # the first month that is not billed


def publish_prices() -> None:
    """A price book of the oracle's prices, and its meters."""
    book = PriceBook.objects.create(code="histories", title="Histories", currency=CURRENCY)
    at = datetime.combine(FIRST, time(), UTC)
    version = PriceBookVersion.objects.create(
        book=book, number=1, effective_from=FIRST - timedelta(days=1), created_at=at
    )
    for rank, (code, price) in enumerate(LIST_PRICES.items(), start=1):
        plan = PricingPlan.objects.create(code=code, name=code.title(), rank=rank)
        PlanPrice.objects.create(version=version, plan=plan, base_price=price)
        tiers = [{"up_to": str(oracle.INCLUDED), "unit": "0"}, {"unit": oracle.UNITS[code]}]
        row = {"version": version, "plan": plan}
        PlanCharge.objects.create(
            **row,
            position=1,
            metric="calls",
            title="Calls",
            model="graduated",
            price={"tiers": tiers},
        )
        units = {"seats": oracle.SEAT, "peak": oracle.PEAK, "load": oracle.LOAD}
        for position, (metric, unit) in enumerate(units.items(), start=2):
            PlanCharge.objects.create(
                **row,
                position=position,
                metric=metric,
                title=metric.title(),
                model="per_unit",
                price={"unit": str(unit)},
            )
    PriceFactor.objects.create(
        version=version, kind="usage", metric="calls", above=oracle.MANY, value=Decimal("1.1")
    )
    pricing.publish(version.pk, actor="test", now=at)
    usage.ensure_meter("calls")
    for metric, aggregation in {"seats": "last", "peak": "max", "load": "mean"}.items():
        usage.ensure_meter(metric, aggregation=aggregation)


@dataclass(slots=True)
class Player:
    """One history being played; `records` are the customers' ids."""

    history: History
    records: list[int]
    subscriptions: dict[int, int]
    totals: dict[tuple[int, str, date], int]
    billed: dict[date, str]
    known: list[Event]
    is_merged: bool = False

    @classmethod
    def of(cls, number: int, history: History) -> "Player":
        made = [
            Customer.objects.create(
                external_id=f"h{number}-{place}", name="H", currency=CURRENCY
            ).pk
            for place in range(history.records)
        ]
        return cls(history, made, {}, {}, {}, [])

    def play(self) -> None:
        """Record everything when it became known, and issue each month two days after its end."""
        waiting: list[Any] = [*self.history.events, *self.history.use]
        waiting += [self.history.merged] if self.history.merged else []
        waiting.sort(key=_day)
        for count in range(MONTHS + 1):
            month = months_before(FIRST, -count)
            at = months_before(month, -1) + GRACE
            while waiting and _day(waiting[0]) <= at:
                self._take(waiting.pop(0))
            self._issue(month, at, count)
        assert not waiting

    def _take(self, what: Any) -> None:
        now = _noon(_day(what))
        if isinstance(what, Event):
            self._agree(what, now)
        elif isinstance(what, DayUse):
            self._use(what, now)
        else:
            customers.merge(self.records[0], self.records[1], now=now)
            self.is_merged = True

    def _owner(self, record: int) -> int:
        return self.records[0] if self.is_merged else self.records[record]

    def _agree(self, event: Event, now: datetime) -> None:
        self.known.append(event)
        held = self.subscriptions.get(event.subscription)
        terms: dict[str, Any] = {
            "state": event.state,
            "basis": event.basis,
            "quantity": event.quantity,
            "coupon_percent": Decimal(event.coupon_percent),
            "coupon_amount": event.coupon_amount,
            "coupon_until": event.coupon_until,
            "trial_until": event.trial_until,
        }
        price: dict[str, Any] = {
            "amount": None if event.basis == "list" else event.price,
            "every": event.interval,
            "plan": event.plan,
        }
        if held is None:
            made = customers.record_subscription(
                self._owner(self.history.owners[event.subscription]),
                external_id=f"{self.records[0]}-{event.subscription}",
                currency=CURRENCY,
                started_on=event.on,
                now=now,
                **price,
                **terms,
            )
            self.subscriptions[event.subscription] = made.pk
        elif event.state == "ended":
            customers.end(held, on=event.on, now=now)
        else:
            customers.change(held, on=event.on, now=now, **price, **terms)

    def _use(self, row: DayUse, now: datetime) -> None:
        owner = self._owner(row.record)
        key = owner, row.metric, row.day
        self.totals[key] = self.totals.get(key, 0) + row.quantity
        usage.record([DailyTotal(*key, Decimal(self.totals[key]))], now=now)

    def _issue(self, month: date, at: date, count: int) -> None:
        for record in self.records[:1] if self.is_merged else self.records:
            if count in {0, MONTHS}:
                made: Invoice | None = invoices.issue(record, month, by="test", now=_noon(at))
            else:
                made = invoices.issue_due(record, month, by="test", now=_noon(at))
            for each in made.plan_periods if made else ():
                day = date.fromisoformat(str(each["active_from"]))
                while day < date.fromisoformat(str(each["active_to"])):
                    self.billed.setdefault(day, each["plan"])
                    day += timedelta(days=1)

    def was_billed(self) -> Fraction:
        """The invoices less the credit that is left."""
        rows = Invoice.objects.filter(customer__in=self.records)
        total = sum((Fraction(each.total) for each in rows), Fraction(0))
        return total - sum(
            Fraction(each) for each in credit_balance.balances(self.records[:1]).values()
        )

    def costs(self) -> Fraction:
        """What the oracle says."""
        events: list[list[Event]] = [[] for _ in self.history.owners]
        for each in self.known:
            events[each.subscription].append(each)
        use: dict[str, dict[date, int]] = {each: {} for each in METRICS}
        for row in self.history.use:
            into = use[row.metric]
            into[row.day] = into.get(row.day, 0) + row.quantity
        total = sum((oracle.fees(mine, LAST) for mine in events), Fraction(0))
        calendar = oracle.Calendar(self.history, events, self.billed)
        for count in range(MONTHS + 1):
            month = months_before(FIRST, -count)
            total += oracle.use_of_month(calendar, use, month)
        return total


def _day(what: Any) -> date:
    return what if isinstance(what, date) else what.recorded


def _noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)
