"""The automations that anchor the audit each hour and verify all of it each night."""

from dataclasses import asdict
from datetime import datetime

from aethercrown.formatting import counted
from aethercrown.severity import CRITICAL
from operations.alerts import services as alerts
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome
from operations.messaging import services as messaging
from operations.messaging.message import OutgoingMessage
from security.audit import reports
from security.audit.services.anchor import anchor
from security.audit.verify import AuditFault

SOURCE, BROKEN = "audit", "broken"


def run_anchor(context: RunContext) -> RunOutcome:
    """Verify what is new, anchor it, and send the anchor to the destinations that take anchors."""
    if context.dry_run:
        return RunOutcome("Would sign the ends of all streams.")
    faults = reports.recent_faults()
    row = anchor(context.now)
    record = reports.to_record(row)
    title = (
        f"Signed audit digest {row.number}: {counted(row.streams, 'stream')}, root {row.root[:16]}"
    )
    payload = {"event": "audit.anchored", "anchor": asdict(record)}
    message = OutgoingMessage(f"audit:anchor:{row.number}", title, record.line(), payload)
    messaging.enqueue(message, row.at, takes_anchors=True)
    _update_alert(faults, "recent", context.now)
    return RunOutcome(f"{title}; {_summary(faults)}")


def run_verify(context: RunContext) -> RunOutcome:
    """Verify every event and every row of history."""
    faults = [*reports.chain_faults(), *reports.history_faults()]
    if not context.dry_run:
        _update_alert(faults, "all", context.now)
    return RunOutcome(f"{counted(reports.count_events(), 'event')}; {_summary(faults)}")


def _update_alert(faults: list[AuditFault], part: str, now: datetime) -> None:
    """Raise one alert that names the first fault, or resolve it."""
    if not faults:
        alerts.resolve(SOURCE, BROKEN, part, now=now)
        return
    message = f"{_summary(faults)} Run manage.py verify_audit."
    alerts.raise_alert(SOURCE, BROKEN, part, CRITICAL, message, now=now)


def _summary(faults: list[AuditFault]) -> str:
    if not faults:
        return "nothing is wrong."
    return f"Wrong streams and tables: {len(faults)}. First, {faults[0]}."


AUTOMATIONS = (
    AutomationSpec("security.anchor_audit", "Sign the audit", run_anchor),
    AutomationSpec("security.verify_audit", "Verify the audit", run_verify),
)
