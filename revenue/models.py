from revenue.billing.models import Adjustment, Closing, DailyUse, Invoice, Meter
from revenue.customers.models import Change, Customer, Movement, Payment, Subscription
from revenue.mrr.models import KeptSum, Mark, MonthlySum
from revenue.pricing.models import (
    Charge,
    Factor,
    Plan,
    PlanPrice,
    PriceBook,
    Quote,
    Rule,
    Version,
)
from revenue.upsell.models import OfferTerms, Opportunity

__all__ = [
    "Adjustment",
    "Change",
    "Charge",
    "Closing",
    "Customer",
    "DailyUse",
    "Factor",
    "Invoice",
    "KeptSum",
    "Mark",
    "Meter",
    "MonthlySum",
    "Movement",
    "OfferTerms",
    "Opportunity",
    "Payment",
    "Plan",
    "PlanPrice",
    "PriceBook",
    "Quote",
    "Rule",
    "Subscription",
    "Version",
]
