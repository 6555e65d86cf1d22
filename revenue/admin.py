from revenue.pricing.admin import PlanAdmin, PriceBookAdmin, QuoteAdmin, VersionAdmin

__all__ = ["PlanAdmin", "PriceBookAdmin", "QuoteAdmin", "VersionAdmin"]
