"""Propose, approve, apply, roll back and measure decisions; each is one transaction."""

import logging
from collections.abc import Collection, Iterable
from dataclasses import asdict
from datetime import datetime, timedelta

from django.db import transaction

from aethercrown.history import attribution, audit_hooks
from aethercrown.history.attribution import AUTOMATIC, current_actor
from aethercrown.transitions import InvalidTransition, check_transition
from operations.alerts import reports as alerts
from operations.automations import reports
from operations.automations import services as automations
from operations.decisions import digest, guardrails, states
from operations.decisions.decision_types import MeasuredEffect, Stale, decision_type_registry
from operations.decisions.draft import Draft
from operations.decisions.guardrails import GuardrailContext
from operations.decisions.models import Decision, FourEyesRule
from operations.decisions.reports import lacking_approvers

DAY = timedelta(days=1)
log = logging.getLogger(__name__)


@transaction.atomic
def propose(draft: Draft, *, mode: str, now: datetime) -> Decision:
    """Store a draft, once for the same automation, subject and inputs.

    In mode auto a draft that passes every guardrail is approved and applied at once; if its
    subject changed meanwhile it is returned rejected as stale. Otherwise it waits for a person.
    """
    decision_type_registry.get(draft.kind)
    limits = reports.limits(draft.automation, lock=mode == "auto")
    checked = [*draft.guardrails, *guardrails.evaluate(limits, draft, _context(draft, now))]
    decision, is_new = Decision.objects.get_or_create(
        automation=draft.automation,
        subject=draft.subject,
        inputs_digest=draft.inputs_digest,
        defaults={
            "run_id": draft.run_id,
            "kind": draft.kind,
            "title": draft.title,
            "mode": mode,
            "before": digest.to_json_values(draft.before),
            "after": digest.to_json_values(draft.after),
            "method": draft.method,
            "expected": draft.expected.as_json(),
            "guardrails": [asdict(each) for each in checked],
            "change_percent": draft.change_percent,
            "proposed_at": now,
            "proposed_by": current_actor().actor,
        },
    )
    if is_new and mode == "auto" and decision.passed:
        _approve(decision, AUTOMATIC, "Every guardrail passed.", now)
    return decision


class SamePerson(InvalidTransition):
    """Who proposed it would approve it, and four eyes are demanded for its kind."""


class ScopeRequired(InvalidTransition):
    """An API key would approve without the scope for it, and four eyes are demanded."""


def check_four_eyes(kind: str, proposers: Iterable[str], actor: str) -> None:
    """Raise SamePerson where the rule of `kind` is on and `actor` is one of the proposers.

    An API key counts as the person who made it; one who was renamed is the same person. A key
    approves only with a scope of its own, whatever call it was let into: else ScopeRequired.
    """
    if needs_four_eyes(kind):
        if not attribution.may_approve(actor):
            raise ScopeRequired("The key lacks the scope decisions:approve.")
        known = [attribution.people_behind(each, ever=True) for each in proposers]
        if not attribution.people_behind(actor).isdisjoint(frozenset().union(*known)):
            name = attribution.shown_actor(attribution.person_behind(actor))
            hint = lacking_approvers()
            raise SamePerson(f"{name} proposed this; somebody else approves it. {hint}".strip())


def needs_four_eyes(kind: str) -> bool:
    """Whether somebody else than who proposed it approves a decision of this kind."""
    if any(each.is_recorded for each in decision_type_registry if each.name == kind):
        return False
    return FourEyesRule.objects.filter(kind=kind, is_on=True).exists()


def approve(decision_id: int, *, actor: str, note: str = "", now: datetime) -> Decision:
    """Approve and apply a proposal. Raises InvalidTransition (SamePerson too), or Stale.

    A stale one is rejected.
    """
    with transaction.atomic():
        decision = lock(decision_id)
        if decision.mode == "observe":
            raise InvalidTransition(
                f"{decision} was only observed; its automation applies nothing."
            )
        check_four_eyes(decision.kind, [decision.proposed_by], actor)
        _approve(decision, actor, note, now)
        _audit("decision.approved", decision, actor)
    if decision.verdict == Decision.Verdict.STALE:  # the rejection is committed
        raise Stale(decision.note)
    return decision


