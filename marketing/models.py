from marketing.budget.models import Allocation, AllocationLock, BudgetPlan, PlanAllocation
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue

__all__ = [
    "Allocation",
    "AllocationLock",
    "BudgetPlan",
    "CalendarFlag",
    "Channel",
    "LiftTest",
    "Performance",
    "PlanAllocation",
    "TotalRevenue",
]
