"""Append to a flow's log; the caller has locked the flow."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aethercrown.history.attribution import AUTOMATIC, current_actor
from enterprise.onboarding import hash_chain, states
from enterprise.onboarding.models import OnboardingFlow, StepTransition

HASHED = ("sequence", "step", "event", "from_state", "to_state", "actor", "reason", "detail")


def append(
    flow: OnboardingFlow,
    event: str,
    before: str,
    after: str,
    now: datetime,
    *,
    step: str = "",
    reason: str = "",
    detail: Mapping[str, Any] | None = None,
) -> StepTransition:
    """Store one entry with the hash of the last one, in the current actor's name."""
    last = StepTransition.objects.filter(flow=flow).order_by("-sequence").first()
    row = StepTransition(
        flow=flow,
        sequence=last.sequence + 1 if last else 1,
        step=step,
        event=event,
        from_state=before,
        to_state=after,
        at=now,
        actor=current_actor().actor or AUTOMATIC,
        reason=reason[:500],
        detail=dict(detail or {}),
        previous_hash=last.hash if last else "",
    )
    row.hash = hash_chain.entry_hash(row.previous_hash, hashed_values(row))
    row.save()
    return row


def held_since(flow: OnboardingFlow) -> datetime | None:
    """When the flow was put on hold last; None if it never was."""
    rows = StepTransition.objects.filter(flow=flow, event="status", to_state=states.ON_HOLD)
    return rows.order_by("-sequence").values_list("at", flat=True).first()


def hashed_values(row: StepTransition) -> dict[str, Any]:
    """What the hash covers."""
    at = row.at.astimezone(UTC).isoformat(timespec="microseconds")
    return {**{name: getattr(row, name) for name in HASHED}, "flow": row.flow_id, "at": at}


def first_fault(flow: OnboardingFlow) -> int | None:
    """The number of the first entry that was changed or left out; None if the log is whole."""
    rows = StepTransition.objects.filter(flow=flow).order_by("sequence")
    return hash_chain.first_fault(
        (row.sequence, row.previous_hash, row.hash, hashed_values(row)) for row in rows
    )
