"""Changes of subscriptions that are agreed ahead, and recorded on their day."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple

from django.db import transaction
from django.utils import timezone

from aethercrown.transitions import InvalidTransition
from revenue.customers.models import ScheduledChange, Subscription
from revenue.customers.plan_terms import PriceBasis, SubscriptionState
from revenue.customers.services import subscriptions
from revenue.customers.services.customers import InvalidEntry

State = ScheduledChange.State
AgreedTriple = tuple[Decimal | None, str | None, str | None]  # amount, interval, plan
NOTE = "Scheduled before."
TERMS = ("basis", "quantity", "coupon", "coupon_percent", "coupon_amount", "coupon_until")


class RecordedChanges(NamedTuple):
    """How many were recorded, and what was refused: the row's number and the reason."""

    recorded: int
    refused: list[tuple[int, str]]


@transaction.atomic
def schedule_change(
    subscription_id: int, *, on: date, by: str, now: datetime, **terms: Any
) -> ScheduledChange:
    """Agree a change, or an end, of a day to come; what is not given stays as it is then.

    `terms` are columns of ScheduledChange. Raises InvalidEntry.
    """
    subscription = subscriptions.lock_subscription(subscription_id)
    if on <= timezone.localdate(now):
        raise InvalidEntry("on", f"{on} is not after today: record the change itself.")
    if subscription.ended_on is not None:
        raise InvalidEntry("on", f"{subscription} ended on {subscription.ended_on}.")
    if on <= subscription.started_on:
        begins = f"{subscription} begins on {subscription.started_on}"
        raise InvalidEntry("on", f"{begins}: adjust what was recorded for that day.")
    row = ScheduledChange(
        subscription=subscription, on=on, scheduled_at=now, scheduled_by=by[:150], **terms
    )
    _check_beside_others(row)
    if row.new_state != SubscriptionState.ENDED:
        subscriptions.columns_after(subscription, on, *_price_and_terms(row, subscription))
    row.save()
    return row


def _check_beside_others(row: ScheduledChange) -> None:
    """One a day, and none after the end. Raises InvalidEntry."""
    others = ScheduledChange.objects.filter(
        subscription=row.subscription, state=State.SCHEDULED
    ).order_by("on")
    if others.filter(on=row.on).exists():
        raise InvalidEntry("on", f"A change of {row.on} is scheduled already; cancel it first.")
    end = others.filter(new_state=SubscriptionState.ENDED, on__lt=row.on).first()
    if end is not None:
        raise InvalidEntry("on", f"The end on {end.on} is scheduled, which is before.")
    last = others.last()
    if row.new_state == SubscriptionState.ENDED and last is not None and last.on > row.on:
        raise InvalidEntry("on", f"A change of {last.on} is scheduled, which is after the end.")


def _price_and_terms(
    row: ScheduledChange, subscription: Subscription
) -> tuple[str, AgreedTriple, dict[str, Any]]:
    """Note, price and terms as `subscriptions.change` takes them: what is empty is not named."""
    given = {name: getattr(row, name) for name in TERMS}
    named = {name: value for name, value in given.items() if value not in (None, "")}
    if row.new_state:
        named["state"] = row.new_state
    every = row.interval or None
    if row.price is not None and every is None:  # the price is of an interval
        every = subscriptions.saved_terms(subscription, row.on)["interval"]
    amount = None if row.basis == PriceBasis.LIST else row.price
    if not (named or every or row.plan or amount is not None):
        raise InvalidEntry("on", "Say what changes.")
    return row.note or NOTE, (amount, every, row.plan or None), named


@transaction.atomic
def cancel_scheduled(scheduled_id: int, *, by: str, now: datetime) -> ScheduledChange:
    """Take a scheduled change back; one that was cancelled stays so. Raises InvalidTransition."""
    row = ScheduledChange.objects.select_for_update().get(pk=scheduled_id)
    if row.state == State.CANCELLED:
        return row
    if row.state != State.SCHEDULED:
        raise InvalidTransition(f"{row} is {row.state}.")
    return _close(row, State.CANCELLED, now, by=by)


def record_due_changes(*, now: datetime) -> RecordedChanges:
    """Record the changes whose day has come, each in its own transaction."""
    due = ScheduledChange.objects.filter(state=State.SCHEDULED, on__lte=timezone.localdate(now))
    recorded, refused = 0, []
    for key in list(due.order_by("on", "pk").values_list("pk", flat=True)):
        row = _record(key, now)
        recorded += row.state == State.RECORDED
        if row.state == State.REFUSED:
            refused.append((row.pk, row.reason))
    return RecordedChanges(recorded, refused)


@transaction.atomic
def _record(scheduled_id: int, now: datetime) -> ScheduledChange:
    """Record one; where it is impossible by then it is refused, with the reason."""
    row = ScheduledChange.objects.select_for_update(of=("self",)).get(pk=scheduled_id)
    if row.state != State.SCHEDULED:
        return row
    try:
        with transaction.atomic():
            _write(row, now)
    except InvalidEntry as error:
        return _close(row, State.REFUSED, now, reason=str(error))
    return _close(row, State.RECORDED, now)


def _write(row: ScheduledChange, now: datetime) -> None:
    subscription = subscriptions.lock_subscription(row.subscription_id)
    note = row.note or NOTE
    if row.new_state == SubscriptionState.ENDED:
        subscriptions.end(subscription.pk, on=row.on, now=now, note=note)
        return
    note, (amount, every, plan), named = _price_and_terms(row, subscription)
    again = subscription.changes.filter(on=row.on).exists()
    record = subscriptions.adjust if again else subscriptions.change
    record(
        subscription.pk, on=row.on, now=now, note=note, amount=amount, every=every, plan=plan,
        recorded_by=row.scheduled_by, **named,
    )  # fmt: skip


def _close(
    row: ScheduledChange, state: State, now: datetime, *, by: str = "", reason: str = ""
) -> ScheduledChange:
    row.state, row.closed_at = state.value, now
    row.closed_by, row.reason = by[:150], reason[:300]
    row.save(update_fields=["state", "closed_at", "closed_by", "reason"])
    return row
