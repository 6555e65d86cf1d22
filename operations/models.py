from operations.automations.models import Automation, Run
from operations.decisions.models import Decision

__all__ = ["Automation", "Decision", "Run"]
