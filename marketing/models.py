from marketing.budget.models import (
    Allocation,
    AllocationLock,
    BudgetPlan,
    BudgetTask,
    PlanAllocation,
)
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue

__all__ = [
    "Allocation",
    "AllocationLock",
    "BudgetPlan",
    "BudgetTask",
    "CalendarFlag",
    "Channel",
    "LiftTest",
    "Performance",
    "PlanAllocation",
    "TotalRevenue",
]
