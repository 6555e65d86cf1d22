from marketing.budget.models import Allocation, Book, Plan, Share
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue

__all__ = [
    "Allocation",
    "Book",
    "CalendarFlag",
    "Channel",
    "LiftTest",
    "Performance",
    "Plan",
    "Share",
    "TotalRevenue",
]
