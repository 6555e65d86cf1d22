from operations.alerts.models import Alert, Silence
from operations.automations.models import Automation, Run
from operations.decisions.models import Decision
from operations.health.models import Check, Component, Heartbeat, Incident, Rollup, Turn
from operations.messaging.models import Destination, Message
from operations.scheduling.models import Dependency, Pool, Schedule, Task, TaskDurationStats, Worker

__all__ = [
    "Alert",
    "Automation",
    "Check",
    "Component",
    "Decision",
    "Dependency",
    "Destination",
    "Heartbeat",
    "Incident",
    "Message",
    "Pool",
    "Rollup",
    "Run",
    "Schedule",
    "Silence",
    "Task",
    "TaskDurationStats",
    "Turn",
    "Worker",
]
