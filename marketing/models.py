from marketing.budget.models import (
    Allocation,
    AllocationLock,
    BudgetAmount,
    BudgetPlan,
    BudgetTask,
    PlanAllocation,
)
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue

__all__ = [
    "Allocation",
    "AllocationLock",
    "BudgetAmount",
    "BudgetPlan",
    "BudgetTask",
    "CalendarFlag",
    "Channel",
    "LiftTest",
    "Performance",
    "PlanAllocation",
    "TotalRevenue",
]
