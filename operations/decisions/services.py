"""Taking decisions through their steps; each function is one transaction under one lock."""

import logging
from datetime import datetime, timedelta

from django.db import transaction

from aethercrown.history import audit_hooks
from operations.alerts import reports as alerts
from operations.automations import reports
from operations.automations.services import disable_auto
from operations.decisions import calibration, decision_types, digest, guardrails, states
from operations.decisions.decision_types import MeasuredEffect
from operations.decisions.draft import Draft
from operations.decisions.guardrails import GuardrailContext
from operations.decisions.models import Decision

WrongStep = states.WrongStep
Stale = decision_types.Stale

DAY = timedelta(days=1)
AUTOMATIC = "automatic"  # the actor where no person decided
log = logging.getLogger(__name__)


@transaction.atomic
def propose(draft: Draft, *, mode: str, now: datetime) -> Decision:
    """Store a draft, once for the same automation, subject and inputs.

    In mode auto a draft that passes every guardrail is approved and applied at once; where its
    subject changed meanwhile it comes back rejected as stale. Otherwise it waits for a person.
    """
    decision_types.named(draft.kind)
    limits = reports.limits(draft.automation, lock=mode == "auto")
    judged = [
        *draft.guardrails,
        *guardrails.evaluate(limits, draft, _around(draft, now)),
    ]
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
            "guardrails": [each.as_json() for each in judged],
            "change_percent": draft.change_percent,
            "proposed_at": now,
        },
    )
    if is_new and mode == "auto" and decision.passed:
        _approve(decision, AUTOMATIC, "Every guardrail passed.", now)
    return decision


def approve(decision_id: int, *, actor: str, note: str = "", now: datetime) -> Decision:
    """Approve a proposal and, where its kind says so, apply it.

    Raises WrongStep where it is decided already, and Stale where its subject has changed: then
    it is rejected, and stays so.
    """
    with transaction.atomic():
        decision = lock(decision_id)
        if decision.mode == "observe":
            raise WrongStep(f"{decision} was only observed; its automation applies nothing.")
        _approve(decision, actor, note, now)
        _tell("decision.approved", decision, actor)
    return _unless_stale(decision)


@transaction.atomic
def reject(decision_id: int, *, actor: str, note: str = "", now: datetime) -> Decision:
    decision = lock(decision_id)
    _reject(decision, Decision.Verdict.DECLINED, now)
    decision.actor = actor
    decision.note = note
    decision.save()
    if actor != AUTOMATIC:
        _tell("decision.rejected", decision, actor)
    return decision


def apply(decision_id: int, *, now: datetime) -> Decision:
    """Apply an approved decision; raises as `approve` does."""
    with transaction.atomic():
        decision = lock(decision_id)
        _apply(decision, now)
    return _unless_stale(decision)


@transaction.atomic
def roll_back(decision_id: int, *, actor: str, note: str = "", now: datetime) -> Decision:
    """Restore what was before; raises Stale, and changes nothing, where it was changed since."""
    decision = lock(decision_id)
    states.check(str(decision), decision.status, states.ROLLED_BACK)
    decision_types.named(decision.kind).undo(decision.case)
    decision.status = Decision.Status.ROLLED_BACK
    decision.rolled_back_by = actor
    decision.rolled_back_note = note
    decision.rolled_back_at = now
    decision.save()
    if actor != AUTOMATIC:
        _tell("decision.rolled_back", decision, actor)
    return decision


def measure_due(now: datetime) -> int:
    """Measure every applied decision whose horizon is over; returns how many were measured.

    What cannot be measured yet is asked again the next time, and one failure stops no other.
    """
    due = Decision.objects.filter(status=Decision.Status.APPLIED, due_at__lte=now)
    measured = 0
    for decision in due.order_by("due_at", "pk"):
        try:
            realised = decision_types.named(decision.kind).measure(decision.case, now)
            if realised is not None:
                _measure(decision.pk, realised, now)
                measured += 1
        except Exception:
            log.exception("Decision %s could not be measured", decision.pk)
    return measured


def expire_proposals(now: datetime) -> int:
    """Reject what has waited for more than 14 days; returns how many."""
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
    """The decision, held until the transaction ends."""
    return Decision.objects.select_for_update().get(pk=decision_id)


