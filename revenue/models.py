from revenue.billing.models import (
    Adjustment,
    CreditEntry,
    CreditNote,
    DailyUse,
    Invoice,
    InvoiceRun,
    Meter,
    UnbilledUseChoice,
)
from revenue.customers.models import (
    Contact,
    Customer,
    Payment,
    ScheduledChange,
    Subscription,
    SubscriptionChange,
)
from revenue.documents.models import (
    BillingDetails,
    InvoiceDocument,
    InvoiceIssuer,
    NumberSeries,
    PaymentReminder,
    ReminderStep,
    TaxRate,
)
from revenue.mrr.models import MrrMovement, MrrRollup, RetentionRollup, RollupWatermark
from revenue.pricing.models import (
    PlanCharge,
    PlanEntitlement,
    PlanPrice,
    PlanRule,
    PriceBook,
    PriceBookVersion,
    PriceFactor,
    PricingPlan,
    Quote,
)
from revenue.upsell.models import OfferTerms, Opportunity

__all__ = ["Adjustment", "CreditEntry", "DailyUse", "Invoice", "InvoiceRun", "Meter"]
__all__ += ["CreditNote", "UnbilledUseChoice"]
__all__ += ["Contact", "Customer", "Payment", "ScheduledChange", "Subscription"]
__all__ += ["SubscriptionChange"]
__all__ += ["BillingDetails", "InvoiceDocument", "InvoiceIssuer", "NumberSeries", "TaxRate"]
__all__ += ["PaymentReminder", "ReminderStep"]
__all__ += ["MrrMovement", "MrrRollup", "RetentionRollup", "RollupWatermark"]
__all__ += ["PlanCharge", "PlanPrice", "PlanRule", "PriceBook", "PriceBookVersion", "PriceFactor"]
__all__ += ["OfferTerms", "Opportunity", "PlanEntitlement", "PricingPlan", "Quote"]
