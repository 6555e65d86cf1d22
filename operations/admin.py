from operations.alerts.admin import AlertAdmin, SilenceAdmin
from operations.automations.admin import AutomationAdmin, RunAdmin
from operations.decisions.admin import DecisionAdmin, FourEyesRuleAdmin
from operations.health.admin import CheckAdmin, ComponentAdmin, IncidentAdmin
from operations.imports.admin import DataImportAdmin, RepeatingImportAdmin
from operations.jobs.admin import JobAdmin
from operations.messaging.admin import (
    DestinationAdmin,
    MailTemplateVersionAdmin,
    MessageAdmin,
    RecipientAddressAdmin,
    SendingRuleAdmin,
)
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
    "MailTemplateVersionAdmin",
    "MessageAdmin",
    "PoolAdmin",
    "RecipientAddressAdmin",
    "RepeatingImportAdmin",
    "RunAdmin",
    "SendingRuleAdmin",
    "SilenceAdmin",
    "TaskAdmin",
    "TaskDurationStatsAdmin",
    "WorkerAdmin",
]
