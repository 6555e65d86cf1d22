"""Offer, accept, decline, withdraw and assign an opportunity; each in one transaction."""

from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from aethercrown.history.attribution import AUTOMATIC
from aethercrown.transitions import check_transition
from operations.decisions import services as decisions
from revenue.customers import services as customers
from revenue.customers.data_hooks import CustomerDataHook
from revenue.customers.models import Subscription
from revenue.customers.plan_terms import SubscriptionState
from revenue.upsell import decision_drafts, reports
from revenue.upsell.models import Opportunity
from revenue.upsell.reports import offers
from revenue.upsell.services import mailing
from revenue.upsell.states import ACTIVE_STATES, STEPS, OpportunityState


@transaction.atomic
def offer(opportunity_id: int, *, by: str, now: datetime) -> Opportunity:
    """Make the offer now, also where the sweep's guardrails forbid it; once only.

    Raises InvalidTransition.
    """
    row = lock(opportunity_id)
    if row.state == OpportunityState.OFFERED:
        return row
    check_transition(str(row), row.state, OpportunityState.OFFERED, STEPS)
    decision = propose_offer(row, "propose", now, None)
    if decision.status == "proposed" and decision.mode != "observe":
        decisions.approve(decision.pk, actor=by, now=now)
        row = lock(opportunity_id)
    else:  # only observed, or rejected: offering it all the same is an approval too
        decisions.check_four_eyes(decision.kind, [decision.proposed_by], by)
    return set_offered(row, now)


def accept(
    opportunity_id: int, *, by: str, now: datetime, amount: Decimal | None = None, outcome: str = ""
) -> Opportunity:
    """Record that the customer accepted.

    With `amount` the subscription moves to the recommended plan today and brings that amount;
    without it the subscription stays as it is. Accepted again at the same amount, nothing
    changes. Raises InvalidTransition, and InvalidEntry where no subscription can be moved or the
    amount is invalid.
    """
    with transaction.atomic():
        row = lock(opportunity_id)
        if row.state == OpportunityState.ACCEPTED and row.agreed_amount == amount:
            return row
        check_transition(str(row), row.state, OpportunityState.ACCEPTED, STEPS)
        before: dict[str, Any] = {"state": row.state}
        after: dict[str, Any] = {"state": OpportunityState.ACCEPTED.value}
        if amount is not None:
            moved = _subscription(row)
            terms = customers.saved_terms(moved, timezone.localdate(now))
            before |= {"subscription": moved.pk, "plan": moved.plan, "amount": moved.amount}
            before["terms"] = terms
            after |= {"plan": row.recommended_plan, "amount": amount}
        draft = decision_drafts.acceptance_draft(row.details, before, after, now.isoformat())
        decision = decisions.propose(draft, mode="propose", now=now)
        set_decided(row, OpportunityState(row.state), by=by, now=now, outcome=outcome)
        row.acceptance_id = decision.pk
        row.save()
        decisions.approve(decision.pk, actor=by, note=outcome, now=now)
    return reports.opportunities().get(pk=opportunity_id)


def _subscription(row: Opportunity) -> Subscription:
    """The subscription to move: the customer's largest running one on the present plan."""
    customers.lock_customer(row.customer_id)
    running = Subscription.objects.filter(
        customer=row.customer_id, plan=row.current_plan, state=SubscriptionState.ACTIVE
    )
    found = running.order_by("-amount", "pk").first()
    if found is None:
        message = f"{row.customer} has no running subscription on {row.current_plan}."
        raise customers.InvalidEntry("amount", message)
    return found


@transaction.atomic
def decline(opportunity_id: int, *, by: str, now: datetime, outcome: str = "") -> Opportunity:
    """Record a refusal, once; the next offer waits for the terms' rest days.

    Raises InvalidTransition.
    """
    return _close(opportunity_id, OpportunityState.DECLINED, by, now, outcome)


