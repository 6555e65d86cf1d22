from revenue.billing.admin import DailyUseAdmin, InvoiceAdmin, MeterAdmin
from revenue.billing.admin.invoice_run import ClosingAdmin
from revenue.customers.admin import (
    CustomerAdmin,
    MovementAdmin,
    PaymentAdmin,
    SubscriptionAdmin,
)
from revenue.pricing.admin import PlanAdmin, PriceBookAdmin, QuoteAdmin, VersionAdmin
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
    "PlanAdmin",
    "PriceBookAdmin",
    "QuoteAdmin",
    "SubscriptionAdmin",
    "VersionAdmin",
]
