"""Store the documented default prices as the first price book; migrations call this."""

from dataclasses import asdict
from datetime import UTC, date, datetime
from typing import Any

from revenue.pricing.price_book.default_book import BOOK, CURRENCY, ENTITLEMENTS, TITLE

DEFAULT_EFFECTIVE_FROM = date(2020, 1, 1)  # before any billed period


def seed_default_book(apps: Any) -> None:
    """Publish the documented defaults as version 1; an existing book is left as it is."""
    tables = {name: apps.get_model("revenue", name).objects for name in TABLES}
    if tables["PriceBook"].filter(code=BOOK.code).exists():
        return
    now = datetime.now(UTC)
    plans = {
        each.code: tables["PricingPlan"].get_or_create(
            code=each.code,
            defaults={"name": each.name, "rank": each.rank, "features": list(each.features)},
        )[0]
        for each in BOOK.plans
    }
    book = tables["PriceBook"].create(code=BOOK.code, title=TITLE, currency=CURRENCY)
    version = tables["PriceBookVersion"].create(
        book=book,
        number=BOOK.number,
        effective_from=DEFAULT_EFFECTIVE_FROM,
        largest_discount=BOOK.largest_discount,
        notes="The documented defaults.",
        created_at=now,
    )
    _create_rows(tables, version, plans)
    tables["PriceBookVersion"].filter(pk=version.pk).update(
        state="published", published_at=now, published_by="setup", digest=BOOK.digest()
    )


def seed_entitlements(apps: Any) -> None:
    """Store what the default plans include; a plan that has entitlements keeps its own."""
    plans = apps.get_model("revenue", "PricingPlan").objects
    rows = apps.get_model("revenue", "PlanEntitlement").objects
    for plan in plans.filter(code__in=ENTITLEMENTS):
        if not rows.filter(plan=plan).exists():
            for metric, quantity in ENTITLEMENTS[plan.code].items():
                rows.create(plan=plan, metric=metric, included=quantity, limit=quantity)


TABLES = ("PricingPlan", "PriceBook", "PriceBookVersion", "PlanPrice", "PriceFactor", "PlanRule")


def _create_rows(tables: dict[str, Any], version: Any, plans: dict[str, Any]) -> None:
    for price in BOOK.plans:
        tables["PlanPrice"].create(version=version, plan=plans[price.code], base_price=price.base)
    for factor in BOOK.factors:
        values = {**asdict(factor), "plan": plans.get(factor.plan)}
        tables["PriceFactor"].create(version=version, **values)
    for rule in BOOK.rules:
        values = {**asdict(rule), "plan": plans[rule.plan]}
        tables["PlanRule"].create(version=version, **values)
