from revenue.billing.models import Adjustment, DailyUse, Invoice, InvoiceRun, Meter
from revenue.customers.models import Customer, Payment, Subscription, SubscriptionChange
from revenue.mrr.models import MrrMovement, MrrRollup, RetentionRollup, RollupWatermark
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
    "Customer",
    "DailyUse",
    "Invoice",
    "InvoiceRun",
    "Meter",
    "MrrMovement",
    "MrrRollup",
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
    "RetentionRollup",
    "RollupWatermark",
    "Subscription",
    "SubscriptionChange",
]
