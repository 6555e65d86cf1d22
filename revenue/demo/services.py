"""Storing the demo company's customers."""

from collections.abc import Iterator
from decimal import Decimal

from aethercrown.columns import default_currency
from aethercrown.demo import NotEmpty, Seeding
from revenue.customers import services as customers
from revenue.customers.models import Change, Customer, Movement, Payment, Subscription
from revenue.customers.recurring import months_before
from revenue.demo.company import Life, Moment, lives

BATCH = 500


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
