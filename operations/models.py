from operations.alerts.models import Alert, Silence
from operations.automations.models import Automation, Run
from operations.decisions.models import Decision, FourEyesRule
from operations.health.models import Check, CheckLock, Component, HealthRollup, Heartbeat, Incident
from operations.imports.models import DataImport
from operations.jobs.models import Job
from operations.messaging.models import Destination, Message
from operations.scheduling.models import Dependency, Pool, Schedule, Task, TaskDurationStats, Worker

__all__ = [
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
    "Message",
    "Pool",
    "Run",
    "Schedule",
    "Silence",
    "Task",
    "TaskDurationStats",
    "Worker",
]
