from marketing.budget.admin import AllocationAdmin, BudgetPlanAdmin, BudgetTaskAdmin
from marketing.channels.admin import (
    CalendarFlagAdmin,
    ChannelAdmin,
    LiftTestAdmin,
    PerformanceAdmin,
    TotalRevenueAdmin,
)

__all__ = [
    "AllocationAdmin",
    "BudgetPlanAdmin",
    "BudgetTaskAdmin",
    "CalendarFlagAdmin",
    "ChannelAdmin",
    "LiftTestAdmin",
    "PerformanceAdmin",
    "TotalRevenueAdmin",
]
