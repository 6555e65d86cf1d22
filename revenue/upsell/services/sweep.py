"""The nightly sweep: expire offers, find opportunities of every customer, propose offers."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from aethercrown.formatting import counted
from aethercrown.history.attribution import AUTOMATIC
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.models import PriceBookVersion
from revenue.upsell import decision_drafts
from revenue.upsell.models import Opportunity
from revenue.upsell.opportunities import FoundOpportunity, OpportunityKind
from revenue.upsell.reports import offers, sweep
from revenue.upsell.services.lifecycle import lock, propose_offer, set_decided
from revenue.upsell.states import ACTIVE_STATES, OpportunityState

BATCH_SIZE = 200
MAX_NOT_RATED = 20  # customers named in a run's detail
SWEPT_KINDS = tuple(
    each.value for each in OpportunityKind if each is not OpportunityKind.LIMIT_PRESSURE
)


def find_and_offer(run: RunContext) -> RunOutcome:
    """Run the sweep; it stops between customers where the run may not continue."""
    expired = expire(run.now)
    found = withdrawn = after = 0
    not_rated: list[str] = []
    context = sweep.sweep_context(run.now)
    while run.may_continue() and (batch := sweep.candidates(after, BATCH_SIZE, run.now.date())):
        after = batch[-1].customer
        for customer, rests, rows in sweep.opportunities_of_batch(batch, context, not_rated):
            withdrawn += sync_opportunities(customer, rows, rests=rests, now=run.now)
            found += len(rows)
    proposed = propose_offers(run)
    offered = Opportunity.objects.filter(offered_at=run.now).count()
    noun = "opportunity" if found == 1 else "opportunities"
    summary = (
        f"{found:,} {noun} found, {withdrawn} withdrawn, "
        f"{counted(expired, 'offer')} expired; "
        f"{counted(len(proposed), 'offer')} proposed, {offered} made."
    )
    if not_rated:
        refused = counted(len(not_rated), "customer")
        summary += f" Not rated: {refused}, such as {not_rated[0]}"
    return RunOutcome(summary, tuple(proposed), {"not_rated": not_rated[:MAX_NOT_RATED]})


def expire(now: datetime) -> int:
    """Expire the offers that were not answered in time; returns how many."""
    late = Opportunity.objects.filter(state=OpportunityState.OFFERED, expires_at__lte=now)
    return late.update(
        state=OpportunityState.EXPIRED,
        decided_at=now,
        decided_by=AUTOMATIC,
        updated_at=now,
        outcome="Not answered in time.",
    )


@transaction.atomic
def sync_opportunities(
    customer_id: int,
    found: Sequence[Mapping[str, Any]],
    *,
    rests: bool,
    now: datetime,
    kinds: Collection[str] = SWEPT_KINDS,
) -> int:
    """Create, update and withdraw a customer's open opportunities to match the columns `found`.

    Of other kinds than `kinds` nothing changes. Offered ones stay as they were offered; nothing
    new is created while the customer rests after declining. Returns how many were withdrawn.
    """
    rows = Opportunity.objects.select_for_update().filter(
        customer=customer_id, state__in=ACTIVE_STATES, kind__in=kinds
    )
    active = {each.kind: each for each in rows.order_by("pk")}
    for each in found:
        row = active.pop(each["kind"], None)
        if row is None and not rests:
            _save(Opportunity(customer_id=customer_id, found_at=now), each, now)
        elif row is not None and row.state == OpportunityState.OPEN:
            _save(row, each, now)
    gone = [row for row in active.values() if row.state == OpportunityState.OPEN]
    reason = "The use no longer calls for a larger plan."
    for row in gone:
        set_decided(row, OpportunityState.WITHDRAWN, by=AUTOMATIC, now=now, outcome=reason)
        row.save()
    return len(gone)


def _save(row: Opportunity, columns: Mapping[str, Any], now: datetime) -> None:
    for name, value in columns.items():
        setattr(row, name, value)
    row.updated_at = now
    if row.pk is None:
        row.owner = row.customer.owner
    with suppress(IntegrityError), transaction.atomic():  # another sweep may have created it
        row.save()


def store(
    customer_id: int,
    found: FoundOpportunity,
    version: PriceBookVersion,
    inputs: PricingInputs,
    *,
    now: datetime,
) -> Opportunity:
    """Store an opportunity that was not found by the sweep, or update the open one."""
    answers = offers.answer_counts()
    columns = sweep.columns_of(found, version, {"now": inputs.as_json()}, answers)
    sync_opportunities(customer_id, [columns], rests=False, now=now, kinds=[found.kind.value])
    return Opportunity.objects.get(customer=customer_id, kind=found.kind, state__in=ACTIVE_STATES)


def propose_offers(run: RunContext) -> list[int]:
    """Propose an offer for every open opportunity, those that save the customer money first.

    In auto mode offers are made where the guardrails pass. Returns the ids of the decisions.
    """
    proposed = []
    for each in offers.by_priority(Opportunity.objects.filter(state=OpportunityState.OPEN)):
        if not run.may_continue():
            break
        with transaction.atomic():
            row = lock(each.pk)
            if row.state == OpportunityState.OPEN:
                proposed.append(propose_offer(row, run.mode, run.now, run.run_id).pk)
    return proposed


AUTOMATIONS = (
    AutomationSpec(decision_drafts.AUTOMATION, "Find upsell opportunities", find_and_offer),
)
