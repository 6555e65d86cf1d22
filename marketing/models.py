from marketing.allocations.models import Allocation
from marketing.budget.models import Plan, Share
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue

__all__ = [
    "Allocation",
    "CalendarFlag",
    "Channel",
    "LiftTest",
    "Performance",
    "Plan",
    "Share",
    "TotalRevenue",
]
