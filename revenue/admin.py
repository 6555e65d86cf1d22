from revenue.billing.admin import DailyUseAdmin, InvoiceAdmin, MeterAdmin
from revenue.billing.admin.invoice_run import ClosingAdmin
from revenue.customers.admin import (
    CustomerAdmin,
    MovementAdmin,
    PaymentAdmin,
    SubscriptionAdmin,
)
from revenue.pricing.admin import (
    PriceBookAdmin,
    PriceBookVersionAdmin,
    PricingPlanAdmin,
    QuoteAdmin,
)
from revenue.upsell.admin import OfferTermsAdmin, OpportunityAdmin

__all__ = [
    "ClosingAdmin",
    "CustomerAdmin",
    "DailyUseAdmin",
    "InvoiceAdmin",
    "MeterAdmin",
    "MovementAdmin",
    "OfferTermsAdmin",
    "OpportunityAdmin",
    "PaymentAdmin",
    "PriceBookAdmin",
    "PriceBookVersionAdmin",
    "PricingPlanAdmin",
    "QuoteAdmin",
    "SubscriptionAdmin",
]
