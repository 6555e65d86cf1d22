from operations.automations.admin import AutomationAdmin, RunAdmin
from operations.decisions.admin import DecisionAdmin

__all__ = ["AutomationAdmin", "DecisionAdmin", "RunAdmin"]
