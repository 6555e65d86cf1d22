from operations.alerts.admin import AlertAdmin, SilenceAdmin
from operations.automations.admin import AutomationAdmin, RunAdmin
from operations.decisions.admin import DecisionAdmin, FourEyesRuleAdmin
from operations.health.admin import CheckAdmin, ComponentAdmin, IncidentAdmin
from operations.imports.admin import DataImportAdmin
from operations.jobs.admin import JobAdmin
from operations.messaging.admin import DestinationAdmin, MessageAdmin
from operations.scheduling.admin import (
    PoolAdmin,
    TaskAdmin,
    TaskDurationStatsAdmin,
    WorkerAdmin,
)

__all__ = [
    "AlertAdmin",
    "AutomationAdmin",
    "CheckAdmin",
    "ComponentAdmin",
    "DataImportAdmin",
    "DecisionAdmin",
    "DestinationAdmin",
    "FourEyesRuleAdmin",
    "IncidentAdmin",
    "JobAdmin",
    "MessageAdmin",
    "PoolAdmin",
    "RunAdmin",
    "SilenceAdmin",
    "TaskAdmin",
    "TaskDurationStatsAdmin",
    "WorkerAdmin",
]
