"""Finding, offering and deciding opportunities; each function is one transaction under one lock.

An offer and an acceptance are decisions of the ledger: what they promise is measured there.
"""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.decisions import services as decisions
from operations.decisions.decision_types import DecisionCase, MeasuredEffect
from operations.decisions.decision_types import DecisionType as DecisionKind
from revenue.customers import reports as customers
from revenue.customers import services as subscriptions
from revenue.customers.models import Subscription
from revenue.pricing.calculation.inputs import PricingInputs
from revenue.pricing.models import PriceBookVersion
from revenue.upsell import decision_drafts, reports
from revenue.upsell import states as steps
from revenue.upsell.models import Opportunity
from revenue.upsell.opportunities import FoundOpportunity
from revenue.upsell.states import ACTIVE_STATES, OpportunityState

BATCH_SIZE = 200
AUTOMATIC = "automatic"
DAY = timedelta(days=1)

WrongStep = steps.WrongStep
Refused = subscriptions.Refused


# --- A person decides ---------------------------------------------------------------------------


@transaction.atomic
def offer(opportunity_id: int, *, by: str, now: datetime) -> Opportunity:
    """Offer it now, whatever the sweep's guardrails say; raises WrongStep."""
    row = locked(opportunity_id)
    steps.check(str(row), row.state, OpportunityState.OFFERED)
    decision = _proposed(row, "propose", now, None)
    if decision.status == "proposed" and decision.mode != "observe":
        decisions.approve(decision.pk, actor=by, now=now)
        row = locked(opportunity_id)
    return _offered(row, now)


def accept(
    opportunity_id: int,
    *,
    by: str,
    now: datetime,
    amount: Decimal | None = None,
    outcome: str = "",
) -> Opportunity:
    """The customer agreed. With `amount` the subscription brings that from today, on the new plan.

    Without it the subscription stays until somebody records its change. Raises WrongStep, and
    Refused where there is no subscription to move or the amount is none.
    """
    with transaction.atomic():
        row = locked(opportunity_id)
        steps.check(str(row), row.state, OpportunityState.ACCEPTED)
        before: dict[str, Any] = {"state": row.state}
        after: dict[str, Any] = {"state": OpportunityState.ACCEPTED.value}
        if amount is not None:
            moved = _subscription(row)
            before |= {"subscription": moved.pk, "plan": moved.plan, "amount": moved.amount}
            after |= {"plan": row.recommended_plan, "amount": amount}
        draft = decision_drafts.acceptance_draft(row.deal, before, after, now.isoformat())
        decision = decisions.propose(draft, mode="propose", now=now)
        _ended(row, by, now, outcome, OpportunityState(row.state))
        row.acceptance_id = decision.pk
        row.save()
        decisions.approve(decision.pk, actor=by, note=outcome, now=now)
    return reports.opportunities().get(pk=opportunity_id)


def _subscription(row: Opportunity) -> Subscription:
    """The running subscription that would move: the customer's largest on the present plan."""
    subscriptions.held(row.customer_id)
    running = Subscription.objects.filter(
        customer=row.customer_id, plan=row.current_plan, ended_on=None, amount__gt=0
    )
    found = running.order_by("-amount", "pk").first()
    if found is None:
        message = f"{row.customer} has no running subscription on {row.current_plan}."
        raise Refused("amount", message)
    return found


@transaction.atomic
def decline(opportunity_id: int, *, by: str, now: datetime, outcome: str = "") -> Opportunity:
    """The customer does not want it; for a while nothing is offered there. Raises WrongStep."""
    return _close(opportunity_id, OpportunityState.DECLINED, by, now, outcome)


@transaction.atomic
def withdraw(opportunity_id: int, *, by: str, now: datetime, outcome: str = "") -> Opportunity:
    """Staff take it back; raises WrongStep."""
    return _close(opportunity_id, OpportunityState.WITHDRAWN, by, now, outcome)


