"""Find the opportunities of customers, a batch at a time."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any, NamedTuple

from aethercrown.db import ingest
from revenue.billing import periods
from revenue.billing import reports as billing
from revenue.billing.models import DailyUse, Meter
from revenue.billing.periods import MeterReadings
from revenue.customers.models import Subscription
from revenue.customers.plan_terms import PriceBasis, SubscriptionState
from revenue.pricing import reports as pricing
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.calculation.plan_use import AgreedPrice
from revenue.pricing.calculation.recommend import confidence
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.models import PriceBookVersion
from revenue.pricing.price_book.version import BookVersion
from revenue.upsell import opportunities
from revenue.upsell.forecasting.usage_forecast import HISTORY_DAYS, forecast_usage
from revenue.upsell.models import OfferTerms
from revenue.upsell.opportunities import (
    AmountRange,
    FoundOpportunity,
    OpportunityKind,
    UsageForecast,
)
from revenue.upsell.reports.offers import AnswerCounts, answer_counts, last_declined, terms


class Candidate(NamedTuple):
    """A customer with an active subscription to a plan, and what is agreed of its price."""

    customer: int
    plan: str
    currency: str
    time_zone: str
    agreed: AgreedPrice


@dataclass(slots=True)
class SweepContext:
    """What the sweep needs for every customer, read once; price books are loaded on first use."""

    now: datetime
    active: Mapping[str, Collection[date]]
    decided: Mapping[str, AnswerCounts]
    terms: OfferTerms
    books: dict[str, tuple[PriceBookVersion, BookVersion]] = field(default_factory=dict)

    def book(self, currency: str) -> tuple[PriceBookVersion, BookVersion]:
        """The price book in force in a currency. Raises NothingPublished and Tampered."""
        if currency not in self.books:
            version = billing.in_force(currency, self.now.date())
            self.books[currency] = version, pricing.book(version)
        return self.books[currency]


def candidates(after: int, most: int, today: date) -> list[Candidate]:
    """The next customers by id with an active plan; the largest subscription counts.

    Merged and erased records are left out.
    """
    running = Subscription.objects.filter(state=SubscriptionState.ACTIVE).exclude(plan="")
    known = running.filter(customer__merged_into=None, customer__erased_at=None)
    keys = known.filter(customer__gt=after).order_by("customer").values_list("customer", flat=True)
    chosen = list(keys.distinct()[:most])
    rows = running.filter(customer__in=chosen).order_by("customer", "amount", "pk")
    fields = ("external_id", "customer_id", "plan", "currency", "customer__time_zone", "basis")
    listed = billing.list_prices_today(chosen, today)
    found = {}
    for name, key, plan, currency, zone, basis, amount, quantity in rows.values_list(
        *fields, "amount", "quantity"
    ):
        agreed = listed.get(name, AgreedPrice(share=Fraction(quantity)))
        if basis != PriceBasis.LIST:
            agreed = AgreedPrice(amount)
        found[key] = Candidate(key, plan, currency, zone, agreed)
    return list(found.values())


class CostsAhead(NamedTuple):
    """What every plan costs a customer for the forecast use, and what revenue's rules find."""

    candidate: Candidate
    version: PriceBookVersion
    book: BookVersion
    now: PricingInputs
    ahead: UsageForecast
    found: list[FoundOpportunity]
    costs: dict[str, AmountRange]


def costs_ahead(customer: int, now: datetime) -> CostsAhead | None:
    """The costs of one customer; None without an active plan, or too little known use.

    Raises NothingPublished, Tampered and InvalidValues.
    """
    near = candidates(customer - 1, 1, now.date())
    mine = [each for each in near if each.customer == customer]
    if not mine:
        return None
    version = billing.in_force(mine[0].currency, now.date())
    book = pricing.book(version)
    today = periods.today_in(mine[0].time_zone, now)
    first, end = today - timedelta(days=HISTORY_DAYS), today + timedelta(days=1)
    readings = billing.readings([customer], first, end).get(customer, {})
    since = billing.first_days([customer]).get(customer)
    known = forecast_usage(readings, active_days(first, end), today, since)
    if known is None or mine[0].plan not in {plan.code for plan in book.active}:
        return None
    found = opportunities.find_opportunities(book, mine[0].plan, *known, agreed=mine[0].agreed)
    costs = opportunities.plan_costs(book, mine[0].plan, known[1], agreed=mine[0].agreed)
    return CostsAhead(mine[0], version, book, *known, found, costs)


