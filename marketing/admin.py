from marketing.budget.admin import AllocationAdmin, BudgetPlanAdmin
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
    "CalendarFlagAdmin",
    "ChannelAdmin",
    "LiftTestAdmin",
    "PerformanceAdmin",
    "TotalRevenueAdmin",
]