@transaction.atomic
def assign(opportunity_id: int, *, owner: str, notes: str | None = None) -> Opportunity:
    """Somebody looks after it, or nobody; notes are replaced where some are given."""
    row = locked(opportunity_id)
    row.owner = owner
    row.notes = row.notes if notes is None else notes
    row.save(update_fields=["owner", "notes"])
    return row


def locked(opportunity_id: int) -> Opportunity:
    """The opportunity, held until the transaction ends."""
    rows = Opportunity.objects.select_for_update(of=("self",)).select_related("customer")
    return rows.get(pk=opportunity_id)


def _close(pk: int, to: OpportunityState, by: str, now: datetime, outcome: str) -> Opportunity:
    row = locked(pk)
    steps.check(str(row), row.state, to)
    _ended(row, by, now, outcome, to)
    row.save()
    return row


def _ended(row: Opportunity, by: str, now: datetime, outcome: str, to: OpportunityState) -> None:
    row.state = to.value
    row.decided_at, row.decided_by, row.updated_at = now, by, now
    row.outcome = outcome[:200]


def _offered(row: Opportunity, now: datetime) -> Opportunity:
    row.state = OpportunityState.OFFERED.value
    row.offered_at = row.updated_at = now
    row.expires_at = now + timedelta(days=reports.terms().valid_days)
    row.save()
    return row


# --- As decisions -------------------------------------------------------------------------------


def _proposed(row: Opportunity, mode: str, now: datetime, run: int | None) -> Any:
    """The decision to offer, once an opportunity, with the guardrails as they stand now."""
    terms = reports.terms()
    declined = reports.last_declined([row.customer_id]).get(row.customer_id)
    guardrails = decision_drafts.offer_guardrails(
        reports.offers_in_last_day(now),
        terms.offers_per_day,
        declined,
        timedelta(days=terms.rest_days),
        now,
    )
    valid = timedelta(days=terms.valid_days)
    return decisions.propose(
        decision_drafts.offer_draft(row.deal, guardrails, valid, run), mode=mode, now=now
    )


def _case_row(case: DecisionCase, *states: OpportunityState) -> Opportunity:
    try:
        row = locked(decision_drafts.opportunity_id(case.subject))
    except Opportunity.DoesNotExist:
        raise decisions.Stale(f"There is no {case.subject} any more.") from None
    if row.state not in states:
        raise decisions.Stale(f"{row} is {row.state} since.")
    return row


def apply_offer(case: DecisionCase) -> None:
    """An offer goes out, in its decision's transaction."""
    _offered(_case_row(case, OpportunityState.OPEN), timezone.now())


def undo_offer(case: DecisionCase) -> None:
    row = _case_row(case, OpportunityState.OFFERED)
    row.state, row.expires_at = OpportunityState.OPEN.value, None
    row.save()


def measure_offer(case: DecisionCase, _at: datetime) -> MeasuredEffect | None:
    """What the offer brought: the gain that was agreed, or nothing; None while it is open."""
    row = Opportunity.objects.filter(pk=decision_drafts.opportunity_id(case.subject)).first()
    if row is None or row.state in ACTIVE_STATES:
        return None
    value = float(row.gain) if row.state == OpportunityState.ACCEPTED else 0.0
    inside = case.expected.low <= value <= case.expected.high
    return MeasuredEffect(value, None, None, {"state": row.state}, inside=inside)


def apply_acceptance(case: DecisionCase) -> None:
    """The customer takes the plan; the subscription moves where an amount was agreed."""
    row = _case_row(case, *ACTIVE_STATES)
    _moved(case.before, case.before, case.after)
    row.state = OpportunityState.ACCEPTED.value
    row.agreed_amount = Decimal(case.after["amount"]) if "amount" in case.after else None
    row.save()