def active_days(since: date, until: date) -> dict[str, set[date]]:
    """By metric, the days on which at least one customer used it; each is looked up in an index."""
    codes = dict(Meter.objects.values_list("pk", "code"))
    days = [since + timedelta(days=place) for place in range((until - since).days + 1)]
    pairs = [(meter, day.isoformat()) for meter in codes for day in days]
    found: dict[str, set[date]] = {}
    for meter, day in ingest.existing(DailyUse, ("meter_id", "day"), pairs):
        found.setdefault(codes[meter], set()).add(date.fromisoformat(str(day)))
    return found


def sweep_context(now: datetime) -> SweepContext:
    today = now.date()
    active = active_days(today - timedelta(days=HISTORY_DAYS + 1), today + timedelta(days=1))
    return SweepContext(now, active, answer_counts(), terms())


def opportunities_of_batch(
    batch: Sequence[Candidate], sight: SweepContext, not_rated: list[str]
) -> Iterator[tuple[int, bool, list[dict[str, Any]]]]:
    """Each customer, whether they declined recently, and their opportunities as column values.

    Customers who cannot be rated are skipped and added to `not_rated`, with the reason.
    """
    keys = [each.customer for each in batch]
    today = sight.now.date()
    first, end = today - timedelta(days=HISTORY_DAYS), today + timedelta(days=1)
    readings, since = billing.readings(keys, first, end), billing.first_days(keys)
    declined = last_declined(keys)
    rest = timedelta(days=sight.terms.rest_days)
    for each in batch:
        last = declined.get(each.customer)
        rests = last is not None and sight.now - last < rest
        mine, first_day = readings.get(each.customer, {}), since.get(each.customer)
        try:
            yield each.customer, rests, _opportunities_of(each, mine, first_day, sight)
        except (InvalidValues, billing.NothingPublished, billing.Tampered) as error:
            not_rated.append(f"customer {each.customer}: {error}")


def _opportunities_of(
    each: Candidate,
    readings: Mapping[str, MeterReadings],
    since: date | None,
    sight: SweepContext,
) -> list[dict[str, Any]]:
    version, book = sight.book(each.currency)
    today = periods.today_in(each.time_zone, sight.now)
    known = forecast_usage(readings, sight.active, today, since)
    if known is None or each.plan not in {plan.code for plan in book.active}:
        return []
    now, ahead = known
    inputs = {"now": now.as_json(), "ahead": ahead.as_json()}
    found = opportunities.find_opportunities(book, each.plan, now, ahead, agreed=each.agreed)
    return [
        columns_of(one, version, inputs, sight.decided)
        for one in found
        if one.kind is OpportunityKind.OVERAGE_SAVING or one.gain.estimate >= sight.terms.least_gain
    ]


def columns_of(
    found: FoundOpportunity,
    version: PriceBookVersion,
    inputs: Mapping[str, Any],
    answers: Mapping[str, AnswerCounts],
) -> dict[str, Any]:
    return {
        "kind": found.kind.value,
        "reason": found.reason[:500],
        "current_plan": found.current,
        "recommended_plan": found.recommended,
        "currency": found.currency,
        "version": version,
        "inputs": inputs,
        "costs": {code: each.as_json() for code, each in found.costs.items()},
        "gain_low": found.gain.low,
        "gain": found.gain.estimate,
        "gain_high": found.gain.high,
        "confidence": confidence(**answers.get(found.kind, AnswerCounts())._asdict()),
    }
