from revenue.customers.admin import (
    CustomerAdmin,
    MovementAdmin,
    PaymentAdmin,
    SubscriptionAdmin,
)
from revenue.pricing.admin import PlanAdmin, PriceBookAdmin, QuoteAdmin, VersionAdmin

__all__ = [
    "CustomerAdmin",
    "MovementAdmin",
    "PaymentAdmin",
    "PlanAdmin",
    "PriceBookAdmin",
    "QuoteAdmin",
    "SubscriptionAdmin",
    "VersionAdmin",
]