@transaction.atomic
def mark_applied(kind: str, subjects: Collection[str], now: datetime) -> int:
    """Mark approved decisions of a deferred type as applied: what they ordered is done now."""
    ordered = Decision.objects.filter(
        kind=kind, subject__in=subjects, status=Decision.Status.APPROVED
    )
    waiting = list(ordered.select_for_update())
    for decision in waiting:
        _applied(decision, now)
        decision.save()
    return len(waiting)


@transaction.atomic
def apply_approved(decision_id: int, now: datetime) -> bool:
    """Mark a decision as applied whose order is carried out; whether it still was approved."""
    decision = lock(decision_id)
    if decision.status != Decision.Status.APPROVED:
        return False
    _applied(decision, now)
    decision.save()
    return True


@transaction.atomic
def reject(decision_id: int, *, actor: str, note: str = "", now: datetime) -> Decision:
    """Reject a proposal, or an approval that is not applied yet. Raises InvalidTransition, Stale.

    Stale: what was approved has begun.
    """
    decision = lock(decision_id)
    if decision.status == Decision.Status.APPROVED:
        decision_type_registry.get(decision.kind).undo(decision.case)
    _reject(decision, Decision.Verdict.DECLINED, now)
    decision.actor = actor
    decision.note = note
    decision.save()
    if actor != AUTOMATIC:
        _audit("decision.rejected", decision, actor)
    return decision


@transaction.atomic
def postpone(decision_id: int, until: datetime, *, actor: str, now: datetime) -> Decision:
    """Leave a proposal out of the waiting ones until a time, at most until it expires.

    Raises InvalidTransition for a decision that does not wait, ValueError for a time that is over.
    """
    decision = lock(decision_id)
    if decision.status != Decision.Status.PROPOSED:
        raise InvalidTransition(f"{decision} is {decision.get_status_display()}: it does not wait.")
    if until <= now:
        raise ValueError("A decision can only be postponed to a later time.")
    decision.postponed_until = min(until, decision.proposed_at + states.PROPOSAL_LIFETIME)
    decision.save(update_fields=["postponed_until"])
    _audit("decision.postponed", decision, actor)
    return decision


@transaction.atomic
def roll_back(decision_id: int, *, actor: str, note: str = "", now: datetime) -> Decision:
    """Restore what was before; raises Stale, and changes nothing, if it was changed since."""
    decision = lock(decision_id)
    _check(decision, states.ROLLED_BACK)
    decision_type_registry.get(decision.kind).undo(decision.case)
    decision.status = Decision.Status.ROLLED_BACK
    decision.rolled_back_by = actor
    decision.rolled_back_note = note
    decision.rolled_back_at = now
    decision.save()
    if actor != AUTOMATIC:
        _audit("decision.rolled_back", decision, actor)
    return decision


def measure_due(now: datetime) -> int:
    """Measure applied decisions whose horizon is over and whose effect is known; how many."""
    due = Decision.objects.filter(status=Decision.Status.APPLIED, due_at__lte=now)
    measured = 0
    for decision in due.order_by("due_at", "pk"):
        try:
            effect = decision_type_registry.get(decision.kind).measure(decision.case, now)
            if effect is not None:
                _measure(decision.pk, effect, now)
                measured += 1
        except Exception:
            log.exception("Decision %s could not be measured", decision.pk)
    return measured


def expire_proposals(now: datetime) -> int:
    """Reject what has waited longer than PROPOSAL_LIFETIME; returns how many."""
    waiting = Decision.objects.filter(
        status=Decision.Status.PROPOSED, proposed_at__lt=now - states.PROPOSAL_LIFETIME
    )
    return waiting.update(
        status=Decision.Status.REJECTED,
        verdict=Decision.Verdict.EXPIRED,
        actor=AUTOMATIC,
        note=f"Nobody decided within {states.PROPOSAL_LIFETIME.days} days.",
        rejected_at=now,
    )


def lock(decision_id: int) -> Decision:
    """The decision, locked until the transaction ends."""
    return Decision.objects.select_for_update().get(pk=decision_id)


