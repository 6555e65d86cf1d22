"""Storing the demo company's customers, what they used, and the larger plans they were offered."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

from aethercrown.db.fields import default_currency
from aethercrown.demo import NotEmpty, Seeding
from operations.automations.registry import RunContext
from operations.decisions import reports as decisions_reports
from operations.decisions import services as decisions
from revenue.billing import reports as billing_reports
from revenue.billing import services as billing
from revenue.billing.models import DailyUse, Meter
from revenue.customers import services as customers
from revenue.customers.models import Change, Customer, Movement, Payment, Subscription
from revenue.demo import larger, use
from revenue.demo.company import Life, Moment, lives
from revenue.mrr.billing_interval import months_before
from revenue.upsell import services as upsell
from revenue.upsell.models import Opportunity

BATCH = 500
FOUND, OFFERED = timedelta(days=2), timedelta(days=9)  # before the offer, before the answer


def seed(seeding: Seeding) -> None:
    """Two years of customers, their subscriptions, payments, and the ledger of them."""
    if Customer.objects.exists():
        raise NotEmpty(
            "This installation has customers of its own, so the demo company was not loaded."
        )
    currency = default_currency()
    found = lives(seeding.random, seeding.today)
    made = Customer.objects.bulk_create(
        Customer(
            external_id=f"demo-{number:04}",
            name=life.name,
            segment=life.segment,
            size=life.size,
            owner=life.owner,
            currency=currency,
        )
        for number, life in enumerate(found, start=1)
    )
    seeding.keep(made)
    for customer, life in zip(made, found, strict=True):
        _subscribed(seeding, customer, life)
    keys = [each.pk for each in made]
    customers.book(keys, now=seeding.now, cause="imported", history=True)
    seeding.keep(Movement.objects.filter(customer__in=made).order_by("pk"))
    _used(seeding, made, found)
    _answered(seeding, made, found)


def _used(seeding: Seeding, made: Sequence[Customer], found: list[Life]) -> None:
    """Meters, and each day's use of some customers."""
    known = set(Meter.objects.values_list("code", flat=True))
    for code, title, unit, part, combine in use.METERS:
        row = billing.meter(code, title=title, unit=unit, part=part, combine=combine)
        seeding.keep([] if code in known else [row])
    totals = [
        billing.Total(made[place].pk, *reading)
        for place in use.metered(found)
        for reading in use.readings(found[place], seeding.today, seeding.random)
    ]
    billing.record(totals, now=seeding.now)
    seeding.keep(DailyUse.objects.filter(customer__in=made).order_by("pk"))


def _answered(seeding: Seeding, made: Sequence[Customer], found: list[Life]) -> None:
    """Offers of the last months with their answers, measured, and what the sweep finds today.

    Where no prices are published in the installation's currency, nothing is added.
    """
    try:
        version = billing_reports.in_force(default_currency(), seeding.today)
    except billing_reports.NothingPublished:
        return
    for count, each in enumerate(larger.answers(found, seeding.today)):
        customer, owner = made[each.place], found[each.place].owner
        at = datetime.combine(each.on, time(10), UTC)
        row = upsell.store(customer.pk, each.found, version, each.inputs, now=at - OFFERED - FOUND)
        upsell.assign(row.pk, owner=owner)
        upsell.offer(row.pk, by=owner, now=at - OFFERED)
        if each.is_taken:
            upsell.accept(row.pk, by=owner, now=at, outcome="Agreed by telephone.")
        else:
            reason = larger.REASONS[count % len(larger.REASONS)]
            upsell.decline(row.pk, by=owner, now=at, outcome=reason)
    decisions.measure_due(seeding.now)
    now = seeding.now
    upsell.find_and_offer(
        RunContext(upsell.AUTOMATIONS[0].name, None, now, now, "propose", dry_run=False)
    )
    rows = Opportunity.objects.filter(customer__in=made).order_by("pk")
    seeding.keep(decisions_reports.about([f"opportunity {each.pk}" for each in rows]))
    seeding.keep(rows)


def _subscribed(seeding: Seeding, customer: Customer, life: Life) -> None:
    """The life's subscriptions, each with its changes, and a payment on the day of each month."""
    for number, moments in enumerate(life.subscriptions, start=1):
        last = moments[-1]
        row = Subscription.objects.create(
            external_id=f"{customer.external_id}-{number}",
            customer=customer,
            plan=last.plan,
            amount=last.amount or Decimal(0),
            currency=customer.currency,
            started_on=moments[0].on,
            ended_on=last.on if last.amount is None else None,
        )
        seeding.keep([row])
        changes = (_change(row, each, seeding) for each in moments)
        seeding.keep(Change.objects.bulk_create(changes))
        paid = Payment.objects.bulk_create(_payments(row, moments, seeding), batch_size=BATCH)
        seeding.keep(paid)


def _change(row: Subscription, moment: Moment, seeding: Seeding) -> Change:
    return Change(
        subscription=row,
        on=moment.on,
        plan=moment.plan,
        amount=moment.amount or Decimal(0),
        is_end=moment.amount is None,
        note="Demo company.",
        recorded_at=seeding.now,
    )


def _payments(row: Subscription, moments: list[Moment], seeding: Seeding) -> Iterator[Payment]:
    """What was due on the same day of each month, at what the subscription then was."""
    count, on = 0, row.started_on
    while on <= seeding.today and (row.ended_on is None or on < row.ended_on):
        holds = [each for each in moments if each.on <= on][-1]
        yield Payment(
            external_id=f"{row.external_id}-{count + 1}",
            customer=row.customer,
            paid_on=on,
            amount=holds.amount or Decimal(0),
            currency=row.currency,
        )
        count += 1
        on = months_before(row.started_on, -count)
