"""Rotations that a person or an API key starts, where four eyes are demanded for them.

Whoever starts one proposes it; once somebody else has approved the proposal, it is done. A
compromised key is rotated at once by one person: waiting would cost more.
"""

from dataclasses import replace
from datetime import datetime

from aethercrown.history.attribution import acting
from aethercrown.transitions import InvalidTransition
from operations.decisions import reports as decision_reports
from operations.decisions import services as rules
from operations.decisions.digest import digest
from security.rotation.models import ManagedSecret
from security.rotation.services import decisions, steps

STARTED_BY_SOMEBODY = ("user:", "key:")
WAITS = "Somebody else approves it under Decisions first; then rotate it again."


class ApprovalRequired(InvalidTransition):
    """Four eyes are demanded for rotations, and nobody else has approved this one."""


def check(key: ManagedSecret, actor: str, reason: str, now: datetime) -> None:
    """Propose the rotation that `actor` starts, unless it is approved. Raises ApprovalRequired."""
    exempt = reason == steps.COMPROMISED or not actor.startswith(STARTED_BY_SOMEBODY)
    if exempt or not rules.needs_four_eyes(decisions.DECISION_TYPE):
        return
    fresh = ManagedSecret.objects.get(pk=key.pk)
    if fresh.rotation_approved_at is None:
        _propose(fresh, actor, now)
        raise ApprovalRequired(f"Four eyes are demanded for rotations. {WAITS}")


def _propose(key: ManagedSecret, actor: str, now: datetime) -> None:
    """Store who asked for it, unless a proposal waits; after a refusal it can be asked again."""
    version = steps.current_version(key)
    earlier = decision_reports.about([steps.decision_subject(key)])
    if version is None or earlier.filter(status="proposed").exists():
        return
    draft = decisions.draft_rotation(key, version, mode=decisions.PROPOSE, now=now, run=None)
    asked = {"actor": actor, "before": earlier.count(), "inputs": draft.inputs_digest}
    with acting(actor):
        rules.propose(replace(draft, inputs_digest=digest(asked)), mode=decisions.PROPOSE, now=now)
