from revenue.billing.admin import (
    CreditEntryAdmin,
    CreditNoteAdmin,
    DailyUseAdmin,
    InvoiceAdmin,
    InvoiceRunAdmin,
    MeterAdmin,
    UnbilledUseChoiceAdmin,
)
from revenue.customers.admin import (
    ContactAdmin,
    CustomerAdmin,
    PaymentAdmin,
    ScheduledChangeAdmin,
    SubscriptionAdmin,
)
from revenue.documents.admin import (
    BillingDetailsAdmin,
    InvoiceDocumentAdmin,
    InvoiceIssuerAdmin,
    NumberSeriesAdmin,
)
from revenue.mrr.admin import MrrMovementAdmin
from revenue.pricing.admin import (
    PriceBookAdmin,
    PriceBookVersionAdmin,
    PricingPlanAdmin,
    QuoteAdmin,
)
from revenue.upsell.admin import OfferTermsAdmin, OpportunityAdmin

__all__ = ["CreditEntryAdmin", "DailyUseAdmin", "InvoiceAdmin", "InvoiceRunAdmin", "MeterAdmin"]
__all__ += ["CreditNoteAdmin", "UnbilledUseChoiceAdmin"]
__all__ += [
    "ContactAdmin",
    "CustomerAdmin",
    "MrrMovementAdmin",
    "PaymentAdmin",
    "ScheduledChangeAdmin",
    "SubscriptionAdmin",
]
__all__ += ["BillingDetailsAdmin", "InvoiceDocumentAdmin", "InvoiceIssuerAdmin"]
__all__ += ["NumberSeriesAdmin"]
__all__ += ["PriceBookAdmin", "PriceBookVersionAdmin", "PricingPlanAdmin", "QuoteAdmin"]
__all__ += ["OfferTermsAdmin", "OpportunityAdmin"]
