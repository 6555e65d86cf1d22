from marketing.budget.models import Allocation, Plan, Share
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
