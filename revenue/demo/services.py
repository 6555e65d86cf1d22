"""Storing the demo company's customers, what they used, and the larger plans they were offered."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import numpy as np

from aethercrown.db.fields import default_currency
from aethercrown.demo import NotEmpty, Seeding
from operations.automations.registry import RunContext
from operations.decisions import reports as decisions_reports
from operations.decisions import services as decisions
from revenue.billing import reports as billing_reports
from revenue.billing.models import DailyUse, Meter
from revenue.billing.services import usage as usage_service
from revenue.customers.billing_interval import MONTHS, months_before
from revenue.customers.models import Customer, Payment, Subscription, SubscriptionChange
from revenue.customers.plan_terms import PlanTerms, PriceBasis, SubscriptionState
from revenue.demo import offers, usage
from revenue.demo.company import Agreement, DemoCustomer, customers_over_time
from revenue.mrr.models import MrrMovement
from revenue.mrr.services.booking import book
from revenue.pricing import reports
from revenue.pricing import services as pricing
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.upsell import services as upsell
from revenue.upsell.models import Opportunity

BATCH = 500
FOUND_BEFORE_OFFER, OFFERED_BEFORE_ANSWER = timedelta(days=2), timedelta(days=9)


def seed(seeding: Seeding) -> None:
    """Store two years of customers, subscriptions, payments, MRR movements, usage and offers."""
    if Customer.objects.exists():
        raise NotEmpty(
            "This installation has customers of its own, so the demo company was not loaded."
        )
    currency = default_currency()
    found = customers_over_time(seeding.random, seeding.today)
    made = Customer.objects.bulk_create(
        Customer(
            external_id=f"demo-{number:04}",
            name=demo.name,
            segment=demo.segment,
            size=demo.size,
            owner=demo.owner,
            currency=currency,
        )
        for number, demo in enumerate(found, start=1)
    )
    seeding.keep(made)
    for customer, demo in zip(made, found, strict=True):
        _store_subscriptions(seeding, customer, demo)
    keys = [each.pk for each in made]
    book(keys, now=seeding.now, cause="imported", history=True)
    seeding.keep(MrrMovement.objects.filter(customer__in=made).order_by("pk"))
    _store_usage(seeding, made, found)
    _store_offers(seeding, made, found)


def _store_usage(seeding: Seeding, made: Sequence[Customer], found: list[DemoCustomer]) -> None:
    """Store meters, and the daily usage of some customers."""
    known = set(Meter.objects.values_list("code", flat=True))
    for code, title, unit, input_group, aggregation in usage.METERS:
        row = usage_service.ensure_meter(
            code, title=title, unit=unit, input_group=input_group, aggregation=aggregation
        )
        seeding.keep([] if code in known else [row])
    totals = [
        usage_service.DailyTotal(made[place].pk, *reading)
        for place in usage.metered(found)
        for reading in usage.readings(found[place], seeding.today, seeding.random)
    ]
    usage_service.record(totals, now=seeding.now)
    seeding.keep(DailyUse.objects.filter(customer__in=made).order_by("pk"))


def _store_offers(seeding: Seeding, made: Sequence[Customer], found: list[DemoCustomer]) -> None:
    """Store recent offers with their outcomes, and the opportunities found today.

    Nothing is added where no prices are published in the installation's currency.
    """
    try:
        version = billing_reports.in_force(default_currency(), seeding.today)
    except billing_reports.NothingPublished:
        return
    for count, each in enumerate(offers.offer_outcomes(found, seeding.today)):
        customer, owner = made[each.place], found[each.place].owner
        at = datetime.combine(each.on, time(10), UTC)
        row = upsell.store(
            customer.pk,
            each.found,
            version,
            each.inputs,
            now=at - OFFERED_BEFORE_ANSWER - FOUND_BEFORE_OFFER,
        )
        upsell.assign(row.pk, owner=owner)
        upsell.offer(row.pk, by=owner, now=at - OFFERED_BEFORE_ANSWER)
        if each.is_accepted:
            upsell.accept(row.pk, by=owner, now=at, outcome="Agreed by telephone.")
        else:
            reason = offers.REASONS[count % len(offers.REASONS)]
            upsell.decline(row.pk, by=owner, now=at, outcome=reason)
    decisions.measure_due(seeding.now)
    now = seeding.now
    upsell.find_and_offer(
        RunContext(upsell.AUTOMATIONS[0].name, None, now, now, "propose", dry_run=False)
    )
    rows = Opportunity.objects.filter(customer__in=made).order_by("pk")
    seeding.keep(decisions_reports.about([f"opportunity {each.pk}" for each in rows]))
    seeding.keep(rows)


def _store_subscriptions(seeding: Seeding, customer: Customer, demo: DemoCustomer) -> None:
    """Store the subscriptions, each with its changes and a payment every month or year."""
    for number, agreements in enumerate(demo.subscriptions, start=1):
        name = f"{customer.external_id}-{number}"
        rows = [_columns(demo, each, name) for each in _priced(agreements)]
        last = agreements[-1]
        subscription = Subscription.objects.create(
            **{name: value for name, value in rows[-1].items() if name not in CHANGE_ONLY},
            external_id=name,
            customer=customer,
            currency=customer.currency,
            started_on=agreements[0].on,
            ended_on=last.on if last.amount is None else None,
        )
        seeding.keep([subscription])
        changes = SubscriptionChange.objects.bulk_create(
            SubscriptionChange(**each, subscription=subscription, recorded_at=seeding.now)
            for each in rows
        )
        seeding.keep(changes)
        every = int(MONTHS[demo.interval])
        payments = _payments(subscription, agreements, every, seeding)
        seeding.keep(Payment.objects.bulk_create(payments, batch_size=BATCH))


CHANGE_ONLY = ("on", "note", "is_end")


def _priced(agreements: Iterable[Agreement]) -> Iterator[Agreement]:
    """The agreements that change plan or price; the others only change the use."""
    before = None
    for each in agreements:
        if before is None or (each.plan, each.amount) != (before.plan, before.amount):
            yield each
        before = each


def _columns(demo: DemoCustomer, each: Agreement, name: str) -> dict[str, Any]:
    ended = each.amount is None
    terms = PlanTerms(
        each.on,
        name,
        each.plan,
        (each.amount or Decimal(0)) * int(MONTHS[demo.interval]),
        SubscriptionState.ENDED if ended else SubscriptionState.ACTIVE,
        PriceBasis.NEGOTIATED if ended else demo.basis,
        demo.interval,
    )
    names = ("on", "plan", "price", "state", "basis", "interval")
    values = {name: getattr(terms, name) for name in names}
    return {**values, "amount": terms.mrr, "is_end": ended, "note": "Demo company."}


def _payments(
    row: Subscription, agreements: list[Agreement], every: int, seeding: Seeding
) -> Iterator[Payment]:
    """A payment on the same day every so many months, at the amount in force on that day."""
    count, on = 0, row.started_on
    while on <= seeding.today and (row.ended_on is None or on < row.ended_on):
        agreement = usage.agreement_on(agreements, on)
        yield Payment(
            external_id=f"{row.external_id}-{count + 1}",
            customer=row.customer,
            paid_on=on,
            amount=(agreement.amount or Decimal(0)) * every,
            currency=row.currency,
        )
        count += 1
        on = months_before(row.started_on, -count * every)


QUOTES = 40
CODES = ("starter", "professional", "enterprise")
RAISED = {"starter": Decimal(35), "professional": Decimal(89)}
SALES = "demo: sales"


def seed_prices(seeding: Seeding) -> None:
    """Store quotes of the last weeks, and a draft that raises one price and lowers one.

    Nothing is added where the default prices are retired.
    """
    try:
        reports.version_in_force(seeding.today - timedelta(days=QUOTES))
    except reports.NothingPublished:
        return
    for days in range(QUOTES, 0, -1):
        tier = int(seeding.random.integers(0, len(CODES)))
        known, at = _situation(seeding.random, tier), seeding.now - timedelta(days=days)
        seeding.keep([pricing.create_quote(CODES[tier], known, now=at, by=SALES)[0]])
    draft = pricing.draft(
        reports.STANDARD_BOOK, effective_from=seeding.today + timedelta(days=30), now=seeding.now
    )
    for price in draft.prices.select_related("plan", "version"):
        price.base_price = RAISED.get(price.plan.code, price.base_price)
        price.save()
    seeding.keep([draft])


def _situation(draw: np.random.Generator, tier: int) -> PricingInputs:
    """Usage that roughly suits the plan, with company data for the largest plan."""
    usage = {
        "api_calls": Decimal(int(draw.lognormal(8 + 1.3 * tier, 0.9))),
        "storage_gb": Decimal(int(draw.lognormal(3.5 + tier, 0.9))),
        "user_seats": Decimal(int(draw.lognormal(1.5 + tier, 0.7))),
    }
    engagement = {
        "daily_active_rate": Decimal(int(draw.integers(20, 95))).scaleb(-2),
        "tenure_months": Decimal(int(draw.integers(0, 36))),
    }
    company = {"employee_count": Decimal(int(draw.lognormal(5.5, 1.2)))}
    return PricingInputs(usage, engagement, company if CODES[tier] == "enterprise" else None)
