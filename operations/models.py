from operations.alerts.models import Alert, Silence
from operations.automations.models import Automation, Run
from operations.decisions.models import Decision
from operations.health.models import Check, Component, Heartbeat, Incident, Rollup, Turn
from operations.outbox.models import Destination, Message
from operations.planning.models import Schedule
from operations.scheduling.models import Dependency, Duration, Task
from operations.workers.models import Pool, Worker

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
