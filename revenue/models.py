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
    "Charge",
    "Factor",
    "Plan",
    "PlanPrice",
    "PriceBook",
    "Quote",
    "Rule",
    "Version",
]
