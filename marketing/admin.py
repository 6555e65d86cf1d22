from marketing.budget.admin import BudgetPlanAdmin
from marketing.budget.admin.allocations import AllocationAdmin
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
