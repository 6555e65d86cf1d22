from operations.alerts.models import Alert, Silence
from operations.automations.models import Automation, Run
from operations.decisions.models import Decision
from operations.health.models import Check, Component, Heartbeat, Incident, Rollup, Turn
from operations.messaging.models import Destination, Message
from operations.scheduling.models import Dependency, Duration, Pool, Schedule, Task, Worker

__all__ = [
    "Alert",
    "Automation",
    "Check",
    "Component",
    "Decision",
    "Dependency",
    "Destination",
    "Duration",
    "Heartbeat",
    "Incident",
    "Message",
    "Pool",
    "Rollup",
    "Run",
    "Schedule",
    "Silence",
    "Task",
    "Turn",
    "Worker",
]
