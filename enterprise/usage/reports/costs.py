"""What a client's use costs: this month so far, and the next month, by the price book in force."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from revenue.billing import reports as billing
from revenue.pricing.decimals import InvalidValues
from revenue.pricing.price_book.version import NoSuchPlan
from revenue.upsell.reports import sweep
from revenue.upsell.reports.sweep import CostsAhead

NOT_RATED = (billing.NothingPublished, billing.Tampered, InvalidValues, NoSuchPlan)
OVERAGE_KINDS = {"usage", "usage_adjustment"}  # lines of a bill that use makes
NO_FORECAST = "Too little use is known for a forecast, or there is no active plan."


@dataclass(frozen=True, slots=True)
class CostAnalysis:
    """Amounts in one currency; each is None where it cannot be rated, with the reason."""

    currency: str | None
    current: Decimal | None
    overage: Decimal | None
    projected: Decimal | None
    projected_low: Decimal | None
    projected_high: Decimal | None
    reason: str = ""

    def as_dict(self) -> dict[str, Any]:
        return {
            "currency": self.currency,
            "current_monthly_cost": self.current,
            "projected_next_month": self.projected,
            "projected_low": self.projected_low,
            "projected_high": self.projected_high,
            "overage_charges": self.overage,
            "reason": self.reason,
        }


def cost_analysis(customer: int, client_id: str, now: datetime) -> CostAnalysis:
    """The bill of this month by what is booked, and the cost of the forecast use."""
    try:
        bill = billing.bill(client_id, None, now)
    except NOT_RATED as error:
        return CostAnalysis(None, None, None, None, None, None, str(error))
    overage = sum((each.amount for each in bill.lines if each.kind in OVERAGE_KINDS), Decimal(0))
    try:
        ahead = costs_ahead(customer, now)
    except NOT_RATED as error:
        return CostAnalysis(bill.currency, bill.total, overage, None, None, None, str(error))
    if ahead is None:
        return CostAnalysis(bill.currency, bill.total, overage, None, None, None, NO_FORECAST)
    mine = ahead.costs[ahead.candidate.plan]
    return CostAnalysis(bill.currency, bill.total, overage, mine.estimate, mine.low, mine.high)


def costs_ahead(customer: int, now: datetime) -> CostsAhead | None:
    """What every plan costs for the forecast use; None where that is not known."""
    return sweep.costs_ahead(customer, now)
