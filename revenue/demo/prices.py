"""The demo company's quotes, and a draft price book version to simulate."""

from datetime import timedelta
from decimal import Decimal

import numpy as np

from aethercrown.demo import Seeding
from revenue.pricing import reports
from revenue.pricing import services as pricing
from revenue.pricing.calculation.inputs import PricingInputs

QUOTES = 40
CODES = ("starter", "professional", "enterprise")
RAISED = {"starter": Decimal(35), "professional": Decimal(89)}
SALES = "demo: sales"


def seed(seeding: Seeding) -> None:
    """Store quotes of the last weeks, and a draft that raises one price and lowers one.

    Nothing is added where the default prices are retired.
    """
    try:
        reports.version_in_force(seeding.today - timedelta(days=QUOTES))
    except reports.NothingPublished:
        return
    for days in range(QUOTES, 0, -1):
        tier = int(seeding.random.integers(0, len(CODES)))
        known, at = _situation(seeding.random, tier), seeding.now - timedelta(days=days)
        seeding.keep([pricing.create_quote(CODES[tier], known, now=at, by=SALES)[0]])
    draft = pricing.draft(
        reports.STANDARD_BOOK, effective_from=seeding.today + timedelta(days=30), now=seeding.now
    )
    for price in draft.prices.select_related("plan", "version"):
        price.base_price = RAISED.get(price.plan.code, price.base_price)
        price.save()
    seeding.keep([draft])


def _situation(draw: np.random.Generator, tier: int) -> PricingInputs:
    """Usage that roughly suits the plan, with company data for the largest plan."""
    usage = {
        "api_calls": Decimal(int(draw.lognormal(8 + 1.3 * tier, 0.9))),
        "storage_gb": Decimal(int(draw.lognormal(3.5 + tier, 0.9))),
        "user_seats": Decimal(int(draw.lognormal(1.5 + tier, 0.7))),
    }
    engagement = {
        "daily_active_rate": Decimal(int(draw.integers(20, 95))).scaleb(-2),
        "tenure_months": Decimal(int(draw.integers(0, 36))),
    }
    company = {"employee_count": Decimal(int(draw.lognormal(5.5, 1.2)))}
    return PricingInputs(usage, engagement, company if CODES[tier] == "enterprise" else None)
