"""The sweep: records the thresholds that running clocks have reached, each once."""

import logging
from datetime import datetime

from django.db import transaction

from aethercrown.formatting import counted
from enterprise.sla.models import SlaClock
from enterprise.sla.services import clocks, tiers
from operations.automations.registry import AutomationSpec, RunContext, RunOutcome

SWEEP = "enterprise.sweep_sla"
BATCH_ROWS = 500
log = logging.getLogger(__name__)


def record_due(now: datetime) -> int:
    """Record what is reached by now; returns how many thresholds. Two at once record none twice."""
    due = SlaClock.objects.filter(state=SlaClock.State.RUNNING, next_threshold_at__lte=now)
    found = due.order_by("next_threshold_at", "pk").values_list("pk", flat=True)
    return sum(_record(clock_id, now) for clock_id in list(found[:BATCH_ROWS]))


def _record(clock_id: int, now: datetime) -> int:
    try:
        with transaction.atomic():
            clock = clocks.lock_clock(clock_id)
            next_at = clock.next_threshold_at
            if next_at is None or next_at > now:
                return 0  # another sweep was here
            return len(clocks.record_reached(clock, now))
    except Exception:
        log.exception("The thresholds of clock %s could not be recorded", clock_id)
        return 0


def perform(context: RunContext) -> RunOutcome:
    """Record until nothing is due, and end overrides that are over; a dry run only counts."""
    if context.dry_run:
        due = SlaClock.objects.filter(next_threshold_at__lte=context.now).count()
        return RunOutcome(f"{counted(due, 'clock')} due")
    tiers.end_expired_overrides(context.now)
    recorded = 0
    while found := record_due(context.now):
        recorded += found
        if not context.may_continue():
            break
    return RunOutcome(f"{counted(recorded, 'threshold')} recorded")


AUTOMATIONS = (AutomationSpec(SWEEP, "Watch the SLA clocks", perform),)
