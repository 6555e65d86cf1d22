from operations.alerts.tasks import purge_alerts, send_digest, tend_alerts
from operations.automations.tasks import purge_runs, run_automation, sweep_runs
from operations.decisions.tasks import expire_decisions, measure_decisions
from operations.health.tasks import note_worker, tend_uptime
from operations.messaging.tasks import purge_messages, send_messages

__all__ = [
    "expire_decisions",
    "measure_decisions",
    "note_worker",
    "purge_alerts",
    "purge_messages",
    "purge_runs",
    "run_automation",
    "send_digest",
    "send_messages",
    "sweep_runs",
    "tend_alerts",
    "tend_uptime",
]
