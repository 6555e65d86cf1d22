"""What happens to keys by itself: the daily pass, and the alerts that their state asks for."""

from datetime import datetime

from operations.alerts import reports as open_alerts
from operations.alerts import services as alerts
from operations.automations.registry import Automation, Occasion, Outcome
from security.rotation import alarms, reports, services

AUTOMATION = "security.rotate_keys"
ACTOR = f"automation:{AUTOMATION}"
SOURCE = "keys"
PAGE = "/dashboards/keys"
AUTO = "auto"


def perform(occasion: Occasion) -> Outcome:
    """Rotate what is due in mode auto; in the others only say what is. Safe to repeat."""
    if occasion.dry_run or occasion.mode != AUTO:
        names = [each["key_id"] for each in reports.due(occasion.now)]
        if not occasion.dry_run:
            ring(occasion.now)
        said = f"{len(names)} keys are due; in mode {occasion.mode} a person rotates them."
        return Outcome(said, detail={"due": names[:100]})
    passed = services.rotate_due(actor=ACTOR)
    ring(occasion.now)
    said = (
        f"{len(passed.rotations)} of {passed.due} due keys rotated, {len(passed.failures)} failed, "
        f"{passed.held_back} held back. {passed.paused_because}"
    )
    failures = {each.key_id: each.error for each in passed.failures[:100]}
    return Outcome(said.strip(), detail={"failures": failures})


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


AUTOMATIONS = (Automation(AUTOMATION, "Rotate keys that are due", perform),)
