"""What reports return of plans, of amounts in force and of spend by date."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from marketing.budget.planner.proposal import Interval


@dataclass(frozen=True, slots=True)
class PlanSummary:
    """A plan with its expected and realised lift in percent."""

    plan_id: int
    decision_id: int
    created_at: datetime
    source: str
    total: Decimal
    currency: str
    status: str
    verdict: str
    expected: Interval
    realised: Interval | None  # None until it is measured
    probability_of_lift: float
    applied_at: datetime | None
    budget_periods: int
    starts_on: date | None
    ends_on: date | None


@dataclass(frozen=True, slots=True)
class DailyPerformance:
    """Spend and, where known, revenue on a date."""

    on: date
    spend: Decimal
    revenue: Decimal | None


@dataclass(frozen=True, slots=True)
class AllocationInForce:
    """What a channel gets now, by which decision, since when."""

    channel: str
    amount: Decimal
    currency: str
    decision_id: int
    since: datetime
