"""What happens to keys by itself: the daily pass, and the alerts that their state asks for."""

from collections.abc import Sequence
from datetime import datetime

from operations.alerts import reports as open_alerts
from operations.alerts import services as alerts
from operations.automations import reports as known
from operations.automations import services as runs
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from security.rotation import alerts as alarms
from security.rotation import reports, services
from security.rotation.decision import AUTOMATION
from security.rotation.services import decisions as turns
from security.rotation.services.steps import ManagedSecret

ACTOR = f"automation:{AUTOMATION}"
SOURCE = "keys"
PAGE = "/dashboards/keys"
AUTO = "auto"


def perform(context: RunContext) -> RunOutcome:
    """Put forward what is due, a decision a key; in mode auto rotate it. Safe to repeat."""
    if context.dry_run:
        names = [each["key_id"] for each in reports.due(context.now)]
        return RunOutcome(f"{len(names)} keys are due.", detail={"due": names[:100]})
    done = _rotated(context) if context.mode == AUTO else _proposed(context)
    ring(context.now)
    return done


def _proposed(context: RunContext) -> RunOutcome:
    """As many decisions as the pass would rotate keys; what is approved comes within a minute."""
    put = turns.put_forward(services.next_due(), mode=context.mode, now=context.now,
                            run=context.run_id)  # fmt: skip
    names = [each["key_id"] for each in reports.due(context.now)]
    said = (
        f"{len(names)} keys are overdue, {len(put.decisions)} rotations put forward; in mode "
        f"{context.mode} none is begun without a person."
    )
    return RunOutcome(said, put.decisions, {"due": names[:100]})


def _rotated(context: RunContext) -> RunOutcome:
    put = turns.Put()

    def permit(keys: Sequence[ManagedSecret]) -> Sequence[ManagedSecret]:
        nonlocal put
        put = turns.put_forward(keys, mode=AUTO, now=context.now, run=context.run_id)
        return put.allowed

    passed = services.rotate_due(actor=ACTOR, permit=permit)
    waiting = len(put.decisions) - len(put.allowed)
    said = (
        f"{len(passed.rotations)} of {passed.due} due keys rotated, {len(passed.failures)} failed, "
        f"{passed.held_back} held back"
        + (f", {waiting} wait for a person" if waiting else "")
        + f". {passed.paused_because}"
    )
    failures = {each.key_id: each.error for each in passed.failures[:100]}
    return RunOutcome(said.strip(), put.decisions, {"failures": failures})


def go_on(now: datetime) -> bool:
    """Order a run for the keys that the last one left to the hour's limit; whether it did.

    A night's run alone would rotate at most 50 keys a day.
    """
    on = AUTOMATION in known.switched_on() and known.mode(AUTOMATION) == AUTO
    if not (on and reports.is_left_over(ACTOR, now)):
        return False
    try:
        runs.enqueue_manual_run(AUTOMATION, now, "catch-up")
    except runs.AutomationDisabled:
        return False
    return True


def ring(now: datetime) -> int:
    """Raise the alerts that the keys' state asks for, and resolve the others; how many stand."""
    found = alarms.wanted(
        reports.report(now),
        silent=reports.is_silent(now),
        paused_because=reports.paused_because(),
    )
    for each in found:
        alerts.raise_alert(
            SOURCE, each.kind, each.subject, each.severity, each.message, link=PAGE, now=now
        )
    for kind, subject in alarms.over(open_alerts.unresolved_of(SOURCE), found):
        alerts.resolve(SOURCE, kind, subject, now=now)
    return len(found)


AUTOMATIONS = (AutomationSpec(AUTOMATION, "Rotate keys that are due", perform),)
