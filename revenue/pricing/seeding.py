"""The documented defaults as rows, in the database from the first start; migrations call this."""

from datetime import UTC, date, datetime
from typing import Any

from revenue.pricing.price_book.default_book import BOOK, CURRENCY, TITLE
from revenue.pricing.price_book.version import COMPANY

DEFAULT_EFFECTIVE_FROM = date(2020, 1, 1)  # earlier than any period that is billed


def seed_default_book(apps: Any) -> None:
    """Publish the documented defaults as the first version; a book that is there stays."""
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
    _fill(tables, version, plans)
    tables["PriceBookVersion"].filter(pk=version.pk).update(
        state="published", published_at=now, published_by="setup", digest=BOOK.digest()
    )


TABLES = ("PricingPlan", "PriceBook", "PriceBookVersion", "PlanPrice", "PriceFactor", "PlanRule")


def _fill(tables: dict[str, Any], version: Any, plans: dict[str, Any]) -> None:
    for price in BOOK.plans:
        tables["PlanPrice"].create(version=version, plan=plans[price.code], base_price=price.base)
    for step in BOOK.steps:
        tables["PriceFactor"].create(
            version=version,
            kind=step.kind,
            plan=plans[step.plan] if step.kind == COMPANY else None,
            metric=step.metric,
            above=step.above,
            value=step.value,
        )
    for rule in BOOK.rules:
        tables["PlanRule"].create(
            version=version,
            plan=plans[rule.plan],
            source=rule.source,
            metric=rule.metric,
            above=rule.above,
            needs_company=rule.needs_company,
        )
