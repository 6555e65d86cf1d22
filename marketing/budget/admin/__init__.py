"""Admin screens of budget plans and allocations."""

from marketing.budget.admin.allocations import AllocationAdmin
from marketing.budget.admin.plans import BudgetPlanAdmin

__all__ = ["AllocationAdmin", "BudgetPlanAdmin"]
