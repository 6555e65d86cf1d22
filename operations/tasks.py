from operations.alerts.tasks import purge_alerts, send_alert_reminders, send_digest
from operations.automations.tasks import purge_runs, recover_runs, run_automation
from operations.decisions.tasks import expire_decisions, measure_decisions
from operations.health.tasks import record_worker_heartbeat, roll_up_health
from operations.imports.tasks import purge_imports
from operations.jobs.tasks import purge_jobs, run_jobs
from operations.messaging.tasks import purge_messages, send_messages

__all__ = [
    "expire_decisions",
    "measure_decisions",
    "purge_alerts",
    "purge_imports",
    "purge_jobs",
    "purge_messages",
    "purge_runs",
    "record_worker_heartbeat",
    "recover_runs",
    "roll_up_health",
    "run_automation",
    "run_jobs",
    "send_alert_reminders",
    "send_digest",
    "send_messages",
]
