"""Admin screens of plans, price books, versions and quotes."""

from revenue.pricing.admin.quotes import QuoteAdmin
from revenue.pricing.admin.versions import PriceBookAdmin, PriceBookVersionAdmin, PricingPlanAdmin
