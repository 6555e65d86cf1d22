from marketing.budget.models import (
    Allocation,
    AllocationLock,
    BudgetAmount,
    BudgetPlan,
    BudgetTask,
    PlanAllocation,
)
from marketing.channels.models import CalendarFlag, Channel, LiftTest, Performance, TotalRevenue
from marketing.experiments.models import (
    AbTest,
    AbTestCount,
    AbTestDecision,
    AbTestEpoch,
    AbTestEvent,
    AbTestLook,
    AbTestTotal,
    AbTestVariant,
    AbTestVisitor,
)

__all__ = [
    "AbTest",
    "AbTestCount",
    "AbTestDecision",
    "AbTestEpoch",
    "AbTestEvent",
    "AbTestLook",
    "AbTestTotal",
    "AbTestVariant",
    "AbTestVisitor",
    "Allocation",
    "AllocationLock",
    "BudgetAmount",
    "BudgetPlan",
    "BudgetTask",
    "CalendarFlag",
    "Channel",
    "LiftTest",
    "Performance",
    "PlanAllocation",
    "TotalRevenue",
]