def undo_acceptance(case: DecisionCase) -> None:
    row = _case_row(case, OpportunityState.ACCEPTED)
    _moved(case.before, case.after, case.before)
    row.state, row.agreed_amount, row.decided_at = case.before["state"], None, None
    row.decided_by = row.outcome = ""
    try:
        with transaction.atomic():
            row.save()
    except IntegrityError:
        message = f"{row.customer} has another open opportunity of this kind since."
        raise decisions.Stale(message) from None


def _moved(before: Mapping[str, Any], known: Mapping[str, Any], to: Mapping[str, Any]) -> None:
    """Change the subscription from what is known of it to another plan and amount."""
    if "subscription" not in before:
        return
    row = Subscription.objects.get(pk=before["subscription"])
    if (row.plan, row.amount) != (known["plan"], Decimal(known["amount"])) or row.ended_on:
        raise decisions.Stale(f"{row} brings {row.amount} on {row.plan or 'no plan'} since.")
    now = timezone.now()
    today, amount = timezone.localdate(now), Decimal(to["amount"])
    note = "A larger plan was agreed." if to is not before else "The agreement was taken back."
    if row.changes.filter(on=today).exists():
        subscriptions.adjust(row.pk, on=today, amount=amount, now=now, note=note, plan=to["plan"])
    else:
        subscriptions.change(row.pk, amount=amount, on=today, now=now, plan=to["plan"], note=note)


def measure_acceptance(case: DecisionCase, at: datetime) -> MeasuredEffect | None:
    """How the customer's MRR moved since, beside customers who were offered nothing."""
    row = Opportunity.objects.filter(pk=decision_drafts.opportunity_id(case.subject)).first()
    if row is None or case.applied_at is None or row.state != OpportunityState.ACCEPTED:
        return None
    before = timezone.localdate(case.applied_at) - DAY
    until = timezone.localdate(min(at, case.applied_at + decision_drafts.MEASURED_AFTER))
    others = reports.comparison_group(row, before)
    was = customers.mrr_of([row.customer_id, *others], before)
    now = customers.mrr_of([row.customer_id, *others], until)
    moves = [float(now.get(each, Decimal(0)) / was[each]) - 1 for each in others if was.get(each)]
    mine = row.customer_id
    return decision_drafts.measured_effect(
        case.expected,
        float(was.get(mine, Decimal(0))),
        float(now.get(mine, Decimal(0))),
        moves,
    )


def opportunity_page_path(subject: str) -> str:
    """The address of the page that explains an opportunity."""
    return f"/dashboards/upsell/{decision_drafts.opportunity_id(subject)}"


KINDS = (
    DecisionKind(
        decision_drafts.OFFER,
        "Offer of a larger plan",
        apply_offer,
        undo_offer,
        measure_offer,
        path=opportunity_page_path,
    ),
    DecisionKind(
        decision_drafts.ACCEPTANCE,
        "Acceptance of a larger plan",
        apply_acceptance,
        undo_acceptance,
        measure_acceptance,
        path=opportunity_page_path,
    ),
)


# --- By itself ----------------------------------------------------------------------------------


def find_and_offer(context: RunContext) -> RunOutcome:
    """The nightly sweep: end old offers, look at every customer, offer what passes."""
    expired = expire(context.now)
    found = withdrawn = after = 0
    unread: list[str] = []
    sight = reports.sweep_context(context.now)
    while context.may_continue() and (batch := reports.candidates(after, BATCH_SIZE)):
        after = batch[-1].customer
        for customer, seen in reports.opportunities_of_batch(batch, sight, unread):
            gone = sync_opportunities(customer, seen, now=context.now)
            found, withdrawn = found + len(seen), withdrawn + gone
    made = propose_offers(context)
    went = reports.count_offered_at(context.now)
    words = (
        f"{found} opportunities stand, {withdrawn} withdrawn, {expired} offers expired; "
        f"{len(made)} offers proposed, {went} went out."
    )
    if unread:
        words += f" Not rated: {len(unread)} customers, such as {unread[0]}"
    return RunOutcome(words, tuple(made), {"not_rated": unread[:20]})


