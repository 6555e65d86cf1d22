from operations.alerts.admin import AlertAdmin, SilenceAdmin
from operations.automations.admin import AutomationAdmin, RunAdmin
from operations.decisions.admin import DecisionAdmin
from operations.health.admin import CheckAdmin, ComponentAdmin, IncidentAdmin
from operations.messaging.admin import DestinationAdmin, MessageAdmin
from operations.scheduling.admin import DurationAdmin, TaskAdmin
from operations.scheduling.admin.workers import PoolAdmin, WorkerAdmin

__all__ = [
    "AlertAdmin",
    "AutomationAdmin",
    "CheckAdmin",
    "ComponentAdmin",
    "DecisionAdmin",
    "DestinationAdmin",
    "DurationAdmin",
    "IncidentAdmin",
    "MessageAdmin",
    "PoolAdmin",
    "RunAdmin",
    "SilenceAdmin",
    "TaskAdmin",
    "WorkerAdmin",
]