def applied_in_a_day(automation: str, now: datetime) -> int:
    """How many decisions of an automation were applied in the last 24 hours."""
    return Decision.objects.filter(
        automation=automation, applied_at__gt=now - DAY, applied_at__lte=now
    ).count()


def _around(draft: Draft, now: datetime) -> GuardrailContext:
    """The last day and the present, as guardrails look at them."""
    changes = Decision.objects.filter(
        subject=draft.subject, kind=draft.kind, applied_at__gt=now - DAY, applied_at__lte=now
    ).exclude(status=Decision.Status.ROLLED_BACK)
    known = changes.values_list("change_percent", flat=True)
    return GuardrailContext(
        now=now,
        applied_today=applied_in_a_day(draft.automation, now),
        changed_today=sum(abs(each) for each in known if each is not None),
        alert=alerts.critical(draft.subject, draft.automation),
    )


def _approve(decision: Decision, actor: str, note: str, now: datetime) -> None:
    states.check(str(decision), decision.status, states.APPROVED)
    decision.status = Decision.Status.APPROVED
    decision.approved_at = now
    decision.actor = actor
    decision.note = note
    decision.save()
    if decision_types.named(decision.kind).apply_on_approval:
        _apply(decision, now)


def _apply(decision: Decision, now: datetime) -> None:
    """Do the effect; where the subject changed, undo what was begun and reject."""
    states.check(str(decision), decision.status, states.APPLIED)
    try:
        with transaction.atomic():
            decision_types.named(decision.kind).apply(decision.case)
    except Stale as error:
        _reject(decision, Decision.Verdict.STALE, now)
        decision.note = f"{decision.note}\n{error}".strip()
    else:
        decision.status = Decision.Status.APPLIED
        decision.applied_at = now
        decision.due_at = now + decision.case.expected.horizon
    decision.save()


def _tell(event: str, decision: Decision, actor: str) -> None:
    """What a person decided stands in the audit, too."""
    detail = {"title": decision.title, "subject": decision.subject}
    detail["status"] = str(decision.status)  # a fresh row still holds the enum
    subject = f"decision {decision.pk}"
    audit_hooks.record(stream="decisions", event=event, subject=subject, actor=actor, detail=detail)


def _reject(decision: Decision, verdict: Decision.Verdict, now: datetime) -> None:
    states.check(str(decision), decision.status, states.REJECTED)
    decision.status = Decision.Status.REJECTED
    decision.verdict = verdict
    decision.rejected_at = now


def _unless_stale(decision: Decision) -> Decision:
    """Tell the caller, after the rejection has been committed."""
    if decision.verdict == Decision.Verdict.STALE:
        raise Stale(decision.note)
    return decision


@transaction.atomic
def _measure(decision_id: int, realised: MeasuredEffect, now: datetime) -> None:
    decision = lock(decision_id)
    states.check(str(decision), decision.status, states.MEASURED)
    decision.status = Decision.Status.MEASURED
    decision.measured_at = now
    decision.realised = digest.to_json_values(
        {
            "value": realised.value,
            "low": realised.low,
            "high": realised.high,
            "detail": realised.detail,
        }
    )
    decision.verdict = _verdict(decision, realised)
    decision.save()
    _weigh(decision, now)


def _weigh(decision: Decision, now: datetime) -> None:
    """Take its automation out of auto where decisions of this kind break their promises.

    Only what was measured since staff last trusted it counts, so that a person's word holds.
    """
    since = reports.auto_enabled_at(decision.automation)
    measured = Decision.objects.filter(
        automation=decision.automation,
        kind=decision.kind,
        verdict__in=calibration.MEASURED_VERDICTS,
    )
    if since is not None:
        measured = measured.filter(measured_at__gt=since)
    newest = measured.order_by("-measured_at", "-pk").values_list("verdict", flat=True)
    broken = calibration.calibration_failure(list(newest[: calibration.SAMPLE_SIZE]))
    if broken:
        disable_auto(decision.automation, f"{decision.kind}: {broken}", now)


def _verdict(decision: Decision, realised: MeasuredEffect) -> Decision.Verdict:
    if realised.inside:
        return Decision.Verdict.INSIDE
    short = realised.value < decision.case.expected.estimate
    return Decision.Verdict.BELOW if short else Decision.Verdict.ABOVE