def expire(now: datetime) -> int:
    """End the offers that nobody answered in time; how many."""
    late = Opportunity.objects.filter(state=OpportunityState.OFFERED, expires_at__lte=now)
    return late.update(
        state=OpportunityState.EXPIRED,
        decided_at=now,
        decided_by=AUTOMATIC,
        updated_at=now,
        outcome="Nobody answered in time.",
    )


@transaction.atomic
def sync_opportunities(
    customer_id: int, seen: Sequence[reports.OpportunityColumns], *, now: datetime
) -> int:
    """Make a customer's open rows what was seen: new, up to date, or withdrawn; how many went.

    An offer that went out stays as it was told, and one who declined lately is left alone.
    """
    rows = Opportunity.objects.select_for_update().filter(
        customer=customer_id, state__in=ACTIVE_STATES
    )
    standing = {each.kind: each for each in rows.order_by("pk")}
    for each in seen:
        row = standing.pop(each.kind, None)
        if row is None and not each.rests:
            _store(Opportunity(customer_id=customer_id, found_at=now), each, now)
        elif row is not None and row.state == OpportunityState.OPEN:
            _store(row, each, now)
    gone = [row for row in standing.values() if row.state == OpportunityState.OPEN]
    for row in gone:
        _ended(row, AUTOMATIC, now, "The use no longer calls for it.", OpportunityState.WITHDRAWN)
        row.save()
    return len(gone)


def store(
    customer_id: int,
    found: FoundOpportunity,
    version: PriceBookVersion,
    inputs: PricingInputs,
    *,
    now: datetime,
) -> Opportunity:
    """Store an opportunity that was found elsewhere than in the sweep; the open one, if any."""
    told = {"now": inputs.as_json()}
    sync_opportunities(customer_id, [reports.columns_of(found, version, told)], now=now)
    return Opportunity.objects.get(customer=customer_id, kind=found.kind, state__in=ACTIVE_STATES)


def _store(row: Opportunity, seen: reports.OpportunityColumns, now: datetime) -> None:
    for name, value in seen.columns.items():
        setattr(row, name, value)
    row.updated_at = now
    if row.pk is None:
        row.owner = row.customer.owner  # who looks after the customer, until somebody else does
    with suppress(IntegrityError), transaction.atomic():  # another sweep may have come first
        row.save()


def propose_offers(context: RunContext) -> list[int]:
    """A decision to offer for each open opportunity, once; the best first. In auto it goes out.

    A savings offer comes before all others. Returns the numbers of the decisions.
    """
    made = []
    for pk in reports.open_by_priority():
        if not context.may_continue():
            break
        with transaction.atomic():
            row = locked(pk)
            if row.state == OpportunityState.OPEN:
                decision = _proposed(row, context.mode, context.now, context.run_id)
                made.append(decision.pk)
    return made


AUTOMATIONS = (AutomationSpec(decision_drafts.AUTOMATION, "Look for larger plans", find_and_offer),)


# --- Customers ----------------------------------------------------------------------------------


def erase_free_text(customer_ids: Collection[int]) -> None:
    """Take out what may name a customer who was erased; figures stay."""
    Opportunity.objects.filter(customer__in=customer_ids).update(notes="", outcome="")


def move_to_customer(kept: int, duplicate: int, now: datetime) -> None:
    """A duplicate's opportunities go over; its open ones end, for the next sweep sees the whole."""
    rows = Opportunity.objects.filter(customer=duplicate)
    rows.filter(state__in=ACTIVE_STATES).update(
        state=OpportunityState.WITHDRAWN,
        decided_at=now,
        decided_by=AUTOMATIC,
        updated_at=now,
        outcome="Its customer was merged into another.",
    )
    rows.update(customer=kept)
