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
    "SubscriptionChange",
    "InvoiceRun",
    "Customer",
    "DailyUse",
    "Invoice",
    "RetentionRollup",
    "RollupWatermark",
    "Meter",
    "MrrRollup",
    "MrrMovement",
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