@transaction.atomic
def withdraw(opportunity_id: int, *, by: str, now: datetime, outcome: str = "") -> Opportunity:
    """Withdraw the opportunity, once. Raises InvalidTransition."""
    row = _close(opportunity_id, OpportunityState.WITHDRAWN, by, now, outcome)
    mailing.say_withdrawn(row, now)
    return row


@transaction.atomic
def assign(opportunity_id: int, *, owner: str, notes: str | None = None) -> Opportunity:
    """Set the owner (blank: nobody) and, where given, replace the notes."""
    row = lock(opportunity_id)
    row.owner = owner
    row.notes = row.notes if notes is None else notes
    row.save(update_fields=["owner", "notes"])
    return row


def lock(opportunity_id: int) -> Opportunity:
    """The opportunity, locked until the transaction ends."""
    rows = Opportunity.objects.select_for_update(of=("self",)).select_related("customer")
    return rows.get(pk=opportunity_id)


def _close(
    opportunity_id: int, state: OpportunityState, by: str, now: datetime, outcome: str
) -> Opportunity:
    row = lock(opportunity_id)
    if row.state == state:
        return row
    check_transition(str(row), row.state, state, STEPS)
    set_decided(row, state, by=by, now=now, outcome=outcome)
    row.save()
    return row


def set_decided(
    row: Opportunity, state: OpportunityState, *, by: str, now: datetime, outcome: str
) -> None:
    """Set the state and who decided when and why; the caller saves the row."""
    row.state = state.value
    row.decided_at, row.decided_by, row.updated_at = now, by[:150], now
    row.outcome = outcome[:200]


def set_offered(row: Opportunity, now: datetime) -> Opportunity:
    """Save the row as offered, and mail the offer; it expires after the days of the terms."""
    is_new = row.state != OpportunityState.OFFERED
    row.state = OpportunityState.OFFERED.value
    row.offered_at = row.updated_at = now
    row.expires_at = now + timedelta(days=offers.terms().valid_days)
    if is_new:
        row.delivery = mailing.send_offer(row, now).value
    row.save()
    return row


def propose_offer(row: Opportunity, mode: str, now: datetime, run_id: int | None) -> Any:
    """The decision to offer the plan, with its guardrails; one for each opportunity."""
    terms = offers.terms()
    last_day = (now - timedelta(days=1), now)
    guardrails = decision_drafts.offer_guardrails(
        Opportunity.objects.filter(offered_at__gt=last_day[0], offered_at__lte=last_day[1]).count(),
        terms.offers_per_day,
        offers.last_declined([row.customer_id]).get(row.customer_id),
        timedelta(days=terms.rest_days),
        now,
        may_be_mailed=bool(offers.offer_recipients(row.customer_id)),
    )
    valid = timedelta(days=terms.valid_days)
    draft = decision_drafts.offer_draft(row.details, guardrails, valid, run_id)
    return decisions.propose(draft, mode=mode, now=now)


def erase_free_text(customer_ids: Collection[int]) -> None:
    """Erase notes, owners and outcomes, which may name a person, and log entries; figures stay."""
    rows = Opportunity.objects.filter(customer__in=customer_ids)
    customers.erase_admin_log(rows)
    decisions.erase_notes(
        [f"{decision_drafts.SUBJECT}{key}" for key in rows.values_list("pk", flat=True)]
    )
    rows.update(notes="", outcome="", owner="")


def move_to_customer(kept: int, duplicate: int, now: datetime) -> None:
    """Move a merged customer's opportunities; withdraw the active ones, for the next sweep."""
    rows = Opportunity.objects.filter(customer=duplicate)
    for each in rows.filter(state__in=ACTIVE_STATES).select_related("customer"):
        mailing.say_withdrawn(each, now)
    rows.filter(state__in=ACTIVE_STATES).update(
        state=OpportunityState.WITHDRAWN,
        decided_at=now,
        decided_by=AUTOMATIC,
        updated_at=now,
        outcome="The customer was merged into another.",
    )
    rows.update(customer=kept)


CUSTOMER_HOOK = CustomerDataHook("upsell", reports.personal_data, erase_free_text, move_to_customer)
