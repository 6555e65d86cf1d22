from revenue.billing.models import Adjustment, Closing, DailyUse, Invoice, Meter
from revenue.customers.models import Change, Customer, Movement, Payment, Subscription
from revenue.mrr.models import KeptSum, Mark, MonthlySum
from revenue.pricing.models import (
    PlanCharge,
    PlanPrice,
    PlanRule,
    PriceBook,
    PriceBookVersion,
    PriceFactor,
    PricingPlan,
    Quote,
)
from revenue.upsell.models import OfferTerms, Opportunity

__all__ = [
    "Adjustment",
    "Change",
    "Closing",
    "Customer",
    "DailyUse",
    "Invoice",
    "KeptSum",
    "Mark",
    "Meter",
    "MonthlySum",
    "Movement",
    "OfferTerms",
    "Opportunity",
    "Payment",
    "PlanCharge",
    "PlanPrice",
    "PlanRule",
    "PriceBook",
    "PriceBookVersion",
    "PriceFactor",
    "PricingPlan",
    "Quote",
    "Subscription",
]
