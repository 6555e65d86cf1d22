from revenue.billing.admin import DailyUseAdmin, InvoiceAdmin, InvoiceRunAdmin, MeterAdmin
from revenue.customers.admin import CustomerAdmin, PaymentAdmin, SubscriptionAdmin
from revenue.mrr.admin import MrrMovementAdmin
from revenue.pricing.admin import (
    PriceBookAdmin,
    PriceBookVersionAdmin,
    PricingPlanAdmin,
    QuoteAdmin,
)
from revenue.upsell.admin import OfferTermsAdmin, OpportunityAdmin

__all__ = [
    "CustomerAdmin",
    "DailyUseAdmin",
    "InvoiceAdmin",
    "InvoiceRunAdmin",
    "MeterAdmin",
    "MrrMovementAdmin",
    "OfferTermsAdmin",
    "OpportunityAdmin",
    "PaymentAdmin",
    "PriceBookAdmin",
    "PriceBookVersionAdmin",
    "PricingPlanAdmin",
    "QuoteAdmin",
    "SubscriptionAdmin",
]
