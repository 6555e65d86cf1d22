from marketing.allocations.models import Allocation, Book
from marketing.budget.models import Plan, Share
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
