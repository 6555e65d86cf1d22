from revenue.customers.models import Change, Customer, Movement, Payment, Subscription
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

__all__ = [
    "Change",
    "Charge",
    "Customer",
    "Factor",
    "Movement",
    "Payment",
    "Plan",
    "PlanPrice",
    "PriceBook",
    "Quote",
    "Rule",
    "Subscription",
    "Version",
]
