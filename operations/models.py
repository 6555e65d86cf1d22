from operations.alerts.models import Alert, Silence
from operations.automations.models import Automation, Run
from operations.decisions.models import Decision, FourEyesRule
from operations.health.models import Check, CheckLock, Component, HealthRollup, Heartbeat, Incident
from operations.imports.models import DataImport, RepeatingImport, ReplacedRow
from operations.jobs.models import Job
from operations.messaging.models import (
    AddressHashKey,
    Destination,
    MailTemplateVersion,
    Message,
    RecipientAddress,
    SendingRule,
)
from operations.scheduling.models import Dependency, Pool, Schedule, Task, TaskDurationStats, Worker

__all__ = [
    "AddressHashKey",
    "Alert",
    "Automation",
    "Check",
    "CheckLock",
    "Component",
    "DataImport",
    "Decision",
    "Dependency",
    "Destination",
    "FourEyesRule",
    "HealthRollup",
    "Heartbeat",
    "Incident",
    "Job",
    "MailTemplateVersion",
    "Message",
    "Pool",
    "RecipientAddress",
    "RepeatingImport",
    "ReplacedRow",
    "Run",
    "Schedule",
    "SendingRule",
    "Silence",
    "Task",
    "TaskDurationStats",
    "Worker",
]
