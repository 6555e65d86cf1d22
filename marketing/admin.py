from marketing.budget.admin import (
    AllocationAdmin,
    BudgetAmountAdmin,
    BudgetPlanAdmin,
    BudgetTaskAdmin,
)
from marketing.channels.admin import (
    CalendarFlagAdmin,
    ChannelAdmin,
    LiftTestAdmin,
    PerformanceAdmin,
    TotalRevenueAdmin,
)

__all__ = [
    "AllocationAdmin",
    "BudgetAmountAdmin",
    "BudgetPlanAdmin",
    "BudgetTaskAdmin",
    "CalendarFlagAdmin",
    "ChannelAdmin",
    "LiftTestAdmin",
    "PerformanceAdmin",
    "TotalRevenueAdmin",
]
