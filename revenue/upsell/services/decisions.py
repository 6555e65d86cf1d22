"""Apply, undo and measure the two decisions about an opportunity: offer and acceptance."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from operations.decisions.decision_types import DecisionCase, DecisionType, MeasuredEffect, Stale
from revenue.customers import services as customers
from revenue.customers.models import Subscription
from revenue.mrr import reports as mrr
from revenue.upsell import decision_drafts
from revenue.upsell.models import Opportunity
from revenue.upsell.offer_mail import OfferDelivery
from revenue.upsell.reports import offers
from revenue.upsell.services import mailing
from revenue.upsell.services.lifecycle import lock, set_offered
from revenue.upsell.states import ACTIVE_STATES, OpportunityState

ONE_DAY = timedelta(days=1)


def apply_offer(case: DecisionCase) -> None:
    """Make the offer, in the decision's transaction."""
    set_offered(_lock_in_state(case, OpportunityState.OPEN), timezone.now())


def undo_offer(case: DecisionCase) -> None:
    row = _lock_in_state(case, OpportunityState.OFFERED)
    mailing.cancel_offer(row, timezone.now())
    row.state, row.expires_at = OpportunityState.OPEN.value, None
    row.delivery = OfferDelivery.NOT_OFFERED.value
    row.save()


def measure_offer(case: DecisionCase, _at: datetime) -> MeasuredEffect | None:
    """The gain if the offer was accepted, else 0; None while it is not answered."""
    row = _opportunity(case)
    if row is None or row.state in ACTIVE_STATES:
        return None
    value = float(row.gain) if row.state == OpportunityState.ACCEPTED else 0.0
    inside = case.expected.low <= value <= case.expected.high
    return MeasuredEffect(value, None, None, {"state": row.state}, inside=inside)


def apply_acceptance(case: DecisionCase) -> None:
    """Accept the opportunity; move the subscription where an amount was agreed."""
    row = _lock_in_state(case, *ACTIVE_STATES)
    _move_subscription(case)
    row.state = OpportunityState.ACCEPTED.value
    row.agreed_amount = Decimal(case.after["amount"]) if "amount" in case.after else None
    row.save()


def undo_acceptance(case: DecisionCase) -> None:
    row = _lock_in_state(case, OpportunityState.ACCEPTED)
    _move_subscription(case, back=True)
    row.state, row.agreed_amount, row.decided_at = case.before["state"], None, None
    row.decided_by = row.outcome = ""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        message = f"{row.customer} has another open opportunity of this kind since."
        raise Stale(message) from None


def measure_acceptance(case: DecisionCase, at: datetime) -> MeasuredEffect | None:
    """The change of the customer's MRR, less that of customers who were offered nothing."""
    row = _opportunity(case)
    if row is None or case.applied_at is None or row.state != OpportunityState.ACCEPTED:
        return None
    before = timezone.localdate(case.applied_at) - ONE_DAY
    until = timezone.localdate(min(at, case.applied_at + decision_drafts.MEASURED_AFTER))
    mine, others = row.customer_id, offers.comparison_group(row, before)
    was = mrr.mrr_of([mine, *others], before)
    now = mrr.mrr_of([mine, *others], until)
    changes = [float(now.get(each, Decimal(0)) / was[each]) - 1 for each in others if was.get(each)]
    return decision_drafts.measured_effect(
        case.expected, float(was.get(mine, Decimal(0))), float(now.get(mine, Decimal(0))), changes
    )


def opportunity_page_path(subject: str) -> str:
    return f"/dashboards/upsell/{decision_drafts.opportunity_id(subject)}"


def _opportunity(case: DecisionCase) -> Opportunity | None:
    return Opportunity.objects.filter(pk=decision_drafts.opportunity_id(case.subject)).first()


def _lock_in_state(case: DecisionCase, *states: OpportunityState) -> Opportunity:
    """The locked opportunity of a decision. Raises Stale unless it is in one of `states`."""
    try:
        row = lock(decision_drafts.opportunity_id(case.subject))
    except Opportunity.DoesNotExist:
        raise Stale(f"There is no {case.subject} any more.") from None
    if row.state not in states:
        raise Stale(f"{row} is {row.state} since.")
    return row


def _move_subscription(case: DecisionCase, *, back: bool = False) -> None:
    """Move the subscription to the recommended plan and the agreed amount, or `back`.

    Raises Stale unless plan and amount are as the decision left them.
    """
    if "subscription" not in case.before:
        return
    expected = case.after if back else case.before
    owner = Subscription.objects.values_list("customer", flat=True).get(
        pk=case.before["subscription"]
    )
    customers.lock_customer(owner)  # before the terms are compared
    row = Subscription.objects.get(pk=case.before["subscription"])
    if row.plan != expected["plan"] or row.ended_on or not _same_amount(row, expected):
        raise Stale(f"{row} brings {row.amount} on {row.plan or 'no plan'} since.")
    now = timezone.now()
    today = timezone.localdate(now)
    if back and "terms" in case.before:
        note = "The upgrade was undone."
        customers.restore(row.pk, case.before["terms"], on=today, now=now, note=note)
        return
    target = case.before if back else case.after
    move = customers.adjust if row.changes.filter(on=today).exists() else customers.change
    note = "The upgrade was undone." if back else "The customer accepted an upgrade."
    agreed = {"amount": Decimal(target["amount"]), "plan": target["plan"], "basis": "negotiated"}
    move(row.pk, on=today, now=now, note=note, **agreed, **WHOLE_AMOUNT)


def _same_amount(row: Subscription, expected: Mapping[str, Any]) -> bool:
    """Whether the MRR is as expected, but for the rounding of an interval's price."""
    return bool(abs(row.amount - Decimal(expected["amount"])) <= MILLIONTH)


MILLIONTH = Decimal("0.000001")
WHOLE_AMOUNT: Mapping[str, Any] = {  # an agreed amount is that of the whole subscription
    "quantity": 1,
    "coupon": "",
    "coupon_percent": Decimal(0),
    "coupon_amount": Decimal(0),
    "coupon_until": None,
}


KINDS = (
    DecisionType(
        decision_drafts.OFFER,
        "Upsell offer",
        apply_offer,
        undo_offer,
        measure_offer,
        path=opportunity_page_path,
    ),
    DecisionType(
        decision_drafts.ACCEPTANCE,
        "Upsell acceptance",
        apply_acceptance,
        undo_acceptance,
        measure_acceptance,
        path=opportunity_page_path,
        is_recorded=True,
    ),
)
