"""Plans as staff see them: read, approved, rejected and rolled back; never edited."""

from marketing.budget.admin.plans import (
    BudgetPlanAdmin,
    PlanAllocationInline,
    ReadOnlyBudgetAdmin,
)

__all__ = [
    "BudgetPlanAdmin",
    "PlanAllocationInline",
    "ReadOnlyBudgetAdmin",
]
