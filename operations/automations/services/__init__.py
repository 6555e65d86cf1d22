"""Enqueue, execute and recover runs; save schedules.

Each planned time runs once, however often it is announced: a due time is one row (a second one is
ignored), a claim by compare-and-set gives the row to one worker, and each later write names the
attempt that it belongs to, so that a worker whose lease has expired can change nothing.
"""

from operations.automations.services.enqueue import (
    AutomationDisabled,
    enqueue_due_runs,
    enqueue_manual_run,
)
from operations.automations.services.execute import dry_run, run_due, run_planned
from operations.automations.services.recover import (
    delete_old_runs,
    recover_runs,
    requeue_abandoned_runs,
)
from operations.automations.services.schedule import disable_auto, save_schedule
