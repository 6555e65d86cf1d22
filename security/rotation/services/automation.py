"""The automation that rotates due keys each night, and the alerts about keys."""

from collections.abc import Sequence
from datetime import datetime

from aethercrown.formatting import counted
from operations.alerts import reports as open_alerts
from operations.alerts import services as alerts
from operations.automations import reports as automations
from operations.automations import services as runs
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from security.rotation import alerts as key_alerts
from security.rotation import reports
from security.rotation.models import ManagedSecret
from security.rotation.services import decisions
from security.rotation.services.decisions import AUTOMATION, PROPOSE
from security.rotation.services.due import due_by_hand, next_due, rotate_due

ACTOR = f"automation:{AUTOMATION}"
KEYS_PAGE = "/dashboards/keys"
AUTO = "auto"
MAX_LISTED = 100


def perform(context: RunContext) -> RunOutcome:
    """Propose a decision for each due key; in mode auto rotate them. Safe to repeat."""
    if context.dry_run:
        names = [each["key_id"] for each in reports.due(context.now)]
        return RunOutcome(f"Due: {counted(len(names), 'key')}.", detail={"due": names[:MAX_LISTED]})
    outcome = _rotate(context) if context.mode == AUTO else _propose(context)
    update_alerts(context.now)
    return outcome


def _propose(context: RunContext) -> RunOutcome:
    """Propose as many rotations as one run may do; `resume_rotations` does the approved ones."""
    keys = next_due(context.mode, ACTOR) + due_by_hand()
    proposed = decisions.propose(keys, mode=context.mode, now=context.now, run=context.run_id)
    names = [each["key_id"] for each in reports.due(context.now)]
    summary = (
        f"Overdue: {counted(len(names), 'key')}. Proposed: "
        f"{counted(len(proposed.decisions), 'rotation')}; in mode "
        f"{context.mode} a person must approve each."
    )
    return RunOutcome(summary, proposed.decisions, {"due": names[:MAX_LISTED]})


def _rotate(context: RunContext) -> RunOutcome:
    proposed = decisions.Proposed()

    def permit(keys: Sequence[ManagedSecret]) -> Sequence[ManagedSecret]:
        nonlocal proposed
        proposed = decisions.propose(keys, mode=AUTO, now=context.now, run=context.run_id)
        return proposed.approved

    result = rotate_due(actor=ACTOR, permit=permit)
    by_hand = decisions.propose(
        due_by_hand(), mode=PROPOSE, now=context.now, run=context.run_id
    ).decisions
    waiting = len(proposed.decisions) - len(proposed.approved)
    summary = (
        f"{len(result.rotations)} of {counted(result.due, 'due key')} rotated, "
        f"{len(result.failures)} failed, {result.held_back} over the hourly limit"
        + (f", {waiting} wait for approval" if waiting else "")
        + (f", {len(by_hand)} to rotate by hand" if by_hand else "")
        + f". {result.paused_because}"
    )
    failures = {each.key_id: each.error for each in result.failures[:MAX_LISTED]}
    made = (*proposed.decisions, *by_hand)
    return RunOutcome(summary.strip(), made, {"failures": failures})


def enqueue_catch_up_run(now: datetime) -> bool:
    """Enqueue a run for keys that the last one left over the hourly limit; whether it did."""
    is_auto = AUTOMATION in automations.switched_on() and automations.mode(AUTOMATION) == AUTO
    if not (is_auto and reports.is_catch_up_due(ACTOR, now)):
        return False
    try:
        runs.enqueue_manual_run(AUTOMATION, now, "catch-up")
    except runs.AutomationDisabled:
        return False
    return True


def update_alerts(now: datetime) -> None:
    """Raise the alerts that the keys' state requires, and resolve the others."""
    required = key_alerts.required_alerts(
        reports.report(now),
        run_missed=reports.is_run_missed(now),
        paused_because=reports.paused_because(),
        left_outside=reports.left_outside(),
    )
    for each in required:
        alerts.raise_alert(
            key_alerts.SOURCE, each.kind, each.subject, each.severity, each.message,
            link=KEYS_PAGE, now=now,
        )  # fmt: skip
    unresolved = open_alerts.unresolved_of(key_alerts.SOURCE)
    for kind, subject in key_alerts.no_longer_required(unresolved, required):
        alerts.resolve(key_alerts.SOURCE, kind, subject, now=now)


AUTOMATIONS = (AutomationSpec(AUTOMATION, "Rotate keys that are due", perform),)
