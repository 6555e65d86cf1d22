from operations.alerts.models import Alert, Silence
from operations.automations.models import Automation, Run
from operations.decisions.models import Decision
from operations.health.models import Check, Component, Heartbeat, Incident, Rollup, Turn
from operations.outbox.models import Destination, Message

__all__ = [
    "Alert",
    "Automation",
    "Check",
    "Component",
    "Decision",
    "Destination",
    "Heartbeat",
    "Incident",
    "Message",
    "Rollup",
    "Run",
    "Silence",
    "Turn",
]