def _context(draft: Draft, now: datetime) -> GuardrailContext:
    """The last 24 hours and the critical alerts, for the guardrails."""
    applied = Decision.objects.filter(applied_at__gt=now - DAY, applied_at__lte=now)
    changes = applied.filter(subject=draft.subject, kind=draft.kind)
    kept = changes.exclude(status=Decision.Status.ROLLED_BACK)
    moves = list(kept.values_list("change_percent", flat=True))
    known = [abs(each) for each in moves if each is not None]
    return GuardrailContext(
        now=now,
        applied_today=applied.filter(automation=draft.automation).count(),
        changed_today=sum(known) if len(known) == len(moves) else None,
        alert=alerts.critical(draft.subject, draft.automation),
    )


def _approve(decision: Decision, actor: str, note: str, now: datetime) -> None:
    """Approve and apply; if the subject changed, undo what was begun and reject."""
    _check(decision, states.APPROVED)
    decision.status = Decision.Status.APPROVED
    decision.approved_at = now
    decision.actor = actor
    decision.note = note
    decision.save()
    try:
        kind = decision_type_registry.get(decision.kind)
        with transaction.atomic():
            kind.apply(decision.case)
    except Stale as error:
        _reject(decision, Decision.Verdict.STALE, now)
        decision.note = f"{decision.note}\n{error}".strip()
    else:
        if not (kind.is_deferred or kind.is_under_way(decision.case)):
            _applied(decision, now)
    decision.save()


def _applied(decision: Decision, now: datetime) -> None:
    decision.status = Decision.Status.APPLIED
    decision.applied_at = now
    decision.due_at = now + decision.case.expected.horizon


def erase_notes(subjects: Collection[str]) -> None:
    """Erase what people wrote on the decisions about some subjects, which may name a person."""
    Decision.objects.filter(subject__in=subjects).update(note="")


def _audit(event: str, decision: Decision, actor: str) -> None:
    """Record a person's decision in the audit."""
    detail = {"title": decision.title, "subject": decision.subject}
    detail["status"] = str(decision.status)  # a fresh row still holds the enum
    subject = f"decision {decision.pk}"
    audit_hooks.record(stream="decisions", event=event, subject=subject, actor=actor, detail=detail)


def _reject(decision: Decision, verdict: Decision.Verdict, now: datetime) -> None:
    _check(decision, states.REJECTED)
    decision.status = Decision.Status.REJECTED
    decision.verdict = verdict
    decision.rejected_at = now


@transaction.atomic
def _measure(decision_id: int, effect: MeasuredEffect, now: datetime) -> None:
    decision = lock(decision_id)
    _check(decision, states.MEASURED)
    decision.status = Decision.Status.MEASURED
    decision.measured_at = now
    decision.realised = digest.to_json_values(
        {name: value for name, value in asdict(effect).items() if name != "inside"}
    )
    verdicts, is_below = Decision.Verdict, effect.value < decision.case.expected.estimate
    outside = verdicts.BELOW if is_below else verdicts.ABOVE
    decision.verdict = verdicts.INSIDE if effect.inside else outside
    decision.save()
    _disable_auto_if_uncalibrated(decision, now)


def _disable_auto_if_uncalibrated(decision: Decision, now: datetime) -> None:
    """End mode auto if too many effects since it was set lie outside their expected intervals."""
    since = reports.auto_enabled_at(decision.automation)
    measured = Decision.objects.filter(
        automation=decision.automation,
        kind=decision.kind,
        verdict__in=guardrails.MEASURED_VERDICTS,
    )
    if since is not None:
        measured = measured.filter(measured_at__gt=since)
    newest = measured.order_by("-measured_at", "-pk").values_list("verdict", flat=True)
    failure = guardrails.calibration_failure(list(newest[: guardrails.SAMPLE_SIZE]))
    if failure:
        automations.disable_auto(decision.automation, f"{decision.kind}: {failure}", now)


def _check(decision: Decision, target: str) -> None:
    check_transition(str(decision), decision.status, target, states.TRANSITIONS)
