from operations.alerts.models import Alert, Silence
from operations.automations.models import Automation, Run
from operations.decisions.models import Decision
from operations.outbox.models import Destination, Message

__all__ = ["Alert", "Automation", "Decision", "Destination", "Message", "Run", "Silence"]
